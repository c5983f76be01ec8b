"""Settings of active learning: the rounds, the choice of what is read next, and when to stop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.settings import Seed, Settings

Strategy = Literal["random", "margin", "entropy", "severity_gap", "diversity"]
Measure = Literal["groups", "grades", "disease"]


class ActiveLearningSettings(Settings):
    """Active learning: rounds of reading, training and choosing what to read next (target `active_learning`)."""

    expert = ("tolerance", "patience")

    labels: Literal["archive", "readers"] = Field(
        default="archive",
        description="archive: labels that the archive holds are revealed when asked for, and strategies are compared; "
        "readers: each round ends with a queue for the reading room (with selection.unread: training)",
    )
    start: int = Field(default=100, ge=2, description="exams of the first, random batch (count)")
    batch: int = Field(default=100, ge=1, description="exams that each further round adds (count)")
    rounds: int = Field(default=4, ge=1, description="rounds after the start (count)")
    strategy: Strategy = Field(
        default="margin",
        description="how the readers' next batch is chosen (labels: readers): random; by how close the two likeliest grades are "
        "(margin), how even all are (entropy) or how many grades the guess is expected to miss by (severity_gap); "
        "or as unlike each other and what is labelled as can be (diversity)",
    )
    compare: tuple[Strategy, ...] = Field(
        default=("random", "margin", "severity_gap", "diversity"),
        min_length=1,
        description="strategies that are set side by side (labels: archive); each is compared with random",
    )
    seeds: tuple[Seed, ...] = Field(
        default=(0, 1, 2),
        min_length=1,
        description="repeats of the rounds: start, weights and order differ; with readers only the first is used",
    )
    measure: Measure = Field(
        default="groups",
        description="performance: mean AUC of the merged grades, mean AUC of the grades, or AUC of the disease",
    )
    tolerance: float = Field(
        default=0.01, ge=0, description="a gain on validation of no more than this is no improvement (AUC)"
    )
    patience: int = Field(default=2, ge=1, description="rounds in a row without improvement before reading stops")

    @model_validator(mode="after")
    def _once(self) -> ActiveLearningSettings:
        for name, values in (("compare", self.compare), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names something twice")
        return self
