"""One look for all figures: the journal's widths, a palette safe for colour-blind readers, fonts that print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.files import result
from analysis.presentation.settings import FigureSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM = 1 / 25.4  # inches
GREY = "#6b6b6b"


@contextmanager
def style(settings: FigureSettings) -> Iterator[None]:
    """Draw with the study's look inside the block; nothing of it stays afterwards."""
    import matplotlib as mpl

    mpl.use("Agg")
    import seaborn as sns
    from cycler import cycler

    size = settings.font_pt
    with mpl.rc_context(), sns.axes_style("ticks"), sns.plotting_context("paper"):
        mpl.rcParams.update(
            {
                "font.family": settings.font,
                "font.size": size,
                "axes.titlesize": size,
                "axes.labelsize": size,
                "xtick.labelsize": size - 1,
                "ytick.labelsize": size - 1,
                "legend.fontsize": size - 0.5,
                "legend.title_fontsize": size - 0.5,
                "figure.titlesize": size + 1,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "axes.linewidth": 0.6,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "xtick.major.width": 0.6,
                "ytick.major.width": 0.6,
                "xtick.major.size": 2.5,
                "ytick.major.size": 2.5,
                "lines.linewidth": 1.2,
                "lines.markersize": 4,
                "patch.linewidth": 0.6,
                "legend.frameon": False,
                "axes.prop_cycle": cycler(color=settings.palette),
                "figure.constrained_layout.use": True,
                "savefig.dpi": settings.dpi,
                # Letters as paths look the same on every machine; a fixed salt makes the same bytes every time.
                "svg.fonttype": "path",
                "svg.hashsalt": "study",
            }
        )
        yield


def canvas(width_mm: float, height_mm: float, rows: int = 1, columns: int = 1, **more: object) -> tuple[Figure, Any]:
    """Make a figure of a size in mm with a grid of axes."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(width_mm * MM, height_mm * MM), **more)  # type: ignore[call-overload]


def legend(figure: Figure, handles: Iterable[Any]) -> None:
    """Put a legend above the panels, in as few rows as the figure's width holds: names may be long, and many."""
    drawn = list(handles)
    for rows in range(1, len(drawn) + 1):
        made = figure.legend(handles=drawn, loc="outside upper center", ncols=-(-len(drawn) // rows))
        if rows == len(drawn) or made.get_window_extent().width <= figure.bbox.width:
            return
        made.remove()


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a figure as `name`.svg and `name`.png, without dates in them, and close it."""
    import matplotlib.pyplot as plt

    with result(out / f"{name}.svg") as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    figure.set_layout_engine("none")  # found once: the PNG is laid out as the SVG is
    with result(out / f"{name}.png") as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    plt.close(figure)


def blank(axes: Axes) -> None:
    """Take away everything but what is drawn."""
    axes.set_axis_off()


def wrap(text: str, width: int) -> str:
    """Break a label at words."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
