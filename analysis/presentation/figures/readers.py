"""The network beside the readers, in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.presentation.figures.panels import MARKERS, dots
from analysis.presentation.figures.style import canvas, legend, wrap
from analysis.presentation.results import Results
from analysis.presentation.tables.performance import MEASURES
from analysis.presentation.tables.readers import reader

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    found = {(row["item"], row["who"]): {**row} for _, row in part.iterrows()}
    rows = {wrap(results.title(str(item)), 28): [found.get((item, name), {}) for name in who] for item in items}
    figure, panel = canvas(settings.double_mm, 18 + 1.5 * (len(who) + 1) * len(items))
    dots(panel, rows, settings.palette)
    panel.set(
        xlabel=MEASURES["quadratic_kappa"]
        if "quadratic" in str(measure)
        else str(measure).replace("_", " ").capitalize()
    )
    handles = [
        panel.plot([], [], MARKERS[i % len(MARKERS)], color=settings.palette[i % len(settings.palette)], linestyle="-",
                   label=reader(name))[0]
        for i, name in enumerate(who)
    ]  # fmt: skip
    legend(figure, handles)
    panel.set_xlim(min(panel.get_xlim()[0], 0.5), 1.02)
    return figure
