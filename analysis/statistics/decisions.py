"""What it is worth to decide by the network: decision curves (Vickers & Elkin, Medical Decision Making 2006;26:565)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.schemas.calibration import DECISIONS
from analysis.statistics.calibration import not_probabilities
from analysis.statistics.sample import Sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.proportions import effective, wilson_limits

NAN = float("nan")


def decision_rows(
    sample: Sample, outcome: str, prevalence: float, source: str, settings: StatisticsSettings
) -> pd.DataFrame:
    """Work out the net benefit of acting on the scores at each probability that is high enough to act.

    Of each exam it is the share of true positives, less that of false positives weighed by the odds of the threshold,
    at the prevalence to which predictive values are reweighted. The interval is recovered from Wilson's of sensitivity
    and specificity (Zou & Donner, Statistics in Medicine 2008;27:1693), with effective numbers where patients have
    several exams; the prevalence is taken as known.

    Parameters
    ----------
    sample : Sample
    outcome : str
    prevalence : float
        0 to 1, exclusive; the share of cases where the scores would be used.
    source : str
        Where the prevalence comes from.
    settings : StatisticsSettings

    Returns
    -------
    pandas.DataFrame
        outcome, prevalence, source, threshold (0 to 1, exclusive), net_benefit with low and high, net_benefit_all (of
        acting on everybody; acting on nobody has none), standardised (net_benefit by prevalence, at most 1) with its
        limits, level, reason. One row with a reason where there is no curve.
    """
    reason = sample.problem or not_probabilities(sample)
    if not reason and not 0 < prevalence < 1:
        reason = f"no prevalence to reweight to: {source}"
    if not reason and sample.fewest < settings.minimum_cases:
        reason = f"fewer than {settings.minimum_cases} patients with a case or a control: no decision curve"
    fixed: dict[str, Any] = {"outcome": outcome, "prevalence": prevalence, "source": source, "level": settings.level}
    if reason:
        return pd.DataFrame([fixed | {"reason": reason}], columns=list(DECISIONS.columns))
    z = float(norm.ppf((1 + settings.level) / 2))
    case = sample.truth == 1
    rows = []
    for threshold in settings.decision_thresholds:
        odds = threshold / (1 - threshold)
        weights = np.array([prevalence, (1 - prevalence) * odds])
        hit = sample.score >= threshold
        shares = np.array([hit[case].mean(), hit[~case].mean()])
        numbers = np.array([effective(hit[which], sample.patients[which]) for which in (case, ~case)])
        low, high = wilson_limits(shares, numbers, z)
        benefit = weights[0] * shares[0] - weights[1] * shares[1]
        below = np.hypot(weights[0] * (shares[0] - low[0]), weights[1] * (high[1] - shares[1]))
        above = np.hypot(weights[0] * (high[0] - shares[0]), weights[1] * (shares[1] - low[1]))
        ends = {"net_benefit": benefit, "low": benefit - below, "high": benefit + above}
        rows.append(
            fixed
            | {"threshold": threshold, **ends, "net_benefit_all": weights[0] - weights[1]}
            | {
                f"standardised{end}": ends[name] / prevalence
                for end, name in zip(("", "_low", "_high"), ends, strict=True)
            }
        )
    return pd.DataFrame(rows, columns=list(DECISIONS.columns))
