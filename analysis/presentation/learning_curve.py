"""The learning curve, as a figure and a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.presentation.format import NONE, count, interval, span
from analysis.presentation.markdown import Table, write_table_files
from analysis.presentation.results import Results
from analysis.presentation.settings import ManuscriptSettings
from analysis.schemas.learning_curve import MEAN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {"auc": "AUC", "quadratic_kappa": "quadratic kappa"}


def write_learning_curve(curve: pd.DataFrame, settings: ManuscriptSettings, out: Path) -> None:
    """Write learning-curve.svg, .png, .md and .csv to a folder.

    Parameters
    ----------
    curve : pandas.DataFrame
        Schema CURVE of `analysis.schemas.learning_curve`.
    settings : ManuscriptSettings
    out : Path
    """
    from analysis.presentation.figures.style import save, style

    with style(settings.figures):
        save(draw(curve, settings), out, "learning-curve")
    write_table_files(tabulate(curve, settings), out, "learning-curve")


def learning_curve_figure(results: Results) -> Figure | None:
    """Draw the learning curve, where it was run."""
    return None if results.by_exams.empty else draw(results.by_exams, results.settings)


def learning_curve_table(results: Results) -> Table | None:
    """Tabulate the learning curve, where it was run."""
    return None if results.by_exams.empty else tabulate(results.by_exams, results.settings)


def shown(curve: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure and the text tell of: the means, in the set that is judged on last."""
    return curve[(curve["of"] == MEAN) & (curve["set"] == curve["set"].iloc[-1])]


def start_title(name: str) -> str:
    """Return what a start is called: "start at random", or "start: simulated"."""
    return "start at random" if name == "random" else f"start: {name.replace('_', ' ')}"


def draw(curve: pd.DataFrame, settings: ManuscriptSettings) -> Figure:
    """Draw AUC and kappa by the number of training exams, a line for each start.

    Bars are the limits by resampled patients, the band reaches from the lowest network to the highest.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    from analysis.presentation.figures.style import canvas, legend

    frame, size = shown(curve), settings.figures
    measures = [name for name in TITLES if (frame["measure"] == name).any()]
    starts = list(frame["start"].unique())
    figure, panels = canvas(size.double_mm, 75, 1, len(measures), squeeze=False)
    for letter, panel, measure in zip("AB", panels[0], measures, strict=False):
        part = frame[frame["measure"] == measure]
        panel.set_xscale("log")
        for i, start in enumerate(starts):
            line = part[part["start"] == start].sort_values("exams")
            colour = size.palette[i % len(size.palette)]
            x = line["exams"] * 1.03 ** (i - (len(starts) - 1) / 2)  # so that the bars don't hide each other
            title = start_title(start).capitalize()
            panel.fill_between(x, line["lowest"], line["highest"], color=colour, alpha=0.15, linewidth=0)
            panel.vlines(x, line["low"], line["high"], color=colour, linewidth=0.8)
            panel.plot(x, line["estimate"], marker="o", markersize=3, color=colour, label=title)
        numbers = sorted(part["exams"].unique())
        panel.xaxis.set_major_locator(FixedLocator(_apart(numbers)))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
        panel.set(xlabel="Training exams", ylabel=f"{_capital(TITLES[measure])}, {part['set'].iloc[0]} set")
        panel.set_title(letter)
    if len(starts) > 1:
        legend(figure, panels[0, 0].get_legend_handles_labels()[0])
    return figure


def _apart(numbers: list[float], ratio: float = 1.25) -> list[float]:
    """Leave out numbers whose labels would run into the next one's."""
    kept = numbers[-1:]
    for number in reversed(numbers[:-1]):
        if kept[0] / number >= ratio:
            kept.insert(0, number)
    return kept


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def tabulate(curve: pd.DataFrame, settings: ManuscriptSettings) -> Table:
    """Tabulate the curve, set by set and start by start."""
    digits, level = settings.digits, f"{100 * float(curve['level'].iloc[0]):g}% CI"
    frame = curve[curve["of"] == MEAN]
    measures = [name for name in TITLES if (frame["measure"] == name).any()]
    compared = frame["start"].nunique() > 1
    rows: list[list[str]] = []
    for (which, start), part in frame.groupby(["set", "start"], sort=False):
        rows.append([f"{str(which).capitalize()} set, {start_title(str(start))}"])
        for _, same in part.groupby("exams", sort=True):
            found = {str(row["measure"]): row for row in same.to_dict("records")}
            cells = [count(same["exams"].iloc[0])]
            for name in measures:
                row: Mapping[Any, Any] = found.get(name, {})
                cells += [
                    interval(row, "estimate", digits),
                    span((row[limit] for limit in ("lowest", "highest") if limit in row), digits),
                ]
                if compared:
                    cells.append(_difference(row, digits))
            rows.append(cells)
    head = ["Training exams"]
    for name in measures:
        head += [f"{_capital(TITLES[name])} ({level})", "Networks"]
        head += [f"Less random ({level})"] if compared else []
    return Table(head, rows)


def _difference(row: Mapping[Any, Any], digits: int) -> str:
    limits = {"estimate": row.get("difference"), "low": row.get("difference_low"), "high": row.get("difference_high")}
    return interval(limits, "estimate", digits, none=NONE)
