"""What several figures are made of: a grid of small panels, and rows of estimates beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.grading.scheme import Outcome
from analysis.presentation.figures.style import canvas, wrap
from analysis.presentation.format import known
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def shown(results: Results) -> list[Outcome]:
    """Return the outcomes whose curves are drawn: those of the settings, else grades and merged grades, else all."""
    named = results.settings.curves
    if named:
        return [outcome for outcome in results.outcomes() if outcome.id in named]
    return results.outcomes("grade", "group") or results.outcomes()


def make_panels(results: Results, outcomes: Sequence[object], ratio: float) -> tuple[Figure, list[Axes]]:
    """Make a grid of small panels: one row per item and kind where they fit a row, else five to a row."""
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


def panel_title(results: Results, outcome: Outcome) -> str:
    """Return an outcome's short name, broken to the width of a panel."""
    if not outcome.item:
        return wrap(outcome.label, 17)
    return wrap(f"{results.scheme.items[outcome.item].short} {outcome.label}", 15)


#: The points of those that stand beside each other in a row, in the order of the palette.
MARKERS = "os^DvPX*"


def dots(
    panel: Axes,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    palette: Sequence[str],
    name: str = "estimate",
    *,
    scale: float = 1,
    first: int = 0,
) -> None:
    """Draw estimates with their intervals, some beside each other in each row, from above.

    Parameters
    ----------
    panel : Axes
    rows : mapping
        Label of a row to its estimates, with `low` and `high`; one without a number leaves its place empty.
    palette : sequence of str
        Colours in the order of a row's estimates.
    name : str
        Where the number stands in an estimate.
    scale : float
        100 turns shares into per cent.
    first : int
        Which marker is the first.
    """
    most = max((len(row) for row in rows.values()), default=1)
    for y, row in enumerate(rows.values()):
        for index, found in enumerate(row):
            at = y + (index - (most - 1) / 2) * min(0.28, 0.7 / most)
            colour = palette[index % len(palette)]
            if known(found.get("low")) and known(found.get("high")):
                panel.plot([scale * found["low"], scale * found["high"]], [at, at], color=colour, solid_capstyle="butt")
            if known(found.get(name)):
                marker = MARKERS[(first + index) % len(MARKERS)]
                panel.plot(scale * found[name], at, marker, color=colour, clip_on=False)  # an AUC of 1 is at the edge
    panel.set_yticks(range(len(rows)), list(rows))
    panel.set_ylim(len(rows) - 0.5, -0.5)
