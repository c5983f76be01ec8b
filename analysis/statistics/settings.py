"""Parameters of the statistics, with their units and reasons."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from analysis.settings import Settings


class CoverageSettings(Settings):
    """The simulations of how often intervals cover the true AUC, and how often tests find what isn't there."""

    simulations: int = Field(
        default=2000,
        ge=10,
        description="Simulated studies for each scenario; 2,000 give a coverage of 95 % to within 1 percentage point.",
    )
    exams: int = Field(default=300, ge=20, description="Exams in each simulated test set; the paper had 300.")
    cases: tuple[int, ...] = Field(
        default=(3, 5, 13, 25, 50, 100, 150),
        min_length=1,
        description="Numbers of cases among the exams; 3 patellar and 116 KL 3 were the paper's fewest and most.",
    )
    true_auc: tuple[float, ...] = Field(
        default=(0.65, 0.80, 0.90, 0.95, 0.99),
        min_length=1,
        description="True AUCs simulated; the paper's lay between 0.65 and 1.00.",
    )
    exams_per_patient: tuple[int, ...] = Field(
        default=(1, 2, 5, 10), min_length=1, description="Exams of each patient; most patients have two knees."
    )
    correlation: float = Field(
        default=0.7, ge=0, lt=1, description="Correlation between the scores of one patient's exams."
    )
    bootstrap_simulations: int = Field(
        default=200,
        ge=0,
        description="Simulated studies for the coverage of the bootstraps, which take time: only with one and two exams "
        "a patient and the true AUCs below. 0 leaves them out.",
    )
    bootstrap_true_auc: tuple[float, ...] = Field(
        default=(0.80, 0.95), description="True AUCs for which the bootstraps are simulated."
    )
    replicates: int = Field(
        default=500,
        ge=100,
        description="Bootstrap replicates in each simulated study; fewer than in the study, for time.",
    )
    test_simulations: int = Field(
        default=500,
        ge=10,
        description="Simulated studies for the false positives of each test in each setting; 500 give 5 % to within 2.",
    )
    part_cases: tuple[int, ...] = Field(
        default=(5, 13, 25, 50),
        min_length=1,
        description="Cases in the smaller part, for the tests' false positives; each has twice as many controls.",
    )
    part_true_auc: tuple[float, ...] = Field(
        default=(0.85, 0.95, 0.99),
        min_length=1,
        description="True AUCs, the same in both parts, for the tests' false positives.",
    )

    @model_validator(mode="after")
    def _possible(self) -> CoverageSettings:
        if any(not 0 < cases < self.exams for cases in self.cases):
            raise ValueError("every number in 'cases' must lie between 1 and one less than 'exams'")
        if any(not 0.5 <= auc < 1 for auc in (*self.true_auc, *self.part_true_auc, *self.bootstrap_true_auc)):
            raise ValueError("every true AUC must be at least 0.5 and less than 1")
        if any(size < 1 for size in self.exams_per_patient) or any(cases < 1 for cases in self.part_cases):
            raise ValueError("'exams_per_patient' and 'part_cases' must be at least 1")
        for name in ("cases", "true_auc", "exams_per_patient", "part_cases", "part_true_auc"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"'{name}' holds a number twice; remove one")
        return self


class StatisticsSettings(Settings):
    """How estimates and their uncertainty are worked out."""

    expert = (
        "few_cases",
        "minimum_cases",
        "band_replicates",
        "reliability_bins",
        "curve_points",
        "prevalence",
        "subgroup_kinds",
        "holm_family",
        "coverage",
    )

    level: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence level of every interval, as a share.")
    replicates: int = Field(
        default=2000,
        ge=100,
        description="Bootstrap replicates for every interval; pROC's default, the 2.5 % tail is 50 of them.",
    )
    few_cases: int = Field(
        default=50,
        ge=2,
        description="With fewer cases or controls than this, or several exams a patient, two networks are compared by "
        "the reported intervals of their AUCs; DeLong's paired test finds too much then.",
    )
    minimum_cases: int = Field(
        default=10,
        ge=2,
        description="Fewer patients with a case, or with a control, than this: no test of a difference, no band about "
        "the ROC curve, no recalibration, and none of a bootstrap's intervals of agreement.",
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
    planned_exams_per_patient: int = Field(
        default=2, ge=1, description="Exams of a patient in the plan of the sample size, where they are clustered."
    )
    decision_thresholds: tuple[float, ...] = Field(
        default=(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8),
        description="Probabilities of disease at which one would act, for the decision curves.",
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

    @field_validator("decision_thresholds")
    @classmethod
    def _probabilities(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)) or any(not 0 < share < 1 for share in value):
            raise ValueError("the thresholds of decisions must rise, between 0 and 1")
        return value

    @field_validator("subgroup_findings", "subgroup_kinds")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a name stands twice; remove one")
        return value

    @field_validator("age_bands")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("ages must rise")
        return value


class ExternalSettings(Settings):
    """How this archive judges a network that was trained elsewhere (network.trained); nothing of it otherwise."""

    exams: Literal["all", "test"] = Field(
        default="all",
        description="all: every eligible exam that was read as any of the sets asks; test: as many as the set test asks for",
    )
    thresholds: Literal["carried", "validation"] = Field(
        default="carried",
        description="carried: as the network's own validation set chose them; validation: chosen on a validation set of "
        "this archive, which external.exams: test leaves",
    )
    folds: int = Field(
        default=10,
        ge=2,
        description="parts of the patients in cross-fitting, where calibration is updated on this archive",
    )
