"""What training was like, in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.presentation.figures.style import GREY, canvas
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
            change = epochs[part["phase"].ne(part["phase"].shift()).to_numpy()][1:]
            for epoch in change if number_ == 0 else []:
                panel.axvline(epoch - 0.5, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
        panel.set(xlabel="Epoch", ylabel=title)
        panel.xaxis.get_major_locator().set_params(integer=True)
    if frame["seed"].nunique() > 1:
        np.asarray(axes).flat[-1].legend(loc="lower right")
    return figure
