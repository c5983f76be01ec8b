"""Settings of the learning curve: how many exams, from which start, how often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from analysis.settings import Seed, Settings

if TYPE_CHECKING:
    from analysis.network.settings import PhaseSettings

Number = int | Literal["all"]
Judged = Literal["validation", "test"]
#: The start that every other one is compared with.
RANDOM = "random"


class LearningCurveSettings(Settings):
    """The learning curve: networks trained on ever more exams, from one start or several (target `learning_curve`)."""

    exams: tuple[Number, ...] = Field(
        default=(75, 150, 300, "all"),
        min_length=1,
        description="training exams, ascending; they are drawn by patient, and each number holds those before it; all: the "
        "whole training set",
    )
    seeds: tuple[Seed, ...] = Field(
        default=(0, 1, 2), min_length=1, description="repeats of the curve: the exams drawn, weights and order differ"
    )
    starts: dict[str, str | None] = Field(
        default={RANDOM: None},
        description="what training starts from, by name: random, and for each further start the safetensors file of a network "
        "that was trained elsewhere, as network.weights; each gets a line of its own and is compared with random",
    )
    steps_of: int = Field(
        default=300,
        ge=1,
        description="networks of fewer exams than this take as many steps as those of this many, by more epochs; with 1 all "
        "have the same epochs",
    )
    sets: tuple[Judged, ...] = Field(
        default=("validation", "test"),
        min_length=1,
        description="sets that are judged on; the figure shows the last. Without test that set is left for the end",
    )

    @field_validator("exams")
    @classmethod
    def _ascending(cls, value: tuple[Number, ...]) -> tuple[Number, ...]:
        numbers = [float("inf") if number == "all" else number for number in value]
        if numbers[0] < 1 or any(first >= second for first, second in zip(numbers, numbers[1:], strict=False)):
            raise ValueError("give numbers of at least 1, each larger than the one before, and 'all' last")
        return value

    @field_validator("seeds", "sets")
    @classmethod
    def _once(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(value)) != len(value):
            raise ValueError("something is named twice")
        return value

    @field_validator("starts")
    @classmethod
    def _one_is_random(cls, value: dict[str, str | None]) -> dict[str, str | None]:
        if RANDOM not in value or value[RANDOM] is not None:
            raise ValueError("'random' is the start at random, which the others are compared with; leave it null")
        for name, weights in value.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"the start '{name}' needs a name of small letters, digits and _")
            if name != RANDOM and not weights:
                raise ValueError(f"the start '{name}' names no file of weights")
        return value

    def phases(self, phases: tuple[PhaseSettings, ...], exams: Number) -> tuple[PhaseSettings, ...]:
        """Return the phases of training on so many exams: longer ones where that many are few.

        Parameters
        ----------
        phases : tuple of PhaseSettings
            Of the study's network.
        exams : int or "all"
        """
        longer = 1.0 if exams == "all" else max(1.0, self.steps_of / exams)
        return tuple(
            phase.model_copy(update={"epochs": round(phase.epochs * longer), "warm_up": round(phase.warm_up * longer)})
            for phase in phases
        )
