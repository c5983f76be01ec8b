"""What the network looked at: the pictures of single decisions, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.inputs import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attribution(results: Results) -> Figure | None:
    """Show the cases that attribution chose; nothing where the run has none."""
    if results.attribution is None:
        return None
    return None
