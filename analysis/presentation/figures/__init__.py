"""All figures of the manuscript, each a function of the results."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.files import seal
from analysis.presentation.hashes import hashes, write_sources
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import several_levels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: Whether a run has anything for a figure, by the figure's name; asked without drawing, for the text's conditions.
PRESENT: dict[str, Callable[[Results], bool]] = {
    "flow": lambda results: len(results.flow) > 0,
    "roc": lambda results: len(results.curves) > 0,
    "confusion": lambda results: len(results.scheme.items) > 0 and len(results.estimates("confusion")) > 0,
    "calibration": lambda results: len(results.estimates("reliability")) > 0,
    "cumulative": lambda results: len(results.estimates("cumulative")) > 0,
    "benefit": lambda results: len(results.benefits) > 0,
    "learning": lambda results: len(results.learning) > 0,
    "published": lambda results: len(results.published) > 0,
    "subgroups": lambda results: len(several_levels(results)) > 0,
    "readers": lambda results: len(results.estimates("readers")) > 0,
    "coverage": lambda results: len(results.covered) > 0,
    "attribution": lambda results: len(results.cases) > 0,
    "active_learning": lambda results: len(results.acquired("curve")) > 0,
    "learning_curve": lambda results: len(results.by_exams) > 0,
}


def drawers() -> dict[str, Callable[[Results], Figure | None]]:
    """Return what draws each figure, by the figure's name."""
    from analysis.presentation.active_learning import active_learning_figure
    from analysis.presentation.figures import (
        benefit,
        calibration,
        decisions,
        flow,
        intervals,
        learning,
        matrices,
        performance,
        readers,
        subgroups,
    )
    from analysis.presentation.learning_curve import learning_curve_figure

    return {
        "flow": flow.flow,
        "roc": performance.roc,
        "confusion": matrices.confusion,
        "calibration": calibration.calibration,
        "cumulative": calibration.cumulative,
        "benefit": benefit.benefit,
        "learning": learning.learning,
        "published": performance.published,
        "subgroups": subgroups.subgroups,
        "readers": readers.readers,
        "coverage": intervals.coverage,
        "attribution": decisions.attribution,
        "active_learning": active_learning_figure,
        "learning_curve": learning_curve_figure,
    }


def write_figures(results: Results, out: Path) -> None:
    """Draw every figure into a folder, as `NAME.svg` and `NAME.png`; what was in the folder goes.

    Parameters
    ----------
    results : Results
    out : Path
        The folder.
    """
    from analysis.presentation.figures.style import save, style

    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    sources = {}
    with style(results.settings.figures):
        for name, draw in drawers().items():
            with results.recording() as seen:
                figure = draw(results)
            if figure is not None:
                save(figure, out, name)
                sources[f"{name}.svg"] = hashes(seen)
    write_sources(sources, out)
    seal(out)
