"""Who reads the exams of each set and how often, and how the reference standard is made of the readings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.settings import Settings


class ReadingPolicy(Settings):
    """The readings that an exam needs."""

    readings: int = Field(
        default=1, ge=1, le=9, description="independent readings an exam needs (count); 2 allow agreement"
    )
    role: Literal["reader", "senior"] = Field(
        default="reader",
        description="whose readings count as the independent ones; in the reading room, who is shown the exam",
    )
    revisit: Literal["senior", "ignore"] = Field(
        default="ignore",
        description="an exam flagged for another look: the senior's rows decide it, or the flag is ignored",
    )

    @model_validator(mode="after")
    def _one_above(self) -> ReadingPolicy:
        if self.role == "senior" and self.revisit == "senior":
            raise ValueError("the senior can't both be an independent reader and decide; use consensus and ignore")
        return self


class SetPolicy(ReadingPolicy):
    """The readings that an exam of one set needs, and who decides when they differ."""

    conflicts: Literal["consensus", "senior", "error"] = Field(
        default="consensus",
        description="what decides where the readings differ: the consensus row, the senior's row, or nothing (stop)",
    )

    @model_validator(mode="after")
    def _someone_decides(self) -> SetPolicy:
        if self.role == "senior" and self.conflicts == "senior":
            raise ValueError("the senior can't both be an independent reader and decide; use consensus and ignore")
        return self


class ReferenceSettings(Settings):
    """The policy for each set, which the reading room deals exams by, too; the defaults are those of Olsson et al. 2021."""

    training: SetPolicy = Field(
        default=SetPolicy(readings=1, role="reader", conflicts="error", revisit="senior"),
        description="one reading by a student, flagged exams as the senior decided",
    )
    validation: SetPolicy = Field(
        default=SetPolicy(readings=2, role="reader", conflicts="consensus", revisit="ignore"),
        description="two students independently, conflicts by consensus",
    )
    test: SetPolicy = Field(
        default=SetPolicy(readings=2, role="senior", conflicts="consensus", revisit="ignore"),
        description="two seniors independently, conflicts by consensus",
    )
    minimum_pair: int = Field(
        default=10,
        ge=1,
        description="two readers with fewer exams in common than this are not compared (count); an agreement of one "
        "exam is 0 or 1",
    )

    @property
    def sets(self) -> dict[str, SetPolicy]:
        """The policies by the names of the sets."""
        return {"training": self.training, "validation": self.validation, "test": self.test}
