"""The strategies of active learning side by side, as a figure and a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.presentation.format import NONE, count, interval
from analysis.presentation.markdown import Table, write_table_files
from analysis.presentation.results import Results
from analysis.presentation.settings import ManuscriptSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "random": "Random",
    "margin": "Margin",
    "entropy": "Entropy",
    "severity_gap": "Severity gap",
    "diversity": "Diversity",
}


def write_strategies(curve: pd.DataFrame, stops: pd.DataFrame, settings: ManuscriptSettings, out: Path) -> None:
    """Write strategies.svg, .png, .md and .csv to a folder.

    Parameters
    ----------
    curve, stops : pandas.DataFrame
        From `analysis.active_learning.curve`: `summarise` and `stops`.
    settings : ManuscriptSettings
    out : Path
    """
    from analysis.presentation.figures.style import save, style

    with style(settings.figures):
        save(strategies_figure(curve, stops, settings), out, "strategies")
    write_table_files(strategies_table(curve, stops, settings), out, "strategies")


def active_learning_figure(results: Results) -> Figure | None:
    """Draw the strategies side by side, where active learning was run."""
    curve = results.acquired("curve")
    return None if curve.empty else strategies_figure(curve, results.acquired("stops"), results.settings)


def active_learning_table(results: Results) -> Table | None:
    """Tabulate the strategies side by side, where active learning was run."""
    curve = results.acquired("curve")
    return None if curve.empty else strategies_table(curve, results.acquired("stops"), results.settings)


def _strategies(curve: pd.DataFrame) -> list[str]:
    return [name for name in TITLES if (curve["strategy"] == name).any()]


def strategies_figure(curve: pd.DataFrame, stops: pd.DataFrame, settings: ManuscriptSettings) -> Figure:
    """Draw performance in the test set by labelled exams, and beside it each strategy's gain over random.

    A ring shows where the stopping rule would have ended the runs: at the mean of labelled exams and of AUC.
    """
    from analysis.presentation.figures.style import GREY, canvas, legend

    compared = curve["difference"].notna().any() and curve["strategy"].nunique() > 1
    size = settings.figures
    figure, panels = canvas(size.double_mm if compared else size.single_mm, 75, 1, 2 if compared else 1, squeeze=False)
    left: Axes = panels[0, 0]
    names = _strategies(curve)
    colours = {name: GREY if name == "random" else size.palette[i % len(size.palette)] for i, name in enumerate(names)}
    step = curve.groupby("strategy")["labelled"].diff().median() if curve["round"].nunique() > 1 else 0
    for i, name in enumerate(names):
        part = curve[curve["strategy"] == name].sort_values("round")
        aside = 0.06 * step * (i - (len(names) - 1) / 2)  # so that the intervals don't hide each other
        _line(left, part, "test", aside, colours[name], TITLES[name])
        ends = stops[(stops["strategy"] == name) & (stops["stopped"] == 1)]
        if len(ends):
            left.plot(
                ends["labelled"].mean(), ends["test"].mean(), "o", markersize=8, fillstyle="none", color=colours[name]
            )
        if compared and name != "random":
            _line(panels[0, 1], part[part["round"] > 0], "difference", aside, colours[name], TITLES[name])
    left.set(xlabel="Labelled training exams", ylabel="AUC in the test set")
    if compared:
        right: Axes = panels[0, 1]
        right.axhline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        right.set(xlabel="Labelled training exams", ylabel="Difference to random, AUC")
        left.set_title("A")
        right.set_title("B")
    legend(figure, left.get_legend_handles_labels()[0])
    return figure


def _line(panel: Axes, part: pd.DataFrame, name: str, aside: float, colour: str, title: str) -> None:
    x = part["labelled"] + aside
    panel.vlines(x, part[f"{name}_low"], part[f"{name}_high"], color=colour, linewidth=0.8, alpha=0.6)
    panel.plot(x, part[name], marker="o", markersize=3, color=colour, label=title)


def strategies_table(curve: pd.DataFrame, stops: pd.DataFrame, settings: ManuscriptSettings) -> Table:
    """Tabulate the curve, strategy by strategy, each closed by where the stopping rule would have ended it."""
    digits, level = settings.digits, f"{100 * float(curve['level'].iloc[0]):g}% CI"
    rows: list[list[str]] = []
    for name in _strategies(curve):
        rows.append([TITLES[name]])
        for row in curve[curve["strategy"] == name].sort_values("round").to_dict("records"):
            by_chance = name == "random" or row["round"] == 0
            gain = NONE if by_chance else _cell(row, "difference", digits)
            cells = (_cell(row, which, digits) for which in ("validation", "test"))
            rows.append([f"Round {row['round']}", count(row["labelled"]), *cells, gain])
        rows.append(_stop_row(stops[stops["strategy"] == name], digits))
    return Table(["", "Labelled", f"Validation AUC ({level})", f"Test AUC ({level})", f"Less random ({level})"], rows)


def _cell(row: dict[Any, Any], name: str, digits: int) -> str:
    return interval({"estimate": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}, "estimate", digits)


def _stop_row(ends: pd.DataFrame, digits: int) -> list[str]:
    stopped = ends[ends["stopped"] == 1]
    label = f"Rule stops {len(stopped)} of {len(ends)} runs"
    if stopped.empty:
        return [label, NONE, NONE, NONE, NONE]
    mean = f"{stopped['test'].mean():.{digits}f}"
    return [label, f"{stopped['labelled'].mean():.0f}", NONE, mean, NONE]
