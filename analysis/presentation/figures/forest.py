"""An estimate with its interval in a row of a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.presentation.format import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

#: Height of a row, mm.
ROW_MM = 4.0


def point(
    panel: Axes, y: float, row: Mapping[Any, Any], *, name: str, colour: str, marker: str = "o", filled: bool = True
) -> None:
    """Draw an estimate, `row[name]`, as a point at height `y`, filled or open, and its interval as a line."""
    low: Any = row.get(f"{name}_low", row.get("low"))
    high: Any = row.get(f"{name}_high", row.get("high"))
    if known(low) and known(high):
        panel.plot([low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt")
    if known(row.get(name)):
        panel.plot(row[name], y, marker, color=colour, markersize=4, markerfacecolor=colour if filled else "white")
