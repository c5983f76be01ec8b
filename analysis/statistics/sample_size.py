"""How wide the interval of an AUC will be: before a study, from planned numbers of cases and controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.schemas.design import SAMPLE_SIZE
from analysis.statistics.published import HIGHEST, load_published
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.effective import covariance
from analysis.statistics.uncertainty.intervals import interval

#: The most exams that are asked for.
MOST = 10_000_000


def expected(
    cases: float, controls: float, auc: float, *, exams_per_patient: float, correlation: float, level: float
) -> dict[str, Any]:
    """Return the interval of an AUC that comes out as expected.

    Parameters
    ----------
    cases, controls : float
        Planned numbers of exams.
    auc : float
        Expected, 0 to 1, exclusive.
    exams_per_patient : float
        Exams of a patient with the same label, at least 1.
    correlation : float
        Between the scores of a patient's exams, 0 to 1.
    level : float

    Returns
    -------
    dict
        cases, controls, exams_per_patient, correlation, auc, effective_cases, effective_controls, low, high, width,
        level.
    """
    shared = float(covariance(np.array(auc), correlation / 2) / covariance(np.array(auc), 0.5))
    design = 1 + (exams_per_patient - 1) * shared
    effective = [max(1.0, number / design) for number in (cases, controls)]
    low, high = interval(auc, effective[0], effective[1], level)
    return {
        "cases": cases,
        "controls": controls,
        "exams_per_patient": exams_per_patient,
        "correlation": correlation,
        "auc": auc,
        "effective_cases": effective[0],
        "effective_controls": effective[1],
        "low": low,
        "high": high,
        "width": high - low,
        "level": level,
    }


def needed(
    width: float, prevalence: float, auc: float, *, exams_per_patient: float, correlation: float, level: float
) -> dict[str, Any]:
    """Return the smallest planned study whose interval is expected to be no wider than `width`.

    Parameters
    ----------
    width : float
        From the lower to the upper limit, 0 to 1, exclusive.
    prevalence : float
        Share of cases among the exams, 0 to 1, exclusive.
    auc, exams_per_patient, correlation, level : float
        As `expected`.

    Returns
    -------
    dict
        As `expected`, of whole numbers of exams.

    Raises
    ------
    StudyError
        If it takes more than ten million exams.
    """

    def at(exams: float) -> dict[str, Any]:
        return expected(
            exams * prevalence,
            exams * (1 - prevalence),
            auc,
            exams_per_patient=exams_per_patient,
            correlation=correlation,
            level=level,
        )

    least = 1 / min(prevalence, 1 - prevalence)
    if at(MOST)["width"] > width:
        raise StudyError(f"A width of {width:g} takes more than {MOST:,} exams; ask for a wider interval.")
    exams = least if at(least)["width"] <= width else float(brentq(lambda n: at(n)["width"] - width, least, MOST))
    whole = [float(np.ceil(exams * share - 1e-9)) for share in (prevalence, 1 - prevalence)]
    return expected(whole[0], whole[1], auc, exams_per_patient=exams_per_patient, correlation=correlation, level=level)


def plan(settings: StatisticsSettings, out: Path) -> None:
    """Write the expected width for each published outcome, at its published AUC and numbers; see `expected`.

    Parameters
    ----------
    settings : StatisticsSettings
        Of the published results, and of how exams of a patient are correlated (`coverage`).
    out : Path
        A CSV: outcome, label, the columns of `expected` with one exam a patient, and clustered_low, clustered_high and
        clustered_width with `planned_exams_per_patient`. One row per outcome; none where no numbers are published.
    """
    published = load_published(settings.published)
    total = published.sets.get("test")
    rows = []
    for row in published.performance:
        if total is None or not 0 < row.cases < total:
            continue
        auc = min(row.auc, HIGHEST)
        options = {"correlation": settings.coverage.correlation, "level": settings.level}
        alone, pairs = (
            expected(row.cases, total - row.cases, auc, exams_per_patient=size, **options)
            for size in (1, settings.planned_exams_per_patient)
        )
        clustered = {f"clustered_{name}": pairs[name] for name in ("low", "high", "width")}
        rows.append({"outcome": row.outcome, "label": row.label, **alone, **clustered})
    write_table(pd.DataFrame(rows, columns=list(SAMPLE_SIZE.columns)), out, SAMPLE_SIZE)
