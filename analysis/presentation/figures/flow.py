"""The flow diagram: how the exams found became the exams used, in boxes as STARD draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.presentation.figures.style import MM, blank, canvas, wrap
from analysis.presentation.format import count
from analysis.presentation.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE_MM = 3.6
PAD_MM = 2.2


def _number(number: float, unit: str) -> str:
    return f"{count(number)} {unit}{'' if number == 1 else 's'}"


def _exams(row: pd.Series) -> str:
    """Count the exams of a row, and their knees where an exam has two."""
    exams = _number(row["exams"], "exam")
    return exams if row["knees"] == row["exams"] else f"{exams} ({_number(row['knees'], 'knee')})"


def _box(panel: Axes, x: float, y: float, width: float, *, text: str, align: str = "center") -> float:
    """Draw a box whose top is at `y` (mm, downwards); return its bottom."""
    from matplotlib.patches import FancyBboxPatch

    height = LINE_MM * (text.count("\n") + 1) + 2 * PAD_MM
    panel.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=1", facecolor="white", edgecolor="black", lw=0.7
        )
    )
    place = {"center": x + width / 2, "left": x + PAD_MM}[align]
    panel.text(place, y + height / 2, text, ha=align, va="center", linespacing=1.3)
    return y + height


def _arrow(panel: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    panel.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "lw": 0.7, "color": "black", "shrinkA": 0,
                                               "shrinkB": 0, "mutation_scale": 7})  # fmt: skip


def _steps(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the boxes from top to bottom: ("kept", text) and, between them, ("left", text)."""
    boxes: list[tuple[str, str]] = []
    reasons: list[tuple[str, float]] = []
    # An exam may lose one of its two knees, so what is left out is counted in knees where there are such exams.
    unit = "exam" if (frame["knees"] == frame["exams"]).all() else "knee"

    def close() -> None:
        if reasons:
            lines = [wrap(f"• {label}: {count(left)}", 46).replace("\n", "\n   ") for label, left in reasons]
            boxes.append(("left", "\n".join([f"{_number(sum(n for _, n in reasons), unit)} left out", *lines])))
            reasons.clear()

    for _, row in frame.iterrows():
        if row["step"] == "excluded":
            if row["knees"] > 0:
                reasons.append((str(row["label"]), row["knees"]))
        elif row["step"] != "set":
            close()
            boxes.append(("kept", f"{row['label']}\n{_exams(row)} of {count(row['patients'])} patients"))
    close()
    return boxes


def flow(results: Results) -> Figure | None:
    """Draw the steps of flow.csv: found, what was left out and why, what remained, and the sets."""
    frame = results.flow
    steps = _steps(frame)
    sets = frame[frame["step"] == "set"]
    if not steps:
        return None
    width = results.settings.figures.double_mm
    middle, side = width * 0.27, width * 0.54
    box, wide = width * 0.42, width * 0.45
    figure, panel = canvas(width, 100)
    figure.set_layout_engine("none")
    blank(panel)
    panel.set_position((0, 0, 1, 1))
    y, start = 2.0, 2.0
    for kind, text in steps:
        if kind == "left":
            start, top = y, y + 3
            y = _box(panel, side, top, wide, text=text, align="left")
            _arrow(panel, (middle, (top + y) / 2), (side, (top + y) / 2))
            continue
        if y > 2:
            y += 3 if start < y and start > 2 else 5
            _arrow(panel, (middle, start), (middle, y))
        y = start = _box(panel, middle - box / 2, y, box, text=text)
    each = width / max(1, len(sets))
    centres = [each * (index + 0.5) for index in range(len(sets))]
    turn, end = start + 5, y
    if centres:
        panel.plot([middle, middle], [start, turn], color="black", lw=0.7)
        panel.plot([min([*centres, middle]), max([*centres, middle])], [turn, turn], color="black", lw=0.7)
    for centre, (_, row) in zip(centres, sets.iterrows(), strict=True):
        _arrow(panel, (centre, turn), (centre, turn + 5))
        text = f"{row['label']}\n{_exams(row)}\n{count(row['patients'])} patients"
        end = _box(panel, centre - each * 0.44, turn + 5, each * 0.88, text=text)
    panel.set(xlim=(0, width), ylim=(end + 2, 0))
    figure.set_figheight((end + 2) * MM)
    return figure
