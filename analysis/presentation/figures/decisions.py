"""What the network looked at: the pictures of single decisions, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import StudyError
from analysis.presentation.figures.style import blank, canvas
from analysis.presentation.format import number
from analysis.presentation.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Pictures beside each other, and how high they are, mm: of exams of one image, which are narrow, and of others.
NARROW, WIDE = (5, 66.0), (3, 46.0)
MOST = 12  # pictures that fit a page


def attribution(results: Results) -> Figure | None:
    """Show the surest decisions of the first item, right and wrong, from the lowest grade to the highest.

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
    columns, height = NARROW if all(picture.shape[1] < picture.shape[0] for picture in pictures) else WIDE
    rows = -(-len(first) // columns)
    figure, axes = canvas(results.settings.figures.double_mm, rows * (height + 5), rows, columns, squeeze=False)
    panels = list(np.asarray(axes).flat)
    for panel in panels:
        blank(panel)
    short = results.scheme.items[str(first["item"].iloc[0])].short
    for panel, picture, (_, case) in zip(panels, pictures, first.iterrows(), strict=False):
        panel.imshow(picture)
        panel.set_title(
            f"{short} {case['truth']}, network {case['predicted']} ({number(case['score'])})", fontweight="normal"
        )
    return figure
