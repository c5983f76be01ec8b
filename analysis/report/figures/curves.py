"""Figures of curves: ROC with bands, calibration, learning, coverage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.grading.scheme import Outcome
from analysis.report.figures.style import GREY, canvas, wrap
from analysis.report.inputs import Results
from analysis.report.text import count, interval, known, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def shown(results: Results) -> list[Outcome]:
    """Return the outcomes whose curves are drawn: those of the settings, else grades and merged grades, else all."""
    named = results.settings.curves
    if named:
        return [outcome for outcome in results.outcomes() if outcome.id in named]
    return results.outcomes("grade", "group") or results.outcomes()


def _panels(results: Results, outcomes: list[Outcome], ratio: float) -> tuple[Figure, list[Axes]]:
    """Make a grid of small panels: a row an item and kind where they fit a row, else five to a row."""
    columns = 5 if len(outcomes) <= 15 else 6
    rows = math.ceil(len(outcomes) / columns)
    width = results.settings.figures.double_mm
    figure, axes = canvas(
        width,
        12 + rows * (width / columns * ratio + (3 if columns > 5 else 0)),
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    flat = list(np.asarray(axes).flat)
    for unused in flat[len(outcomes) :]:
        unused.set_axis_off()
    # The row above an empty place needs its own numbers.
    for index, axis in enumerate(flat):
        if index < len(outcomes) <= index + columns:
            axis.tick_params(labelbottom=True)
    return figure, flat


def _panel_title(results: Results, outcome: Outcome) -> str:
    if not outcome.item:
        return wrap(outcome.label, 22)
    return wrap(f"{results.scheme.items[outcome.item].short} {outcome.label}", 15)


def roc(results: Results) -> Figure | None:
    """ROC curves of the test set, a panel an outcome, each with its band and the threshold from validation."""
    outcomes = [o for o in shown(results) if len(results.curves) and (results.curves["outcome"] == o.id).any()]
    if not outcomes:
        return None
    figure, panels = _panels(results, outcomes, 1.06)
    colours = results.settings.figures.palette
    small = results.settings.figures.font_pt - 1.2
    for panel, outcome in zip(panels, outcomes, strict=False):
        curve = results.curves[results.curves["outcome"] == outcome.id]
        row = results.auc(outcome.id)
        colour = colours[0] if outcome.kind == "grade" else colours[1] if outcome.kind == "group" else colours[2]
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        curve = curve.sort_values(["specificity", "sensitivity"], ascending=[False, True], kind="stable")
        if curve["low"].notna().any():
            panel.fill_between(1 - curve["specificity"], curve["low"], curve["high"], color=colour, alpha=0.22, lw=0)
        panel.plot(1 - curve["specificity"], curve["sensitivity"], color=colour)
        chosen = results.threshold(outcome.id)
        if known(chosen.get("sensitivity")) and known(chosen.get("specificity")):
            panel.plot(
                1 - chosen["specificity"], chosen["sensitivity"], "o", color="white", markeredgecolor="black",
                clip_on=False, zorder=5,
            )  # fmt: skip
        text = interval(row, "auc", results.settings.digits, none="not estimable")
        text = text.replace(" (", "\n(").replace(" to ", "–")
        panel.text(
            0.97, 0.05, f"AUC {text}\n{count(row['cases'])} of {count(row['cases'] + row['controls'])}",
            ha="right", va="bottom", fontsize=small, linespacing=1.25, zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
        panel.set_title(_panel_title(results, outcome))
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
        panel.set_xticklabels(["0", "0.5", "1"])
        panel.set_yticklabels(["0", "0.5", "1"])
    figure.supxlabel("1 − specificity", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Sensitivity", fontsize=results.settings.figures.font_pt)
    return figure


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
    figure, panels = _panels(results, outcomes, 1.06)
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
        panel.set_title(_panel_title(results, outcome))
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
        panel.set_xticklabels(["0", "0.5", "1"])
        panel.set_yticklabels(["0", "0.5", "1"])
    figure.supxlabel("Predicted probability", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Observed share of cases", fontsize=results.settings.figures.font_pt)
    return figure


def learning(results: Results) -> Figure | None:
    """Loss on training and AUC on validation by epoch, a line for each network."""
    frame = results.learning
    if frame.empty:
        return None
    panels = ((f"loss_{results.scheme.name}", "Loss, training"), ("auc", "Mean AUC, validation"))
    width = results.settings.figures.double_mm
    figure, axes = canvas(width, 55, 1, len(panels), squeeze=False)
    for panel, (name, title) in zip(np.asarray(axes).flat, panels, strict=True):
        for number_, (seed, part) in enumerate(frame.groupby("seed", sort=True)):
            epochs = np.arange(1, len(part) + 1)
            panel.plot(epochs, part[name].to_numpy(), label=f"network {number_ + 1} (seed {seed})")
            if "phase" in part:
                change = epochs[part["phase"].ne(part["phase"].shift()).to_numpy()][1:]
                for epoch in change if number_ == 0 else []:
                    panel.axvline(epoch - 0.5, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        panel.set(xlabel="Epoch", ylabel=title)
        panel.xaxis.get_major_locator().set_params(integer=True)
    if frame["seed"].nunique() > 1:
        np.asarray(axes).flat[-1].legend(loc="lower right")
    return figure


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
    from analysis.report.tables.robustness import METHODS

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
