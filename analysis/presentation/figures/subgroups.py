"""Subgroups in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.presentation.figures.forest import ROW_MM, point
from analysis.presentation.figures.style import GREY, MM, canvas, wrap
from analysis.presentation.format import count, interval, known
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import level_name, several_levels, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def subgroups(results: Results) -> Figure | None:
    """Forest plot of the AUC by subgroup, a panel an outcome; the dotted line is the AUC of all test exams."""
    frame = several_levels(results)
    if frame.empty:
        return None
    outcomes = [outcome for same in shown(results) for outcome in same]
    # ASSUME: disease alone where a scheme has one, since every further outcome repeats most of the same exams.
    chosen = [outcome for outcome in outcomes if outcome.kind == "disease"] or outcomes[-1:]
    settings = results.settings.figures
    part = frame[frame["outcome"] == chosen[0].id]
    rows: list[tuple[str, dict[str, Any] | None]] = []
    for name in part["subgroup"].unique():
        title = level_name(str(name))
        rows.append((title[0].upper() + title[1:], None))
        rows += [(level_name(str(row["level"])), dict(row)) for _, row in part[part["subgroup"] == name].iterrows()]
    figure, panel = canvas(settings.double_mm, 16 + ROW_MM * (len(rows) + 1))
    # Fixed places: the columns of text beside the axes are no part of what a layout engine measures.
    figure.set_layout_engine("none")
    height = figure.get_figheight() / MM  # mm
    panel.set_position((0.2, 10 / height, 0.42, 1 - 16 / height))
    panel.axvline(results.auc(chosen[0].id)["auc"], color=GREY, linewidth=0.6, linestyle=(0, (1, 2)))
    edge = {"transform": panel.get_yaxis_transform(), "va": "center", "clip_on": False}
    panel.text(1.02, -1, "Cases / exams", ha="left", weight="bold", **edge)
    panel.text(1.42, -1, f"AUC ({results.level} CI)", ha="left", weight="bold", **edge)
    for index, (label, row) in enumerate(rows):
        if row is None:
            panel.text(-0.02, index, label, ha="right", weight="bold", **edge)
            continue
        compared = known(row.get("against"))
        point(panel, index, row, name="auc", colour=settings.palette[0], marker="s", filled=compared)
        panel.text(-0.02, index, label, ha="right", **edge)
        panel.text(1.02, index, f"{count(row['cases'])} / {count(row['n'])}", ha="left", **edge)
        panel.text(1.42, index, interval(row, "auc", results.settings.digits), ha="left", **edge)
    panel.set(yticks=[], ylim=(len(rows) - 0.4, -1.6), xlabel="AUC")
    panel.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])  # not at every 0.025
    panel.spines["left"].set_visible(False)
    panel.set_title(wrap(chosen[0].title, 60))
    return figure
