"""Parameters of the statistics, with their units and reasons."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from analysis.settings import Settings


class CoverageSettings(Settings):
    """The simulation of how often each kind of interval covers the true AUC."""

    simulations: int = Field(
        default=300,
        ge=10,
        description="Simulated studies for each scenario; 300 give a coverage of 95 % to within 2.5 percentage points.",
    )
    replicates: int = Field(
        default=500,
        ge=100,
        description="Bootstrap replicates in each simulated study; fewer than in the study, for time.",
    )
    exams: int = Field(default=300, ge=20, description="Exams in each simulated test set; the paper had 300.")
    cases: tuple[int, ...] = Field(
        default=(3, 13, 23, 116),
        description="Numbers of cases among the exams; patellar, osteonecrosis, KL 1 and KL 3 in the paper.",
    )
    true_auc: tuple[float, ...] = Field(
        default=(0.80, 0.95),
        description="True AUCs simulated; the paper's lay between 0.65 and 1.00, most at 0.80 or 0.95.",
    )
    exams_per_patient: int = Field(
        default=2, ge=2, description="Exams of each patient in the clustered scenarios; most patients have two knees."
    )
    correlation: float = Field(
        default=0.7, ge=0, lt=1, description="Correlation between the scores of one patient's exams where clustered."
    )

    @model_validator(mode="after")
    def _possible(self) -> CoverageSettings:
        if any(not 0 < cases < self.exams for cases in self.cases):
            raise ValueError("every number in 'cases' must lie between 1 and one less than 'exams'")
        if any(not 0.5 <= auc < 1 for auc in self.true_auc):
            raise ValueError("every 'true_auc' must be at least 0.5 and less than 1")
        return self


class StatisticsSettings(Settings):
    """How estimates and their uncertainty are worked out."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence level of every interval, as a share.")
    replicates: int = Field(
        default=2000,
        ge=100,
        description="Bootstrap replicates for every interval; pROC's default, the 2.5 % tail is 50 of them.",
    )
    few_cases: int = Field(
        default=50,
        ge=2,
        description="With fewer cases or controls than this the reported interval of an AUC is Newcombe's: "
        "DeLong's and the bootstraps cover too seldom then (see coverage.csv).",
    )
    minimum_cases: int = Field(
        default=10,
        ge=2,
        description="Fewer cases or controls than this: no band about the ROC curve, no recalibration and no test "
        "between subgroups, which all rest on large numbers.",
    )
    band_replicates: int = Field(
        default=500, ge=100, description="Bootstrap replicates for the band about a ROC curve, which is only drawn."
    )
    reliability_bins: int = Field(
        default=10, ge=2, le=50, description="Bins of equal size (quantiles of the score) in the reliability curve."
    )
    curve_points: int = Field(
        default=21,
        ge=11,
        le=1001,
        description="Specificities, evenly spaced from 0 to 1, at which the ROC curve has a band.",
    )
    prevalence_set: Literal["training", "validation", "test"] = Field(
        default="training",
        description="Predictive values are reweighted to the prevalence in this set of the reference; "
        "the test set is enriched.",
    )
    prevalence: dict[str, float] = Field(
        default_factory=dict,
        description="Prevalence (0 to 1) to reweight to, by outcome; goes before prevalence_set where given.",
    )
    age_bands: tuple[float, ...] = Field(
        default=(50, 65, 80), description="Ages in years at which the age bands of the subgroups begin."
    )
    subgroup_findings: tuple[str, ...] = Field(
        default=("implant", "cast"),
        description="Findings of the reference that split the test set into with and without; "
        "the paper claims robustness to these. One that the grading doesn't have is left out.",
    )
    subgroup_kinds: tuple[Literal["grade", "group", "disease", "location", "finding", "implant"], ...] = Field(
        default=("grade", "group", "disease", "location"),
        description="Kinds of outcome whose AUC is compared between subgroups; implants are what some subgroups are.",
    )
    holm_family: Literal["table", "subgroup", "outcome"] = Field(
        default="table",
        description="The tests that Holm's correction counts as one family; the whole table is strictest.",
    )
    published: str = Field(
        default="olsson2021",
        description="Published results to audit and to compare with: a data file beside the statistics, or a path.",
    )
    coverage: CoverageSettings = Field(
        default_factory=CoverageSettings, description="The simulation of the coverage of intervals."
    )

    @field_validator("prevalence")
    @classmethod
    def _shares(cls, value: dict[str, float]) -> dict[str, float]:
        for name, share in value.items():
            if not 0 < share < 1:
                raise ValueError(f"the prevalence of '{name}' must lie between 0 and 1")
        return value

    @field_validator("age_bands")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("ages must rise")
        return value
