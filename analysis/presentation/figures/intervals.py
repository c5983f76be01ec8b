"""How often each kind of interval covers, in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.presentation.figures.style import GREY, canvas, legend
from analysis.presentation.format import count
from analysis.presentation.results import Results
from analysis.presentation.tables.intervals import SIMULATED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def coverage(results: Results) -> Figure | None:
    """Coverage of each kind of interval by number of cases, a panel a number of exams of each patient.

    Points are means over the true AUCs that were simulated, bars reach from the lowest to the highest.
    """
    frame = results.covered
    if frame.empty:
        return None
    settings = results.settings.figures
    sizes = sorted(frame["exams_per_patient"].unique())
    figure, axes = canvas(settings.double_mm, 62, 1, len(sizes), sharey=True, squeeze=False)
    methods = [name for name in SIMULATED if (frame["method"] == name).any()]
    for panel, size in zip(np.asarray(axes).flat, sizes, strict=True):
        part = frame[frame["exams_per_patient"] == size]
        ticks = sorted(part["cases"].unique())
        panel.axhline(float(results.coverage_level.rstrip("%")), color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        for index, method in enumerate(methods):
            rows = part[part["method"] == method].groupby("cases")["coverage"].agg(["mean", "min", "max"])
            if rows.empty:
                continue
            x = np.array([ticks.index(cases) for cases in rows.index]) + (index - (len(methods) - 1) / 2) * 0.16
            y = 100 * rows["mean"].to_numpy()
            errors = np.abs(100 * rows[["min", "max"]].to_numpy().T - y)
            panel.errorbar(
                x, y, errors, fmt="os^Dv"[index % 5], markersize=3.2, linewidth=0.8,
                color=settings.palette[index % len(settings.palette)], label=SIMULATED[method],
            )  # fmt: skip
        panel.set_xticks(range(len(ticks)), [count(cases) for cases in ticks], fontsize=settings.font_pt - 1.5)
        panel.set_title(f"{count(size)} exam{'' if size == 1 else 's'} a patient")
        panel.margins(x=0.07)
    np.asarray(axes).flat[0].set_ylabel("Coverage, %")
    figure.supxlabel("Cases", fontsize=settings.font_pt)
    handles: dict[str, Any] = {}
    for panel in np.asarray(axes).flat:
        handles |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
    legend(figure, handles.values())
    return figure
