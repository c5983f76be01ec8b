"""Calibration in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.figures.panels import make_panels, panel_title, shown
from analysis.report.figures.style import GREY
from analysis.report.format import known, number
from analysis.report.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def calibration(results: Results) -> Figure | None:
    """Reliability curves of the test set, a panel an outcome."""
    frame = results.estimates("reliability")
    if frame.empty:
        return None
    outcomes = [outcome for outcome in shown(results) if (frame["outcome"] == outcome.id).any()]
    if not outcomes:
        return None
    table = results.estimates("calibration")
    table = table.set_index("outcome") if len(table) else table
    figure, panels = make_panels(results, outcomes, 1.06)
    colours = results.settings.figures.palette
    for panel, outcome in zip(panels, outcomes, strict=False):
        part = frame[frame["outcome"] == outcome.id].sort_values("predicted")
        colour = colours[0] if outcome.kind == "grade" else colours[1] if outcome.kind == "group" else colours[2]
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        if {"low", "high"} <= set(part.columns):
            ends = part[["low", "high"]].to_numpy().T
            panel.plot([part["predicted"]] * 2, ends, color=colour, linewidth=0.7, alpha=0.6)
        panel.plot(part["predicted"], part["observed"], color=colour, marker="o", markersize=2.6, linewidth=0.8)
        if outcome.id in table.index and known(table.loc[outcome.id, "slope"]):
            slope, intercept = table.loc[outcome.id, "slope"], table.loc[outcome.id, "intercept"]
            # A legend looks for the corner where no curve runs, which a text doesn't.
            panel.plot([], [], alpha=0, label=f"slope {number(slope)}\nintercept {number(intercept)}")
            panel.legend(
                loc="best", fontsize=results.settings.figures.font_pt - 1.2,
                handlelength=0, handletextpad=0, borderpad=0, borderaxespad=0.4, frameon=False,
            )  # fmt: skip
        panel.set_title(panel_title(results, outcome))
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
        panel.set_xticklabels(["0", "0.5", "1"])
        panel.set_yticklabels(["0", "0.5", "1"])
    figure.supxlabel("Predicted probability", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Observed share of cases", fontsize=results.settings.figures.font_pt)
    return figure
