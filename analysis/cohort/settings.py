"""Settings of the selection: which exams make the cohort, and how they are split into sets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from analysis.settings import Settings

Rule = Literal["unreadable", "no_knee", "paediatric", "unusable", "repeat"]


class SetSettings(Settings):
    """What one set asks for."""

    exams: int | None = Field(None, ge=1, description="Number of exams; null takes all there are.")
    protocols: list[str] | None = Field(
        None, description="Protocols (names from ingest.protocols, or 'other') allowed in the set; null allows all."
    )
    enriched_share: float | None = Field(
        None, ge=0, le=1, description="At least this share of the exams has one of the words in its report; null: any."
    )
    at_least: dict[str, dict[int, Annotated[int, Field(ge=1)]]] = Field(
        {}, description="Item to grade to the smallest number of exams of that grade, e.g. {kl: {4: 50}}."
    )


class ValidationSettings(SetSettings):
    """Prepared like the test set, read by the readers of the training set."""

    exams: int | None = Field(100, ge=1, description="Number of exams; null takes all there are.")
    protocols: list[str] | None = Field(
        ["weight_bearing"], description="Protocols allowed in the set; null allows all."
    )
    enriched_share: float | None = Field(
        0.5, ge=0, le=1, description="At least this share of the exams has one of the words in its report; null: any."
    )


class TestSettings(ValidationSettings):
    """Read by two seniors; weight-bearing protocols only, enriched by words of the report."""

    exams: int | None = Field(300, ge=1, description="Number of exams; null takes all there are.")


class SetsSettings(Settings):
    """The three sets. Exams are drawn for the test set first, then validation, then training."""

    training: SetSettings = Field(SetSettings(), description="Single readings, all protocols.")
    validation: ValidationSettings = Field(
        ValidationSettings(), description="Two readings by those of the training set."
    )
    test: TestSettings = Field(TestSettings(), description="Two readings by seniors; weight-bearing only.")


class WordsSettings(Settings):
    """Words of the radiologist's report by which a set is enriched; regular expressions, case ignored."""

    swedish: list[str] = Field(
        [
            r"artros", r"gonartros", r"osteofyt", r"broskreduktion", r"brosksänkning", r"ledspringesänkning",
            r"ledspalt\w* (är )?(sänkt|reducerad|avsmalnad|upphävd)", r"(sänkt|reducerad|avsmalnad|upphävd) ledsp",
            r"degenerativ", r"subkondral skleros", r"ahlbäck",
        ],
        description="Swedish.",
    )  # fmt: skip
    english: list[str] = Field(
        [
            r"osteoarthr", r"osteophyt", r"joint space narrowing", r"narrow\w* (of the )?joint space",
            r"(reduced|obliterated) joint space", r"degenerative", r"subchondral sclerosis", r"kellgren",
        ],
        description="English.",
    )  # fmt: skip
    negations: list[str] = Field(
        [
            r"\bing(en|a|et)\b", r"\binte\b", r"\bej\b", r"\bicke\b", r"\butan\b", r"\bvarken\b",
            r"\bno\b", r"\bnot\b", r"\bwithout\b", r"\bnegative for\b", r"\bneither\b", r"\babsence of\b",
        ],
        description="A word after one of these in the same clause doesn't count.",
    )  # fmt: skip

    @field_validator("swedish", "english", "negations")
    @classmethod
    def _compile(cls, value: list[str]) -> list[str]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is no regular expression ({error})") from None
        return value


class SelectionSettings(Settings):
    """The rules, in the order they are applied, and the sets."""

    rules: list[Rule] = Field(
        ["unreadable", "no_knee", "paediatric", "unusable", "repeat"],
        description="Exclusions in the order they are applied and counted; leave one out to not apply it.",
    )
    minimum_age: float = Field(18, ge=0, description="Younger patients at the exam are paediatric, years.")
    unknown_age: Literal["keep", "exclude"] = Field(
        "keep", description="What happens to exams without an age; excluded ones are counted apart."
    )
    repeat_days: int = Field(
        90, ge=0, description="An exam this soon after the patient's previous kept one is a repeat, days."
    )
    body_parts: list[str] = Field(
        ["knee", "femur", "leg", "extremity"],
        description="Body parts that may show a knee; an exam of none of them has no knee.",
    )
    unread: Literal["exclude", "training"] = Field(
        "exclude",
        description="Exams that nobody has read: left out, or in the training set, to be read as active learning asks.",
    )
    split: Literal["given", "draw", "auto"] = Field(
        "auto", description="given: sets.csv of the archive; draw: at random; auto: given where there is a sets.csv."
    )
    sets: SetsSettings = Field(SetsSettings(), description="What each set asks for.")
    words: WordsSettings = Field(WordsSettings(), description="Words of the report for enrichment.")

    @model_validator(mode="after")
    def _once(self) -> SelectionSettings:
        if len(set(self.rules)) != len(self.rules):
            raise ValueError("each rule can be applied once; remove the double one from 'rules'")
        return self
