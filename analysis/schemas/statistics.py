"""The CSVs of the statistics: their columns, ranges and what may be missing.

An estimate that doesn't exist is missing, and `reason` says why. P values, AUCs and shares are from 0 to 1; levels are
those of confidence, as shares. Every table is written with its header where it has no row.
"""

from __future__ import annotations

import pandera.pandas as pa

from analysis.schemas import ROLES
from analysis.schemas.calibration import CALIBRATION, CUMULATIVE, CUMULATIVE_FIT, DECISIONS, RELIABILITY, UPDATING
from analysis.schemas.columns import estimate, number, share, table, text, truth, whole
from analysis.schemas.comparisons import COMPARISONS

#: The sets that are estimated on; the network has seen the others.
EVALUATED = ("validation", "test")
_REASON = {"reason": text(missing=True)}
_LEVEL = {"level": share()}
#: The prevalence that something is stated at, and where it comes from.
_STATED = {"prevalence": share(missing=True), "source": text()}
_INTERVAL = {"low": share(missing=True), "high": share(missing=True)}
_DIFFERENCE = estimate("difference", -1, 1)
_TEST = {"p": share(missing=True), "p_holm": share(missing=True)}

ROC = table(
    {
        "set": text(among=EVALUATED),
        "outcome": text(),
        "kind": text(),
        "item": text(missing=True),
        "label": text(),
        "cases": whole(),
        "controls": whole(),
        "patients": whole(),
        "few": truth(),  # fewer cases or controls than `few_cases`
        "too_few": truth(),  # fewer patients with a case, or with a control, than `minimum_cases`
        "effective_cases": number(0, missing=True),
        "effective_controls": number(0, missing=True),
        "missing_label": whole(),
        "missing_score": whole(),
        "missing_reference": whole(),
        "auc": share(missing=True),
        **_INTERVAL,
        "method": text(missing=True),
        **{
            f"{method}_{end}": share(missing=True)
            for method in ("delong", "bootstrap", "patients", "score")
            for end in ("low", "high")
        },
        **_LEVEL,
        "replicates": whole(1),
        "seed": whole(),
        **_REASON,
        "warnings": text(missing=True),
    }
)

#: The estimates of the test set that go with a network: roc.csv without its set, of which these are read again.
PERFORMANCE = pa.DataFrameSchema({"outcome": text(unique=True), "auc": share(missing=True)}, strict=False)

#: How far the AUC in the test set moves with the random start of the network; errors are standard errors.
SEEDS = table(
    {
        "outcome": text(unique=True),
        "seeds": whole(1),
        "lowest": share(),
        "highest": share(),
        **{name: number(0, missing=True) for name in ("sd", "training_error", "sampling_error")},
    }
)

#: A Parquet file; a threshold may be infinite, at the corners of the curve.
CURVES = table(
    {
        "outcome": text(),
        "specificity": share(),
        "sensitivity": share(),
        **_INTERVAL,
        "threshold": number(),
    }
)

THRESHOLDS = table(
    {
        "outcome": text(),
        "chosen_on": text(among=EVALUATED),
        "chosen_cases": whole(),
        "chosen_controls": whole(),
        "too_few": truth(),  # fewer patients with a case, or with a control, than `minimum_cases` to choose it on
        "threshold": number(missing=True),
        "cases": whole(),
        "controls": whole(),
        **{name: whole(missing=True) for name in ("tp", "fn", "tn", "fp")},
        **estimate("sensitivity", 0, 1),
        **estimate("specificity", 0, 1),
        **estimate("youden", -1, 1),
        **estimate("ppv", 0, 1),
        **estimate("npv", 0, 1),
        **_LEVEL,
        "method": text(missing=True),
        **_REASON,
    }
)

OPTIMISM = table(
    {
        "outcome": text(),
        "youden_validation": number(-1, 1, missing=True),
        "youden_test": number(-1, 1, missing=True),
        "difference": number(-2, 2, missing=True),
        **estimate("youden_held_out", -1, 1),
        **estimate("optimism", -2, 2),
        **_LEVEL,
        **_REASON,
    }
)

PREVALENCE = table(
    {
        "outcome": text(),
        "chosen_on": text(among=EVALUATED),
        "threshold": number(missing=True),
        **_STATED,
        "test_prevalence": share(missing=True),
        **estimate("ppv", 0, 1),
        **estimate("npv", 0, 1),
        **estimate("lr_positive", 0),
        **estimate("lr_negative", 0),
        **_REASON,
    }
)

CONFUSION = table(
    {
        "set": text(among=EVALUATED),
        "item": text(),
        "truth": whole(),
        "predicted": whole(),
        "n": whole(),
        "share": share(missing=True),
    }
)

#: Measures by item. An error is in grades, kappa goes down to -1.
_MEASURE = {
    "measure": text(),
    "estimate": number(-1, missing=True),
    "low": number(-1, missing=True),
    "high": number(-1, missing=True),
    "n": whole(),
    "method": text(missing=True),
    **_REASON,
}
SUMMARY = table({"item": text(), **_MEASURE})
READERS = table({"item": text(), "who": text(), "role": text(among=("network", *ROLES)), **_MEASURE})

SUBGROUPS = table(
    {
        "outcome": text(),
        "subgroup": text(),
        "level": text(),
        "against": text(missing=True),
        "n": whole(),
        "cases": whole(),
        "auc": share(missing=True),
        **_INTERVAL,
        "method": text(missing=True),
        **_DIFFERENCE,
        **_TEST,
        "test": text(missing=True),
        **_REASON,
    }
)

PUBLISHED = table(
    {
        "outcome": text(),
        "label": text(),
        "published_cases": whole(),
        "published_auc": share(),
        "published_low": share(),
        "published_high": share(),
        "published_level": share(),
        "cases": whole(),
        "auc": share(missing=True),
        **_INTERVAL,
        **_LEVEL,
        **estimate("difference"),
        **_TEST,
        **_REASON,
    }
)

#: Estimates of this archive beside those of the study that trained the network elsewhere.
DEVELOPMENT = table(
    {
        "outcome": text(),
        "measure": text(among=("auc", "sensitivity", "specificity")),
        "cases": whole(),
        "controls": whole(),
        "estimate": share(missing=True),
        **_INTERVAL,
        **_LEVEL,
        "development_cases": whole(),
        "development_controls": whole(),
        **estimate("development", 0, 1),
        "development_level": share(missing=True),
        **estimate("difference"),
        **_TEST,
        **_REASON,
    }
)

#: The tables that `evaluate` writes, by file.
ESTIMATES: dict[str, pa.DataFrameSchema] = {
    "roc.csv": ROC,
    "seeds.csv": SEEDS,
    "curves.parquet": CURVES,
    "thresholds.csv": THRESHOLDS,
    "optimism.csv": OPTIMISM,
    "confusion.csv": CONFUSION,
    "summary.csv": SUMMARY,
    "calibration.csv": CALIBRATION,
    "reliability.csv": RELIABILITY,
    "cumulative.csv": CUMULATIVE,
    "cumulative_fit.csv": CUMULATIVE_FIT,
    "prevalence.csv": PREVALENCE,
    "decisions.csv": DECISIONS,
    "subgroups.csv": SUBGROUPS,
    "readers.csv": READERS,
    "comparisons.csv": COMPARISONS,
    "published.csv": PUBLISHED,
    "development.csv": DEVELOPMENT,
    "updating.csv": UPDATING,
}
