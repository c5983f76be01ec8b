"""Calibration in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.presentation.figures.panels import make_panels, panel_title, shown
from analysis.presentation.figures.style import GREY, wrap
from analysis.presentation.format import known, number
from analysis.presentation.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calibration(results: Results) -> Figure | None:
    """Reliability curves of the test set, a panel an outcome."""
    frame = results.estimates("reliability")
    outcomes = [outcome for outcome in shown(results) if (frame["outcome"] == outcome.id).any()]
    if not outcomes:
        return None
    fits = results.estimates("calibration").set_index("outcome").to_dict("index")
    figure, panels = make_panels(results, outcomes, 1.06)
    colours = results.settings.figures.palette
    for panel, outcome in zip(panels, outcomes, strict=False):
        part = frame[frame["outcome"] == outcome.id]
        colour = colours[0] if outcome.kind == "grade" else colours[1] if outcome.kind == "group" else colours[2]
        _reliability(panel, part, fits.get(outcome.id, {}), colour, results.settings.figures.font_pt)
        panel.set_title(panel_title(results, outcome))
    _label(figure, results)
    return figure


def cumulative(results: Results) -> Figure | None:
    """Reliability curves of each grade and above, a panel a grade."""
    frame, table = results.estimates("cumulative"), results.estimates("cumulative_fit")
    if frame.empty:
        return None
    grades = [
        (name, int(level))
        for name in results.scheme.items
        for level in sorted(frame.loc[frame["item"] == name, "at_least"].unique())
    ]
    figure, panels = make_panels(results, grades, 1.06)
    for panel, (name, level) in zip(panels, grades, strict=False):
        part = frame[(frame["item"] == name) & (frame["at_least"] == level)]
        fit = table[(table["item"] == name) & (table["at_least"] == level)]
        colour = results.settings.figures.palette[0]
        _reliability(panel, part, dict(fit.iloc[0]) if len(fit) else {}, colour, results.settings.figures.font_pt)
        panel.set_title(wrap(f"{results.scheme.items[name].short} {level} or higher", 15))
    _label(figure, results)
    return figure


def _reliability(panel: Axes, part: pd.DataFrame, fit: dict[Any, Any], colour: str, size: float) -> None:
    """Draw one curve with its intervals and the diagonal, and write slope and intercept where they are known."""
    part = part.sort_values("predicted")
    panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    panel.plot([part["predicted"]] * 2, part[["low", "high"]].to_numpy().T, color=colour, linewidth=0.7, alpha=0.6)
    panel.plot(part["predicted"], part["observed"], color=colour, marker="o", markersize=2.6, linewidth=0.8)
    if known(fit.get("slope")):
        # A legend looks for the corner where no curve runs, which a text doesn't.
        panel.plot([], [], alpha=0, label=f"slope {number(fit['slope'])}\nintercept {number(fit['intercept'])}")
        panel.legend(
            loc="best", fontsize=size - 1.2,
            handlelength=0, handletextpad=0, borderpad=0, borderaxespad=0.4, frameon=False,
        )  # fmt: skip
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
    panel.set_xticklabels(["0", "0.5", "1"])
    panel.set_yticklabels(["0", "0.5", "1"])


def _label(figure: Figure, results: Results) -> None:
    figure.supxlabel("Predicted probability", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Observed share of cases", fontsize=results.settings.figures.font_pt)
