"""Decision curves in a figure: what it is worth to act on the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.presentation.figures.panels import make_panels, panel_title
from analysis.presentation.figures.style import GREY
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def benefit(results: Results) -> Figure | None:
    """Net benefit by the probability that is high enough to act, a panel an outcome.

    As a share of the largest there can be, so that outcomes of any prevalence share a scale; beside it acting on all
    and acting on nobody.
    """
    frame = results.benefits
    outcomes = [o for o in results.outcomes() if (frame["outcome"] == o.id).any()]
    if not outcomes:
        return None
    figure, panels = make_panels(results, outcomes, 1.06)
    colours = results.settings.figures.palette
    for panel, outcome in zip(panels, outcomes, strict=False):
        part = frame[frame["outcome"] == outcome.id].sort_values("threshold")
        everybody = part["net_benefit_all"] / part["prevalence"]
        panel.axhline(0, color=GREY, linewidth=0.6)
        panel.plot(part["threshold"], everybody, color=GREY, linewidth=0.8, linestyle=(0, (3, 3)))
        panel.fill_between(
            part["threshold"], part["standardised_low"], part["standardised_high"], color=colours[0], alpha=0.22, lw=0
        )
        panel.plot(part["threshold"], part["standardised"], color=colours[0])
        panel.set_title(panel_title(results, outcome))
        panel.set(xlim=(0, 1), ylim=(-0.25, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], box_aspect=1)
        panel.set_xticklabels(["0", "0.5", "1"])
        panel.set_yticklabels(["0", "0.5", "1"])
    figure.supxlabel("Probability high enough to act", fontsize=results.settings.figures.font_pt)
    figure.supylabel("Net benefit, share of the largest", fontsize=results.settings.figures.font_pt)
    return figure
