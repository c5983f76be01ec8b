"""Performance in figures: ROC curves, and the published AUCs beside this study's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.presentation.figures.forest import ROW_MM, point
from analysis.presentation.figures.panels import make_panels, panel_title, shown
from analysis.presentation.figures.style import GREY, canvas, legend
from analysis.presentation.format import count, interval, known
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def roc(results: Results) -> Figure | None:
    """ROC curves of the test set, a panel an outcome, each with its band and the threshold from validation."""
    outcomes = [o for o in shown(results) if (results.curves["outcome"] == o.id).any()]
    if not outcomes:
        return None
    figure, panels = make_panels(results, outcomes, 1.06)
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
        among = f"\n{count(row['cases'])} of {count(row['cases'] + row['controls'])}" if results.scored(outcome) else ""
        panel.text(
            0.97, 0.05, f"AUC {text}{among}",
            ha="right", va="bottom", fontsize=small, linespacing=1.25, zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
        panel.set_title(panel_title(results, outcome))
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
        panel.set_xticklabels(["0", "0.5", "1"])
        panel.set_yticklabels(["0", "0.5", "1"])
    figure.supxlabel("1 − specificity", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Sensitivity", fontsize=results.settings.figures.font_pt)
    return figure


def published(results: Results) -> Figure | None:
    """AUC of this study and the published one, and their difference, one row per outcome."""
    rows = results.published.to_dict("index")
    outcomes = [outcome for outcome in results.outcomes() if outcome.id in rows]
    if not outcomes:
        return None
    settings = results.settings.figures
    height = 24 + 2 * ROW_MM * len(outcomes) * 0.65
    figure, (panel, apart) = canvas(settings.double_mm, height, 1, 2, sharey=True, width_ratios=(1.25, 1))
    labels = []
    for index, outcome in enumerate(outcomes):
        row, own = rows[outcome.id], results.auc(outcome.id)
        theirs = {"auc": row["published_auc"], "low": row["published_low"], "high": row["published_high"]}
        point(panel, index - 0.16, own, name="auc", colour=settings.palette[0])
        point(panel, index + 0.16, theirs, name="auc", colour=settings.palette[1], marker="s")
        point(apart, index, row, name="difference", colour=settings.palette[6], marker="D")
        name = results.scheme.items[outcome.item].short + " " if outcome.item else ""
        labels.append(f"{name}{outcome.label}")
    panel.axvline(0.5, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    panel.set_yticks(range(len(labels)), labels)
    levels = dict.fromkeys((results.level, results.published_level))
    panel.set(xlabel=f"AUC ({' and '.join(levels)} CI)", ylim=(len(labels) - 0.4, -0.6))
    panel.set_title("A")
    apart.axvline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    apart.set(xlabel=f"Difference, this study − published ({results.level} CI)")
    apart.set_title("B")
    handles = [
        panel.plot([], [], marker, color=colour, linestyle="-", label=label)[0]
        for marker, colour, label in (("o", settings.palette[0], "this study"), ("s", settings.palette[1], "published"))
    ]
    legend(figure, handles)
    return figure
