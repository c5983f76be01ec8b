"""The network beside the readers, in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.presentation.figures.forest import ROW_MM, point
from analysis.presentation.figures.style import canvas, wrap
from analysis.presentation.results import Results

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
    figure, panel = canvas(settings.double_mm, 20 + ROW_MM * len(items) * (len(who) + 0.8) * 0.55)
    y, ticks, labels = 0.0, [], []
    for item in items:
        start = y
        for index, name in enumerate(who):
            rows = part[(part["item"] == item) & (part["who"] == name)]
            if len(rows):
                point(
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
    panel.set_xlim(min(panel.get_xlim()[0], 0.5), 1.02)
    return figure
