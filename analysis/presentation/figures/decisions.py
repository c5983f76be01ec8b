"""What the network looked at: the pictures of single decisions, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import StudyError
from analysis.presentation.figures.style import MM, blank
from analysis.presentation.format import number
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: How high a picture may be, the most first, and what all rows may take of a page, mm: less than half of it, so that another
#: figure finds room beside this one.
HEIGHTS, PAGE = range(46, 9, -2), 115.0
TITLE, GAP = (24.0, 8.0), 3.0  # width and height of a picture's title, and what is left beside it and below, mm
MOST = 12  # pictures that fit a page


def attribution(results: Results) -> Figure | None:
    """Show the surest decisions of the first item, right and wrong, from the lowest grade to the highest.

    All radiographs have one size, however many an exam has; exams fill rows as words do.

    Raises
    ------
    StudyError
        If a picture that cases.csv names is missing.
    """
    cases = results.cases
    if cases.empty or results.attribution is None:
        return None
    import matplotlib.image as mpl_image

    # ASSUME: the first item stands for the others; a page holds no more pictures than can be made out.
    first = cases[cases["item"] == cases["item"].iloc[0]].head(MOST)
    pictures = []
    for name in first["file"]:
        path = results.attribution / str(name)
        if not path.is_file():
            raise StudyError(f"{path}, which cases.csv names, is not there; run 'attribute' again.")
        pictures.append(mpl_image.imread(path))
    width = results.settings.figures.double_mm
    for height in HEIGHTS:
        widths = [height * picture.shape[1] / picture.shape[0] for picture in pictures]
        rows = _fill(widths, width)
        high = len(rows) * (height + TITLE[1] + GAP)
        if high <= PAGE and max(widths) <= width:
            break
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width * MM, high * MM))
    figure.set_layout_engine("none")
    short = results.scheme.items[str(first["item"].iloc[0])].short
    places = [(left, row, wide) for row, exams in enumerate(rows) for left, wide in exams]
    for (left, row, wide), picture, (_, case) in zip(places, pictures, first.iterrows(), strict=True):
        bottom = high - (row + 1) * (height + TITLE[1] + GAP) + GAP
        panel = figure.add_axes((left / width, bottom / high, wide / width, height / high))
        blank(panel)
        panel.imshow(picture)
        panel.set_title(
            f"{short} {case['truth']},\nnetwork {case['predicted']} ({number(case['score'])})", fontweight="normal"
        )
    return figure


def _fill(widths: list[float], line: float) -> list[list[tuple[float, float]]]:
    """Put pictures side by side, as many as fit a line; one wider than that is reduced to it.

    Returns
    -------
    list of list of (float, float)
        For each row the left edge and the width of its pictures, mm.
    """
    rows: list[list[tuple[float, float]]] = [[]]
    left = 0.0
    for width in widths:
        room = max(width, TITLE[0])
        if rows[-1] and left + room > line:
            rows.append([])
            left = 0.0
        rows[-1].append((left, min(width, line)))
        left += room + GAP
    return rows
