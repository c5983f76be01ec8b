"""The CSVs on probabilities: how well they are calibrated, and what decisions by them are worth; see `statistics`."""

from __future__ import annotations

from analysis.schemas.columns import estimate, number, share, table, text, truth, whole

_REASON = {"reason": text(missing=True)}
_LEVEL = {"level": share()}
_INTERVAL = {"low": share(missing=True), "high": share(missing=True)}
_STATED = {"prevalence": share(missing=True), "source": text()}
_FIT = {
    "n": whole(),
    "cases": whole(),
    **_STATED,
    **estimate("intercept"),
    **estimate("slope"),
    **estimate("brier", 0, 1),
    **estimate("raw_intercept"),
    **estimate("raw_brier", 0, 1),
    **_LEVEL,
    **_REASON,
}
_BINS = {
    "bin": whole(1),
    "predicted": share(),
    "observed": share(),
    **_INTERVAL,
    "n": whole(1),
    "raw_predicted": share(),
    "raw_observed": share(),
}
_AND_ABOVE = {"item": text(), "at_least": whole()}

#: The uncalibrated slope is that of the scores as the networks gave them.
CALIBRATION = table({"outcome": text(), **_FIT, **estimate("uncalibrated_slope")})
RELIABILITY = table({"outcome": text(), **_BINS})
CUMULATIVE = table({**_AND_ABOVE, **_BINS})
CUMULATIVE_FIT = table({**_AND_ABOVE, "falling": share(missing=True), **_FIT})

DECISIONS = table(
    {
        "outcome": text(),
        **_STATED,
        "threshold": share(missing=True),
        "net_benefit": number(missing=True, high=1),
        "low": number(missing=True, high=1),
        "high": number(missing=True, high=1),
        "net_benefit_all": number(missing=True, high=1),
        **estimate("standardised"),
        **_LEVEL,
        **_REASON,
    }
)

#: Calibration of a network that was trained elsewhere: as it comes, and updated on this archive by cross-fitting.
UPDATING = table(
    {
        "outcome": text(),
        "update": text(among=("none", "intercept", "intercept and slope")),
        "cross_fitted": truth(),
        "n": whole(),
        "cases": whole(),
        "folds": whole(),
        **estimate("intercept"),
        **estimate("slope"),
        **estimate("brier", 0, 1),
        **_LEVEL,
        **_REASON,
    }
)
