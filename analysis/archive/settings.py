"""Settings of the archive: where it comes from, and what ingest makes of its headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, create_model, field_validator, model_validator

from analysis.archive.sources import find_sources
from analysis.settings import Settings

Patterns = dict[str, list[str]]
SOURCES = find_sources()


class Archive(Settings):
    """Which archive the cohort is drawn from."""

    source: str = Field(
        "simulated", description="; ".join(f"{name}: {source.title}" for name, source in SOURCES.items()) + "."
    )
    folder: str | None = Field(
        None,
        description="The handed-over archive for source 'folder': dicom/, reports.csv, readings.csv and, where needed, sets.csv "
        "and exams.csv (docs/archive.md).",
    )
    key: str | None = Field(
        None,
        description="File of the secret key of the pseudonyms, outside the repository, where the source holds personal "
        "data; null: knee-grading/pseudonym.key in the user's configuration folder. Made on first use.",
    )

    harmless: str | None = Field(
        None,
        description="CSV with a column `words`, outside the repository: what the search for identities finds and, in your "
        "judgement, identifies nobody, as a maker that a patient is called like.",
    )

    @model_validator(mode="after")
    def _has_folder(self) -> Archive:
        if not SOURCES[self.source].make and not self.folder:
            raise ValueError(f"source '{self.source}' needs the key 'folder': the path of the archive")
        return self


if TYPE_CHECKING:
    ArchiveSettings = Archive
else:
    # A source's own settings stand under its name, unless they are a section of their own.
    ArchiveSettings = create_model(
        "ArchiveSettings",
        __base__=Archive,
        __doc__=Archive.__doc__,
        source=(Literal[tuple(SOURCES)], Archive.model_fields["source"]),
        **{
            name: (source.settings, Field(source.settings(), description=source.title))
            for name, source in SOURCES.items()
            if source.settings and not source.section
        },
    )


class CutSettings(Settings):
    """How single knees are cut out of a film."""

    both: Literal["knee", "half"] = Field(
        "knee", description="Of a film that shows both knees: a square about each joint, or half the film each."
    )
    single: Literal["whole", "knee"] = Field(
        "whole", description="Of a frontal film that shows one knee: the whole film, as in the paper, or the square."
    )
    side_mm: float = Field(
        140, gt=20, le=400, description="Side of the square, mm; where a file doesn't say how large a pixel is, the "
        "width of the leg is the measure."
    )  # fmt: skip


class IngestSettings(Settings):
    """What ingest accepts, and how it reads free text; patterns are regular expressions, case ignored.

    In each table of patterns the first name with a pattern that is found anywhere in the text wins.
    """

    expert = (
        "max_file_mb", "max_pixels", "min_pixels", "modalities", "placeholders", "for_processing", "max_seconds",
        "max_memory_mb",
    )  # fmt: skip
    blank = ("modalities",)  # files that don't say which they are

    max_file_mb: float = Field(256, gt=0, description="Larger files are rejected unread, MB.")
    max_pixels: int = Field(
        100_000_000, gt=0, description="Rows x columns above which an image is rejected, so that memory stays bounded."
    )
    min_pixels: int = Field(
        64, gt=0, description="Rows and columns below which an image is rejected: icons and localisers."
    )
    modalities: list[str] = Field(
        ["CR", "DX", "RG"], description="DICOM modalities taken; others (CT, MR, SR, ...) are rejected by name."
    )
    protocols: Patterns = Field(
        {
            "weight_bearing": [
                r"\bbelast", r"stående", r"staende", r"weight[ -]?bearing", r"standing", r"rosenberg", r"artros",
                r"fixed[ -]?flexion", r"\bPA ?(05|10|15)\b", r"\bwb\b", r"\bupright\b", r"\berect\b", r"\bim stehen",
                r"\bstaand", r"\bdebout", r"\ben charge", r"\b(?:con|en|com) carga", r"ortosta",
                r"\b(?:in|sotto) carico", r"\bstojąc", r"\bseis(?:ten|oma)",
            ],
            "femur": [r"lårben", r"larben", r"\bfemur", r"\bthigh", r"diafys\w* femur"],
            "tibia": [r"underben", r"\btibia", r"\bfibula", r"\bcrus\b", r"lower leg"],
            "trauma": [
                r"trauma", r"fraktur", r"fracture", r"\bgips", r"\bcast\b", r"\bakut", r"emergency", r"olycksfall",
                r"horisontell strålgång", r"horizontal beam",
            ],
        },
        description="Study, series and protocol text to a controlled protocol name; text that fits none is 'other'.",
    )  # fmt: skip
    views: Patterns = Field(
        {
            "oblique": [r"\bobl", r"\bsned", r"\b[RL][AP]O\b", r"\b45\s?(°|grader|deg)"],
            "lateral": [
                r"\b[lr]?lat(?:erale?s?|eralis|eraal)?\b", r"\bsida\b", r"\bsidobild", r"\bsidoprojektion", r"\b(LL|RL|ML|LM)\b",
                r"\bmedio-?lateral", r"\blatero-?(?:medial|lateral)", r"\bseitl", r"\bprofil\b", r"\bperfil\b",
                r"\bbo(?:k|czn\w+)\b", r"\bsivu",
            ],
            "ap": [
                r"\ba[./ -]{0,2}p\b", r"\bp[./ -]{0,2}a(?: ?\d\d)?\b", r"\bfrontal", r"\brak\b", r"anter(?:o|ior)[ -]?posterior",
                r"poster(?:o|ior)[ -]?anterior", r"\bfront\b", r"\brosenberg", r"\bschuss", r"\bface\b", r"\bfrente\b",
                r"\bvoor-?achter", r"\bedestä",
            ],
        },
        description="View position and series text to view; text that names both ap and lateral tells nothing.",
    )  # fmt: skip
    sides: Patterns = Field(
        {
            "left": [
                r"\bvänster\b", r"\bvanster\b", r"\bvä\b", r"\bvä?n?st\b", r"\bsin\b(?! (carga|contraste|apoyo))", r"\ble?ft\b", r"\bvstr\b", r"\bllat\b", r"\blt\b",
                r"\bsinist\w*", r"\blink(?:s|e[mnrs]?)\b", r"\bgauche\b", r"\bizq",
                r"\bvenstre\b", r"\besquerd[ao]\b", r"\bvase(?:n|mman)\b", r"\blew(?:[aey]|ego|ej)?\b",
            ],
            "right": [
                r"\bhöger\b", r"\bhoger\b", r"\bhö\b", r"\bdx\b", r"\bright\b", r"\brgt\b", r"\bhgr\b", r"\brlat\b", r"\brt\b",
                r"\bdext(?:er|ra|r)?\b", r"\brecht(?:s|e[mnrs]?)\b", r"\bhø[gjy]re\b",
                r"\bdestr[ao]\b", r"\bdireit[ao]\b", r"\boikean?\b", r"\bpraw(?:[aey]|ego|ej)?\b", r"\bdroite?\b",
                r"\bderech[ao]\b",
            ],
            "both": [
                r"\bbilat", r"\bboth\b", r"\bbeid(?:e(?:r\w+)?|s\w*)\b", r"\bbd[sz]\b", r"\bmolem", r"\bob(?:a|u|oje|ustronn\w*)\b", r"\bbegge\b", r"\bdeux genoux", r"\bambas rodillas", r"\bbåda\b", r"\bbägge\b", r"\bbda\b",
                r"\bhö\w*[^\w<>=]+(?:och\W+|o\W+)?vä", r"\bvä\w*[^\w<>=]+(?:och\W+|o\W+)?hö",
                r"\bright[^\w<>=]+(?:and\W+)?left\b", r"\bleft[^\w<>=]+(?:and\W+)?right\b",
                r"(?<![\w-])(?:R[^\w<>=]{0,3}L|L[^\w<>=]{0,3}R)(?![\w-])",
                r"[^\W\d_]{3,}[-/](?:R[^\w<>=]{1,3}L|L[^\w<>=]{1,3}R)\b",
                r"\b(?:dx|dext\w*)\W+(?:och\W+|o\W+|et\W+|e\W+)?sin", r"\bsin(?:ist\w*)?\W+(?:och\W+|o\W+|et\W+|e\W+)?(?:dx|dext)",
                r"\bbil\W+(?:kn|gen)", r"\b(?:kn|gen)\w+\W+bil\b", r"\bb/l\b", r"\bRT\W{1,3}LT\b", r"\bLT\W{1,3}RT\b",
            ],
        },
        description="Series and study text to side, where no laterality tag says it; letters, and short words beside a "
        "knee's name (Knie re.), count as well, and the modality that a text begins with (DX) doesn't. A film of both knees "
        "is cut into two images.",
    )  # fmt: skip
    cut: CutSettings = Field(CutSettings(), description="How single knees are cut out of a film.")
    body_parts: Patterns = Field(
        {
            "knee": [
                r"\bknä",
                r"\bkna\b",
                r"\b(?:[lr]t?|left|right)?knee",
                r"patella",
                r"\bknie",
                r"\bgenou",
                r"\bgenu\b",
                r"\brodilla",
                r"\bginocchi",
                r"\bjoelho",
                r"\bkolan",
                r"\bpolv",
                r"\bkolen[oa]\b",
                r"\bt[ée]rd\b",
                r"\bdiz\b",
                r"\bkn(?:e|æ|ær|ærne)\b",
            ],
            "femur": [r"femur", r"lårben", r"thigh"],
            "leg": [r"tibia", r"fibula", r"underben", r"\bleg\b", r"\bcrus\b", r"tib.?fib", r"lower ?leg"],
            "extremity": [r"extrem"],
            "other": [r"\S"],
        },
        description="Body part text (or, without it, study and series text) to a controlled name.",
    )
    placeholders: list[str] = Field(
        [
            "unknown", "anonymous", "anonym", "anon", "anonymized", "anonymised", "deidentified", "removed", "deleted",
            "redacted", "withheld", "empty", "blank", "null", "none", "na", "test", "noname", "nn", "unspecified", "patient",
            "unidentified", "missing", "notavailable", "dummy", "phantom", "noid", "nil", "masked", "hidden", "undefined", "sample",
            "demo", "confidential",
            "okänd", "anonymiserad", "unbekannt", "anonymisiert", "onbekend", "geanonimiseerd", "inconnu", "inconnue", "anonyme",
            "anonymisé", "sconosciuto", "anonimo", "desconocido", "anonimizado", "desconhecido", "ukjent", "ukendt", "anonymisert",
            "anonymiseret", "tuntematon", "nieznany",
        ],
        description="Patient identifiers and names that stand for nobody; so does one character repeated (0000, XX).",
    )  # fmt: skip
    unnamed: Literal["reject", "study"] = Field(
        "reject",
        description="Files that name no patient: rejected; or each study is taken for a patient of its own, so that "
        "repeats can't be seen and a person can be in two sets.",
    )
    burned_in: Literal["reject", "keep"] = Field(
        "reject", description="Images whose header says that words, such as names, are burned into the picture."
    )
    for_processing: Literal["reject", "keep"] = Field(
        "reject", description="Raw images of a detector (FOR PROCESSING), which aren't meant to be looked at."
    )
    shards: int = Field(
        1,
        ge=1,
        le=1000,
        description="Jobs that the archive's files are read by; more for a cluster, where 10,000 files in one are a good number.",
    )
    max_seconds: float = Field(60, gt=0, description="A header that takes longer to read is rejected, s.")
    max_memory_mb: int = Field(
        2048, ge=256, description="Memory that reading one file may take, MB; bounds what compressed files inflate to."
    )

    @field_validator("protocols", "views", "sides", "body_parts")
    @classmethod
    def _compile(cls, value: Patterns) -> Patterns:
        for name, patterns in value.items():
            for pattern in patterns:
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValueError(
                        f"the pattern '{pattern}' of '{name}' is no regular expression ({error})"
                    ) from None
        return value

    @field_validator("views")
    @classmethod
    def _views(cls, value: Patterns) -> Patterns:
        return _only(value, ("ap", "lateral", "oblique"))

    @field_validator("sides")
    @classmethod
    def _sides(cls, value: Patterns) -> Patterns:
        return _only(value, ("left", "right", "both"))


def _only(value: Patterns, allowed: tuple[str, ...]) -> Patterns:
    unknown = sorted(set(value) - set(allowed))
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not one of {', '.join(allowed)}")
    return value
