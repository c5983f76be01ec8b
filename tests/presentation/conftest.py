"""Studies made once for all tests of tables, figures and text: two gradings that come with the code, and one invented here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import analysis.presentation.figures.style as figure_style
from analysis.files import read_table
from analysis.manuscript.source import expand
from analysis.manuscript.stage import COMPARISONS, stage
from analysis.presentation import frames
from analysis.presentation.commands import gather
from analysis.presentation.figures import write_figures
from analysis.presentation.results import Results
from analysis.presentation.tables import write_tables
from analysis.presentation.values import write_values
from tests.presentation.study import make_study, study_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import pandera.pandas as pa
    from matplotlib.figure import Figure

SOURCE = Path("manuscript")


SECTIONS = {f"_{name}.qmd" for name in COMPARISONS}


def prose(source: Path = SOURCE) -> str:
    """Return the source with its parts in place, as without a comparison; tables stay includes."""

    def read(name: str) -> str | None:
        return None if name.startswith("_tables/") else "" if name in SECTIONS else (source / name).read_text()

    return expand((source / "index.qmd").read_text(), read)


SCHEMES = {"kl": Path("workflow/gradings/kl.yaml"), "oarsi": Path("workflow/gradings/oarsi.yaml"), "harbour": None}
HARBOUR = """\
name: harbour
title: Harbour
items:
  depth: {title: Depth, short: D, levels: {0: none, 1: shallow, 2: deep}, groups: {1-2: [1, 2]}}
disease: {title: Silting, rule: depth >= 2}
findings:
  crane: {title: Crane, kind: implant}
  ferry: {title: Ferry}
"""


@pytest.fixture(scope="session", autouse=True)
def checked_once() -> Iterator[None]:
    """Hold a table against its schema once, and not for each of a hundred studies that share it: that is half of the time."""
    known: dict[tuple[str, bytes], pd.DataFrame] = {}

    def read(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
        key = (path.name, path.read_bytes())
        if key not in known:
            known[key] = read_table(path, schema)
        return known[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "read_table", read)
        yield


@dataclass
class Made:
    """What is made of a study, up to the staged manuscript."""

    options: dict[str, Path]
    folder: Path
    letters: list[tuple[str, str, float, bool]] = field(default_factory=list)

    @property
    def results(self) -> Results:
        return gather(**self.options)

    def values(self, out: Path, kind: str = "simulated", config: dict[str, Any] | None = None) -> Path:
        write_values(self.results, study_config(kind, config), out)
        return out

    def stage(self, out: Path, source: Path = SOURCE, values: Path | None = None) -> dict[str, Any]:
        values = values or self.folder / "values.yml"
        return stage(source, self.folder / "tables", self.folder / "figures", values, out)


def measure(figure: Figure, name: str, letters: list[tuple[str, str, float, bool]]) -> None:
    """Note every text of a figure: its size in points, and whether it lies within the canvas."""
    from matplotlib.text import Text

    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    unused = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not (axes.axison and min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval()))
    }
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if id(text) in unused or not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent()
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        letters.append((name, text.get_text(), float(text.get_fontsize()), bool(inside)))


@pytest.fixture(scope="session", params=list(SCHEMES))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A study for each scheme."""
    return make(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def kl(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The study graded by Kellgren and Lawrence."""
    return make("kl", tmp_path_factory)


DONE: dict[str, Made] = {}


def make(name: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    if name in DONE:
        return DONE[name]
    folder = tmp_path_factory.mktemp(name)
    scheme = SCHEMES[name]
    if scheme is None:
        scheme = folder / f"{name}.yaml"
        scheme.write_text(HARBOUR)
    made = Made(make_study(folder / "in", scheme), folder)
    settings = made.options["settings"]
    quick = yaml.safe_load(settings.read_text())
    quick["figures"]["dpi"] = 100  # the looks are the same, the PNG is made faster
    settings.write_text(yaml.safe_dump(quick))
    write_tables(made.results, SOURCE / "checklists", folder / "tables")
    with pytest.MonkeyPatch.context() as patch:
        save = figure_style.save

        def measure_and_save(figure: Figure, out: Path, title: str) -> None:
            measure(figure, title, made.letters)
            save(figure, out, title)

        patch.setattr(figure_style, "save", measure_and_save)
        write_figures(made.results, folder / "figures")
    made.values(folder / "values.yml")
    DONE[name] = made
    return made
