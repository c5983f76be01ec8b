"""Figures: a vector and a picture of each, letters that print, nothing cut off, and words for who can't see them."""

import re
import shutil
import struct

import pandas as pd
import pytest
from PIL import Image

from analysis.presentation.figures import drawers
from analysis.presentation.figures.style import style
from tests.presentation.conftest import SOURCE, Made, measure

SMALLEST_PT = 6.0


def test_each_figure_has_a_vector_and_a_picture(made):
    folder = made.folder / "figures"
    vectors, pictures = ({path.stem for path in folder.glob(f"*.{ending}")} for ending in ("svg", "png"))
    assert vectors == pictures
    assert {"flow", "roc", "confusion", "calibration", "readers", "subgroups"} <= vectors
    settings = made.results.settings.figures
    for name in pictures:
        width, height = struct.unpack(">II", (folder / f"{name}.png").read_bytes()[16:24])
        assert width <= settings.double_mm / 25.4 * settings.dpi + 1, f"{name} is wider than the page"
        assert height <= 245 / 25.4 * settings.dpi, f"{name} is higher than the page"


def test_letters_are_large_enough_and_none_is_cut_off(made):
    assert len(made.letters) > 60
    small = {(name, text, size) for name, text, size, _ in made.letters if size < SMALLEST_PT}
    assert small == set()
    cut = {(name, text) for name, text, _, inside in made.letters if not inside}
    assert cut == set()


def test_an_agreement_below_nought_is_drawn(kl, tmp_path):
    statistics = shutil.copytree(kl.options["statistics"], tmp_path / "statistics")
    frame = pd.read_csv(statistics / "readers.csv")
    worst = {"estimate": -0.3, "low": -0.4, "high": -0.2}
    frame.loc[frame["who"] == "network", list(worst)] = list(worst.values())
    frame.to_csv(statistics / "readers.csv", index=False)
    figure = drawers()["readers"](Made({**kl.options, "statistics": statistics}, kl.folder).results)
    panel = figure.axes[0]
    drawn = [float(value) for line in panel.lines for value in line.get_xdata()]
    assert min(drawn) == worst["low"]
    left, right = panel.get_xlim()
    assert left <= min(drawn) and max(drawn) <= right


def test_the_names_of_many_readers_stand_within_the_figure(kl, tmp_path):
    statistics = shutil.copytree(kl.options["statistics"], tmp_path / "statistics")
    frame = pd.read_csv(statistics / "readers.csv")
    one = frame[frame["who"] == "network"]
    names = [f"network on the exams of student {number}" for number in range(1, 5)]
    pd.concat([frame, *(one.assign(who=name) for name in names)]).to_csv(statistics / "readers.csv", index=False)
    results = Made({**kl.options, "statistics": statistics}, kl.folder).results
    letters: list[tuple[str, str, float, bool]] = []
    with style(results.settings.figures):
        measure(drawers()["readers"](results), "readers", letters)
    assert set(names) <= {text for _, text, _, _ in letters}
    assert [text for _, text, _, inside in letters if not inside] == []


@pytest.mark.parametrize("images", ([3, 1, 2, 3, 2, 3, 1, 2, 2, 1], [1], [9, 1], [8] * 12, [2] * 12))
def test_radiographs_of_all_decisions_have_one_size_and_none_lies_on_another(kl, tmp_path, images):
    folder = tmp_path / "attribution"
    folder.mkdir()
    cases = pd.read_csv(kl.options["attribution"] / "cases.csv").iloc[[0] * len(images)]
    cases["file"] = [f"{number}.png" for number in range(len(images))]
    cases.to_csv(folder / "cases.csv", index=False)
    for name, n in zip(cases["file"], images, strict=True):
        Image.new("RGB", (492 * n - 12, 972)).save(folder / name)
    results = Made({**kl.options, "attribution": folder}, kl.folder).results
    letters: list[tuple[str, str, float, bool]] = []
    with style(results.settings.figures):
        figure = drawers()["attribution"](results)
        measure(figure, "attribution", letters)
    height = figure.get_figheight()
    assert height * 25.4 <= 245
    assert all(inside for _, _, _, inside in letters)
    boxes = [panel.get_tightbbox() for panel in figure.axes]
    sides = [panel.get_position().height * height / 2 for panel in figure.axes]
    assert len(boxes) == len(images) and all(panel.get_position().x1 <= 1 for panel in figure.axes)
    assert max(sides) == pytest.approx(min(sides))
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_each_figure_of_the_text_has_words_for_who_cannot_see_it():
    text = "".join(path.read_text() for path in SOURCE.glob("*.qmd"))
    images = re.findall(r"!\[\]\(([^)]+)\)(\{[^}]*\})?", text)
    assert len(images) >= 11
    for path, attributes in images:
        words = re.search(r'fig-alt="([^"]+)"', attributes)
        assert words, f"{path} has no fig-alt"
        assert len(words[1].split()) >= 8 and words[1].endswith("."), path


@pytest.mark.parametrize("table", ["performance", "readers", "subgroups", "intervals", "distribution"])
def test_columns_share_the_width_of_the_page(made, table):
    """Widths are relative, so that a long cell wraps; no word is so long that its column is too narrow for it."""
    lines = (made.folder / f"tables/{table}.md").read_text().splitlines()
    dashes = [cell.count("-") for cell in lines[1].split("|")[1:-1]]
    share = [number / sum(dashes) for number in dashes]
    points = 166 / 25.4 * 72  # the width of the text, points
    for line in (lines[0], *lines[2:]):
        body = [re.sub(r"[*\\]", "", cell).strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if sum(bool(cell) for cell in body) < 2:
            continue  # a heading over rows
        for cell, part in zip(body, share, strict=True):
            longest = max((len(word) for word in cell.split()), default=0)
            # A letter of 7.5 points is about half as wide as high; 6 points are the margins of a cell.
            assert longest * 7.5 * 0.5 <= part * points - 6, (table, cell)
