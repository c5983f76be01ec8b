"""Audit of published tables: what can be recomputed from them, and whether it agrees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.files import write_table
from analysis.schemas.design import AUDIT
from analysis.statistics.published import Performance, Published, load_published
from analysis.statistics.settings import StatisticsSettings

#: Half a unit of the last printed digit, for per cents and for two decimals; a rounding either way is allowed for.
PERCENT, DIGITS = 0.5 + 1e-9, 0.005 + 1e-9


def run_audit(settings: StatisticsSettings, out: Path) -> None:
    """Audit the published results that the settings name, and write the table."""
    write_table(audit(load_published(settings.published)), out, AUDIT)


def audit(published: Published) -> pd.DataFrame:
    """Check published tables for what must hold within them, to the digits they print.

    Parameters
    ----------
    published : Published

    Returns
    -------
    pandas.DataFrame
        table, row, check, published (value), recomputed (value), holds (bool), note.
    """
    rows = [*_counts(published), *_sums(published), *_performance(published), *_means(published)]
    return pd.DataFrame(rows, columns=list(AUDIT.columns))


def _row(
    table: str, row: str, check: str, published: Any, recomputed: Any, holds: bool, note: str = ""
) -> dict[str, Any]:
    values = (table, row, check, published, recomputed, bool(holds), note)
    return dict(zip(AUDIT.columns, values, strict=True))


def _counts(published: Published) -> Iterator[dict[str, Any]]:
    for line in published.distribution:
        for which, n in published.sets.items():
            cells = getattr(line, which)
            if cells is None:
                continue
            present, percent, absent, other = cells
            total = present + absent
            note = "" if total == n else f"{n - total} exams are neither: not labelled for this, though not said"
            yield _row(line.table, line.label, f"present and absent add up ({which})", n, total, total == n, note)
            for name, count, share in (("present", present, percent), ("absent", absent, other)):
                exact = 100 * count / n
                yield _row(
                    line.table,
                    line.label,
                    f"per cent {name} ({which})",
                    share,
                    round(exact, 1),
                    abs(exact - share) <= PERCENT,
                )


def _sums(published: Published) -> Iterator[dict[str, Any]]:
    lines = published.distribution
    for which, n in published.sets.items():
        for item in dict.fromkeys(line.item for line in lines if line.item):
            counts = [getattr(line, which)[0] for line in lines if line.item == item and getattr(line, which)]
            note = "" if sum(counts) == n else f"{abs(n - sum(counts))} exams have no level, or two"
            table = next(line.table for line in lines if line.item == item)
            yield _row(
                table, f"all levels of {item}", f"counts add up ({which})", n, sum(counts), sum(counts) == n, note
            )
        for whole in lines:
            parts = [getattr(p, which)[0] for p in lines if p.part_of == whole.outcome and getattr(p, which)]
            if parts and getattr(whole, which):
                count = getattr(whole, which)[0]
                holds = max(parts) <= count <= sum(parts)
                yield _row(
                    whole.table,
                    whole.label,
                    f"between its largest kind and the sum of its kinds ({which})",
                    count,
                    f"{max(parts)} to {sum(parts)}",
                    holds,
                )


def _performance(published: Published) -> Iterator[dict[str, Any]]:
    n = published.sets["test"]
    table2 = {line.outcome: line.test[0] for line in published.distribution if line.test}
    single = {(row.item, row.levels[0]): row.cases for row in published.performance if len(row.levels) == 1}
    for row in published.performance:
        if row.outcome in table2:
            yield _row(
                row.table,
                row.label,
                "cases as in the table of counts",
                row.cases,
                table2[row.outcome],
                row.cases == table2[row.outcome],
            )
        if len(row.levels) > 1 and all((row.item, level) in single for level in row.levels):
            total = sum(single[row.item, level] for level in row.levels)
            yield _row(row.table, row.label, "cases are the sum of its levels", row.cases, total, row.cases == total)
        yield from _operating(row, n)
        yield from _area(row)


def _operating(row: Performance, n: int) -> Iterator[dict[str, Any]]:
    """Per cents and Youden's index against the counts they must come from."""
    youden = (row.sensitivity + row.specificity) / 100 - 1
    # Both per cents may be off by half a per cent, the index by half a hundredth.
    close = abs(youden - row.youden) < 2 * DIGITS + DIGITS
    yield _row(row.table, row.label, "Youden's J is sensitivity + specificity - 1", row.youden, round(youden, 2), close)

    found = {}
    for name, of, percent in (
        ("sensitivity", row.cases, row.sensitivity),
        ("specificity", n - row.cases, row.specificity),
    ):
        counts = np.arange(of + 1)
        possible = counts[np.abs(100 * counts / of - percent) <= PERCENT]
        found[name] = possible / of
        nearest = counts[np.argmin(np.abs(100 * counts / of - percent))]
        note = f"{nearest} of {of}" if len(possible) < 2 else f"{possible[0]} to {possible[-1]} of {of}"
        yield _row(
            row.table,
            row.label,
            f"{name} comes from a whole count",
            percent,
            round(100 * nearest / of, 1),
            len(possible) > 0,
            note,
        )
    indices = np.add.outer(found["sensitivity"], found["specificity"]).ravel() - 1
    if len(indices):
        nearest_index = indices[np.argmin(np.abs(indices - row.youden))]
        holds = abs(nearest_index - row.youden) <= DIGITS
        yield _row(
            row.table,
            row.label,
            "Youden's J comes from whole counts",
            row.youden,
            round(float(nearest_index), 4),
            holds,
        )


