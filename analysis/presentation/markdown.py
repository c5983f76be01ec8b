"""Tables as markdown that pandoc and Quarto lay out alike, and as CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.files import result, write_text
from analysis.presentation.format import escape

#: Digits that a table of ten columns has room for in a line of the PDF; margins of a cell and of a heading in bold, in digits.
LINE, MARGIN, BOLD = 125, 2, 1.15
#: Letters about half as wide as a digit, and half as wide again.
NARROW, WIDE = " .,:;'\u2019()|ijlt", "mwMW%"


@dataclass(frozen=True)
class Table:
    """A table as it is printed.

    Attributes
    ----------
    head : sequence of str
        Headings of the columns; the first column names the rows.
    rows : sequence of sequence of str
        Cells, as they are printed. A row of one cell is a heading over the rows below it.
    align : str
        A letter a column: l, r or c. Default: the first left, the others right.
    widths : sequence of float
        Widths of the columns in relation to each other. Default: by what is in them.
    heading : int
        The column that headings stand in.
    markdown : bool
        Whether cells hold markdown already, e.g. citations; otherwise they are taken literally.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str = ""
    widths: Sequence[float] = ()
    heading: int = 0
    markdown: bool = False


def to_markdown(table: Table) -> str:
    """Return a pipe table whose column widths are relative, so that long cells wrap in every format."""
    literal = (lambda cell: cell) if table.markdown else _literal
    columns = len(table.head)
    align = table.align or "l" + "r" * (columns - 1)
    rows = [
        [f"**{literal(row[0])}**" if i == table.heading else "" for i in range(columns)]
        if len(row) == 1
        else [literal(cell) for cell in row]
        for row in table.rows
    ]
    head = [literal(cell) for cell in table.head]
    body = [row for row, given in zip(rows, table.rows, strict=True) if len(given) > 1]
    widths = table.widths or _widths(head, body, align)
    # pandoc takes widths from the dashes only if a line is longer than its text width, so the dashes are many.
    dashes = [max(3, round(200 * width / sum(widths))) for width in widths]
    rule = [
        (":" if side in "lc" else "-") + "-" * size + (":" if side in "rc" else "-")
        for side, size in zip(align, dashes, strict=True)
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)) + "\n"


def write_table_files(table: Table, out: Path, name: str) -> None:
    """Write `name`.md and `name`.csv to a folder."""
    write_text(out / f"{name}.md", to_markdown(table))
    with result(out / f"{name}.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.head)
        heading = ""
        for row in table.rows:
            if len(row) == 1:
                heading = row[0]
            else:
                writer.writerow([f"{heading}: {row[0]}" if heading else row[0], *row[1:]])


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[float]:
    """Return a width for each column, in digits: its longest cell, but long text may wrap, a heading in two lines.

    Where this is more than a line of the PDF holds, columns of text give way: a number and its interval are to stay in one line.
    """
    wanted, least = [], []
    for title, side, *cells in zip(head, align, *rows, strict=True):
        title, *plain = [re.sub(r"[*\\]", "", cell) for cell in (title, *cells)]
        words = [word for cell in (title, *plain) for word in cell.split()]
        bold = BOLD * max(_width(title) / 2, *map(_width, ["", *title.split()]))
        least.append(MARGIN + max(bold, 5, *(len(word) + (side == "l") for word in words)))
        wanted.append(max(least[-1], MARGIN + min(max(map(_width, plain), default=0), 32)))
        if side != "l":
            least[-1] = wanted[-1]
    slack = sum(wanted) - sum(least)
    given = min(max(sum(wanted) - LINE, 0) / slack, 1) if slack else 0
    return [most - given * (most - fewest) for most, fewest in zip(wanted, least, strict=True)]


def _literal(cell: str) -> str:
    """Return a cell that markdown prints as it is; a dagger stays in the line of the name that it marks."""
    return escape(cell).replace(" †", "\u00a0†")


def _width(text: str) -> float:
    """Return about how wide a text is, in digits."""
    return sum(
        0.5 if letter in NARROW else 1.5 if letter in WIDE else 1.3 if letter == "\u2212" else 1 for letter in text
    )
