"""A grid of small panels, one an outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.grading.scheme import Outcome
from analysis.presentation.figures.style import canvas, wrap
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
