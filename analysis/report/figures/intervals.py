"""How often each kind of interval covers, in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report.figures.style import GREY, canvas
from analysis.report.format import count
from analysis.report.results import Results
from analysis.report.tables.intervals import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def coverage(results: Results) -> Figure | None:
    """Coverage of each kind of interval by number of cases, a panel a true AUC and clustering."""
    frame = results.covered
    if frame.empty:
        return None
    groups = list(frame.groupby(["clustered", "true_auc"], sort=True))
    width = results.settings.figures.double_mm
    figure, axes = canvas(width, 60, 1, len(groups), sharey=True, squeeze=False)
    level = float(results.roc["level"].iloc[0]) if "level" in results.roc else 0.95
    methods = list(dict.fromkeys(frame["method"]))

    for panel, ((clustered, true), part) in zip(np.asarray(axes).flat, groups, strict=True):
        ticks = sorted(part["cases"].unique())
        panel.axhline(100 * level, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        for index, method in enumerate(methods):
            rows = part[part["method"] == method].sort_values("cases")
            if rows.empty:
                continue
            x = np.array([ticks.index(cases) for cases in rows["cases"]]) + (index - (len(methods) - 1) / 2) * 0.16
            y = 100 * rows["coverage"].to_numpy()
            errors = np.abs(100 * rows[["coverage_low", "coverage_high"]].to_numpy().T - y)
            panel.errorbar(
                x, y, errors, fmt="os^Dv"[index % 5], markersize=3.2, linewidth=0.8,
                color=results.settings.figures.palette[index % len(results.settings.figures.palette)],
                label=METHODS.get(str(method), str(method).replace("_", " ")),
            )  # fmt: skip
        panel.set_xticks(range(len(ticks)), [count(cases) for cases in ticks])
        panel.set_title(f"AUC {true:g}, {'clustered' if clustered else 'independent'}")
        panel.margins(x=0.12)
    np.asarray(axes).flat[0].set_ylabel("Coverage, %")
    figure.supxlabel("Cases", fontsize=results.settings.figures.font_pt)
    handles: dict[str, Any] = {}
    for panel in np.asarray(axes).flat:
        handles |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles))
    return figure
