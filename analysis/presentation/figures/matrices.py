"""Confusion matrices: counts, and shares of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.presentation.figures.style import canvas, wrap
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(results: Results) -> Figure | None:
    """Confusion matrices of the test set: counts above, row percent below in the same cell, coloured by row percent."""
    frame = results.estimates("confusion")
    if frame.empty:
        return None
    frame = frame[frame["set"] == "test"]
    items = [item for item in results.scheme.items if (frame["item"] == item).any()]
    if not items:
        return None
    columns = min(3, len(items))
    rows = -(-len(items) // columns)
    settings = results.settings.figures
    width = settings.double_mm if len(items) > 1 else settings.single_mm
    figure, axes = canvas(width, rows * (width / columns * 0.98 + 4), rows, columns, squeeze=False)
    figure.set_layout_engine("constrained", h_pad=0.08)  # the label of a row keeps clear of the titles of the next
    flat = list(np.asarray(axes).flat)
    for unused in flat[len(items) :]:
        unused.set_axis_off()
    import matplotlib as mpl

    shades = mpl.colormaps[settings.shades]
    for panel, item in zip(flat, items, strict=False):
        levels = list(results.scheme.items[item].levels)
        part = frame[frame["item"] == item]
        counts = (
            part.pivot_table(index="truth", columns="predicted", values="n", aggfunc="sum")
            .reindex(index=levels, columns=levels, fill_value=0)
            .fillna(0)
            .to_numpy(dtype=float)
        )
        totals = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
        panel.imshow(shares, cmap=shades, vmin=0, vmax=1.15)
        for i in range(len(levels)):
            for j in range(len(levels)):
                panel.text(
                    j, i, f"{counts[i, j]:,.0f}\n{100 * shares[i, j]:.0f}%" if totals[i, 0] else "0",
                    ha="center", va="center", linespacing=1.2, fontsize=settings.font_pt - (1 if columns > 1 else 0),
                    color="white" if shares[i, j] > 0.6 else "black",
                )  # fmt: skip
        panel.set_xticks(range(len(levels)), [str(level) for level in levels])
        panel.set_yticks(range(len(levels)), [str(level) for level in levels])
        panel.set(xlabel="Grade by the network", ylabel="Grade by the reference")
        panel.set_title(wrap(results.scheme.items[item].title, 32))
        panel.tick_params(length=0)
        for side in panel.spines.values():
            side.set_visible(False)
    return figure
