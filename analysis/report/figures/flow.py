"""The flow diagram: how the exams found became the exams used, in boxes as STARD draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.figures.style import blank, canvas, wrap
from analysis.report.inputs import Results
from analysis.report.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE_MM = 3.6
PAD_MM = 2.2


def _exams(number: float) -> str:
    return f"{count(number)} exam{'' if number == 1 else 's'}"


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


def flow(results: Results) -> Figure | None:
    """Draw the steps of flow.csv: found, what was left out and why, what remained, and the sets."""
    frame = results.flow
    steps = [step for step in frame["step"].unique() if step not in ("set",)]
    first = frame.iloc[0]
    sets = frame[frame["set"].isin(("training", "validation", "test"))]
    left = frame[(frame["step"] == "excluded") & (frame["exams"] > 0)]
    kept = frame[frame["step"].isin(("eligible", "remaining", "included"))]
    if not steps:
        return None
    settings = results.settings.figures
    width = settings.double_mm
    middle, side = width * 0.30, width * 0.56
    box, wide = width * 0.40, width * 0.42
    reasons = [wrap(f"{row['label']}: {count(row['exams'])}", 44) for _, row in left.iterrows()]
    note = "\n".join([f"{_exams(left['exams'].sum())} left out", *(f"• {line}" for line in reasons)])
    note = note.replace("\n  ", "\n")
    top = f"{first['label']}\n{_exams(first['exams'])} of {count(first['patients'])} patients"
    height = 70 + LINE_MM * (note.count("\n") + 1)
    figure, panel = canvas(width, height)
    blank(panel)
    panel.set(xlim=(0, width), ylim=(height, 0))
    panel.set_position((0, 0, 1, 1))
    figure.set_layout_engine("none")
    y = _box(panel, middle - box / 2, 2, box, text=top)
    if len(left):
        bottom = _box(panel, side, y + 4, wide, text=note, align="left")
        _arrow(panel, (middle, (y + 4 + bottom) / 2), (side, (y + 4 + bottom) / 2))
    else:
        bottom = y
    remaining = kept.iloc[-1] if len(kept) else None
    total = remaining["exams"] if remaining is not None else sets["exams"].sum()
    label = remaining["label"] if remaining is not None else "Exams used"
    _arrow(panel, (middle, y), (middle, bottom + 4))
    y = _box(panel, middle - box / 2, bottom + 4, box, text=f"{label}\n{_exams(total)}")
    each = width / max(1, len(sets))
    turn = y + 5
    centres = [each * (index + 0.5) for index in range(len(sets))]
    if centres:
        panel.plot([middle, middle], [y, turn], color="black", lw=0.7)
        panel.plot([min([*centres, middle]), max([*centres, middle])], [turn, turn], color="black", lw=0.7)
    for centre, (_, row) in zip(centres, sets.iterrows(), strict=True):
        _arrow(panel, (centre, turn), (centre, turn + 5))
        text = f"{str(row['set']).capitalize()} set\n{_exams(row['exams'])}\n{count(row['patients'])} patients"
        end = _box(panel, centre - each * 0.42, turn + 5, each * 0.84, text=text)
        panel.set_ylim(end + 2, 0)
    figure.set_figheight((panel.get_ylim()[0]) / 25.4)
    return figure