def _area(row: Performance) -> Iterator[dict[str, Any]]:
    """The AUC against its interval and the point of the curve that is printed."""
    inside = row.low <= row.auc <= row.high
    yield _row(row.table, row.label, "AUC lies in its interval", row.auc, f"{row.low} to {row.high}", inside)
    # A curve through the point encloses at least the rectangle under it; one whose index nowhere
    # exceeds J stays below the line sensitivity = 1 - specificity + J.
    least = row.sensitivity / 100 * row.specificity / 100
    most = 1 - (1 - min(1.0, row.youden + DIGITS)) ** 2 / 2
    holds = least - 2 * DIGITS <= row.auc <= most + DIGITS
    yield _row(
        row.table,
        row.label,
        "AUC is possible with J as the largest index",
        row.auc,
        f"{least:.2f} to {most:.2f}",
        holds,
        "so the threshold may have been chosen on the test set" if holds else "the threshold came from elsewhere",
    )
    if row.high < 1:
        centre = (row.low + row.high) / 2
        # Half-open rounding makes equality impossible: .97 (.93 to .99) can't be symmetric.
        holds = abs(row.auc - centre) < 2 * DIGITS - 1e-6
        note = "" if holds else "not DeLong's, which is symmetric: a bootstrap or a transformation"
        yield _row(row.table, row.label, "interval is symmetric about the AUC", row.auc, round(centre, 3), holds, note)


def _means(published: Published) -> Iterator[dict[str, Any]]:
    claim = published.mean_auc
    if claim is None:
        return
    rows = [row for row in published.performance if row.item == claim.item]
    for name, chosen in (("levels", [r for r in rows if len(r.levels) == 1]), ("levels and merged levels", rows)):
        auc, cases = np.array([r.auc for r in chosen]), np.array([r.cases for r in chosen])
        for how, mean in (("weighted by cases", np.average(auc, weights=cases)), ("plain", auc.mean())):
            holds = abs(mean - claim.value) <= DIGITS
            note = "the mean that is printed" if holds else "not the mean that is printed"
            yield _row(
                "Text", claim.item, f"mean AUC over {name}, {how}", claim.value, round(float(mean), 3), holds, note
            )
