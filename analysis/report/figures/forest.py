"""Figures of estimates with their intervals in rows: subgroups, published beside reproduced, readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.report.figures.style import GREY, MM, canvas, wrap
from analysis.report.inputs import Results
from analysis.report.text import count, interval, known

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_MM = 4.6


def _point(panel: Axes, y: float, row: dict[str, Any], *, name: str, colour: str, marker: str = "o") -> None:
    low: Any = row.get(f"{name}_low", row.get("low"))
    high: Any = row.get(f"{name}_high", row.get("high"))
    if known(low) and known(high):
        panel.plot([low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
    if known(row.get(name)):
        panel.plot(row[name], y, marker, color=colour, markersize=4)


def published(results: Results) -> Figure | None:
    """AUC of this study and the published one, a row an outcome."""
    frame = results.published
    outcomes = [outcome for outcome in results.outcomes() if len(frame) and outcome.id in frame.index]
    if not outcomes:
        return None
    settings = results.settings.figures
    figure, panel = canvas(settings.double_mm, 20 + 2 * ROW_MM * len(outcomes) * 0.72)
    labels = []
    for index, outcome in enumerate(outcomes):
        row, own = dict(frame.loc[outcome.id]), results.auc(outcome.id)
        theirs = {"auc": row["published_auc"], "low": row["published_low"], "high": row["published_high"]}
        _point(panel, index - 0.16, own, name="auc", colour=settings.palette[0])
        _point(panel, index + 0.16, theirs, name="auc", colour=settings.palette[1], marker="s")
        name = results.scheme.items[outcome.item].short + " " if outcome.item else ""
        labels.append(f"{name}{outcome.label}")
    panel.axvline(0.5, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    panel.set_yticks(range(len(labels)), labels)
    panel.set(xlabel=f"AUC ({results.level} CI)", ylim=(len(labels) - 0.4, -0.6))
    handles = [
        panel.plot([], [], marker, color=colour, linestyle="-", label=label)[0]
        for marker, colour, label in (("o", settings.palette[0], "this study"), ("s", settings.palette[1], "published"))
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def subgroups(results: Results) -> Figure | None:
    """Forest plot of the AUC by subgroup, a panel an outcome; the dotted line is the AUC of all test exams."""
    frame = results.estimates("subgroups")
    if frame.empty:
        return None
    frame = frame[frame["auc"].notna()]
    outcomes = [outcome for outcome in results.outcomes("group", "disease") if (frame["outcome"] == outcome.id).any()]
    # ASSUME: disease alone where a scheme has one, since every further outcome repeats most of the same exams.
    chosen = [outcome for outcome in outcomes if outcome.kind == "disease"] or outcomes[-1:]
    if not chosen:
        return None
    settings = results.settings.figures
    part = frame[frame["outcome"] == chosen[0].id]
    rows: list[tuple[str, dict[str, Any] | None]] = []
    for name in part["subgroup"].unique():
        rows.append((str(name).replace("_", " ").capitalize(), None))
        rows += [
            (str(row["level"]).replace("_", " "), dict(row)) for _, row in part[part["subgroup"] == name].iterrows()
        ]
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
        _point(panel, index, row, name="auc", colour=settings.palette[0], marker="s")
        panel.text(-0.02, index, label, ha="right", **edge)
        panel.text(1.02, index, f"{count(row['cases'])} / {count(row['n'])}", ha="left", **edge)
        panel.text(1.42, index, interval(row, "auc", results.settings.digits), ha="left", **edge)
    panel.set(yticks=[], ylim=(len(rows) - 0.4, -1.6), xlabel="AUC")
    panel.spines["left"].set_visible(False)
    panel.set_title(wrap(chosen[0].title, 60))
    return figure


def readers(results: Results) -> Figure | None:
    """Draw the network and the readers against the reference, by the first measure there is of weighted kappa."""
    frame = results.estimates("readers")
    if frame.empty:
        return None
    measures = list(frame["measure"].unique())
    measure = next((name for name in ("quadratic_kappa", "kappa_quadratic") if name in measures), measures[0])
    part = frame[(frame["measure"] == measure) & frame["estimate"].notna()]
    items = list(part["item"].unique())
    who = list(part["who"].unique())
    if not items:
        return None
    settings = results.settings.figures
    figure, panel = canvas(settings.double_mm, 20 + ROW_MM * len(items) * (len(who) + 0.8) * 0.8)
    y, ticks, labels = 0.0, [], []
    for item in items:
        start = y
        for index, name in enumerate(who):
            rows = part[(part["item"] == item) & (part["who"] == name)]
            if len(rows):
                _point(
                    panel,
                    y,
                    dict(rows.iloc[0]),
                    name="estimate",
                    colour=settings.palette[index % 8],
                    marker="os^Dv"[index % 5],
                )
            y += 1
        ticks.append((start + y - 1) / 2)
        labels.append(wrap(results.title(str(item)), 28))
        y += 0.8
    panel.set_yticks(ticks, labels)
    panel.set(ylim=(y - 0.6, -0.8), xlabel=str(measure).replace("_", " ").capitalize())
    handles = [
        panel.plot([], [], "os^Dv"[i % 5], color=settings.palette[i % 8], linestyle="-",
                   label=str(name).replace("_", " ").replace("-", " "))[0]
        for i, name in enumerate(who)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(who)))
    panel.set_xlim(max(-0.05, min(panel.get_xlim()[0], 0.5)), 1.02)
    return figure
