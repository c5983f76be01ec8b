"""Tables of text as programs and people save them: what separates the cells, how letters are written, and where a row ends."""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from analysis.errors import StudyError

_SEPARATORS = (",", ";", "\t", "|")
#: Text in disguise, by which people keep a spreadsheet from taking it for a number.
_DISGUISED = re.compile(r"""="(.*)"|'([\w./+-]*\d[\w./+-]*)'?""", re.DOTALL)
#: Signs without width, which come along when cells are copied from a web page.
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
#: Cyrillic and Greek letters that look like Latin ones, as a keyboard of two alphabets writes them; small ones are those
#: of which the capitals look alike, so that case still doesn't count. So do the two Turkish ones.
_LOOK_ALIKE = str.maketrans(
    "АВЕКМНОРСТУХІЈЅавекмнорстухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεζηικμνορτυχİı",
    "ABEKMHOPCTYXIJSabekmhopctyxijsABEZHIKMNOPTYXabezhikmnoptyxIi",
)
#: What no text in Windows' Western code page has: a capital within a word, as letters of a Mac's or DOS's code page become,
#: letters in UTF-8, and whole words of such letters, as Cyrillic ones become; nor a thorn that no vowel follows, nor a y with
#: an accent twice in a few letters, as Turkish ones become (Icelandic has both letters).
_FOREIGN = re.compile(
    rb"[a-z][\x8a\x8c\x8e\x9f]|\xc3[\x80-\xbf][A-Za-z]|[a-z]\xc3[\x80-\xbf]|([\xc0-\xff])(?!\1)[\xc0-\xff]{4}"
    rb"|\xfe(?![aeiouyjrv.\xc0-\xff])|\xfd[a-z\xe7\xf0\xf6\xfc\xfe]{1,2}\xfd"
)
#: Signs that stand for letters in other code pages: within words more often than before them, where a quotation begins.
_SIGN = rb"[\x80-\x84\x86-\x89\x8b\x93-\x95\x98\x99\x9b\xb3\xb9\xbf]"
_WITHIN, _BEFORE = (
    re.compile(rb"[a-z\xc0-\xff]" + _SIGN + rb"(?=[a-z\xc0-\xff])"),
    re.compile(rb"(?<![A-Za-z\xc0-\xff])" + _SIGN),
)
#: Alphabets of other code pages, first a letter that longer texts have, and bytes of no Western language of the same letters.
_ALPHABETS = (
    ("cp1250", "éáäčďěíĺľňóôŕřúůý", rb"\xec[a-z]|\xcc[A-Z]|[\xdd\xfd]"),
    ("cp1250", "áéíóöőúüű", rb"\xf5(?!e)|\xd5(?!E)|[\xdb\xfb]"),
    ("cp1250", "čćđ", rb"[\x8a\x8e\x9a\x9e]|[\xb9\xbe](?=[a-z])"),
    ("cp1250", "ęćńó", rb"[a-z][\xb3\xb9\xbf]|[A-Z][\xa3\xa5\xaf]"),
    ("cp1250", "ăâîţ", rb"[\xde\xfe]|\xba(?=[a-z])"),
    ("cp1257", "ėąčęįšųūž", rb"[\xd0\xde\xf0\xfe]"),
    ("cp1257", "āčēģīķļņšūž", rb"[\xd0\xde\xf0\xfe]|[\xec\xed\xef\xf2][aeiou]"),
)
#: Beginnings of spreadsheets (the new ones are zip files), Parquet, and what gzip, bzip2, xz and zstd pack.
_BINARY = (
    b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_LINE_END = re.compile(rb"\r\n|\r|\n")
#: Letters at a table's beginning that its header is looked for in, and lines.
_HEADER, _LINES = 100_000, 50
#: The header's names, the line that each row begins in, and the cells of each column.
Columns = tuple[list[str], list[int], list[list[str]]]


def column_name(written: str) -> str:
    """Return a column's name as it is compared."""
    name = unicodedata.normalize("NFKC", written).strip()
    return (latin(name) if re.search("[A-Za-z]", name) else name).lower()


def latin(written: str) -> str:
    """Return a text with Latin letters in place of Cyrillic, Greek and Turkish ones that look like them."""
    return written if written.isascii() else written.translate(_LOOK_ALIKE)


def require(names: Sequence[str], needs: Sequence[str], path: Path) -> None:
    """Refuse a table that lacks a column; its text is quoted only where it is a header.

    Raises
    ------
    StudyError
    """
    missing = [name for name in needs if name not in names]
    if not missing:
        return
    known = len(missing) < len(needs)
    shown = [f"'{name}'" for name in names if re.fullmatch(r".{1,60}" if known else r"\w{1,30}", name)]
    hint = " Its first line must name its columns, separated by commas, semicolons, tabs or vertical bars."
    raise StudyError(
        f"The table {path} lacks the column '{missing[0]}'; it has "
        f"{', '.join(shown) or 'no column of a known name'}.{'' if known else hint}"
    )


def _cleaned(cell: str) -> str:
    cell = cell.strip().strip(_UNSEEN).strip()
    disguised = _DISGUISED.fullmatch(cell)
    return (disguised[1] or disguised[2] or "").strip() if disguised else cell


def _all_cleaned(cells: Iterable[str]) -> list[str]:
    """Clean a column's cells, each text once: a long table has few different ones."""
    cells = list(cells)
    cleaned = {cell: _cleaned(cell) for cell in set(cells)}
    return [cleaned[cell] for cell in cells]


def _decoded(data: bytes, path: Path) -> str:
    """Decode by the mark at the beginning, else as UTF-8, else as Windows' Western code page."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in data[:2]:  # without a mark: a header is in plain letters
        encoding = f"utf-{32 if bytes(2) in data[:4] else 16}-{'be' if data[:1] == bytes(1) else 'le'}"
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise StudyError(f"The table {path} is cut or damaged (no valid {encoding}); save it as UTF-8.") from error
        text = _western(data, path, error.start if data.startswith(codecs.BOM_UTF8) else None)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise StudyError(f"{path}, line {line}: the file isn't a table of text; save it as CSV in UTF-8.")
    return text.rstrip("\x1a")  # the end of a file in DOS


def _western(data: bytes, path: Path, place: int | None) -> str:
    """Decode as Windows' Western code page, where nothing is known to be in another one, as at this `place`."""
    foreign = _FOREIGN.search(data) or _of_another_page(data)
    if not foreign and len(_WITHIN.findall(data)) > len(_BEFORE.findall(data)):
        foreign = _WITHIN.search(data)
    place = foreign.start() if foreign and place is None else place
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        place = error.start
    if place is not None:
        line = len(_LINE_END.findall(data, 0, place)) + 1
        raise StudyError(
            f"{path}, line {line}: there are letters neither all in UTF-8 nor in Windows' Western code page; save the table "
            "as CSV in UTF-8."
        )
    return text


def _of_another_page(data: bytes) -> re.Match[bytes] | None:
    """Return a letter of another code page, where nearly all letters beyond ASCII are of one of its alphabets."""
    letters = data.translate(None, bytes(range(0xC0)))
    for page, alphabet, tells in _ALPHABETS:
        own, first = ((some + some.upper()).encode(page) for some in (alphabet, alphabet[0]))
        if not {*first}.isdisjoint(letters) and 50 * len(letters.translate(None, own)) <= len(letters):
            return re.search(tells, data)
    return None


def text_cells(data: bytes, path: Path, needs: list[str]) -> Columns:
    """Split a table of text into its cells, cleaned of what programs put around them.

    Parameters
    ----------
    data : bytes
        The file's content.
    path : Path
        The file, for messages.
    needs : list of str
        Columns that must be there; the first is the one that rows are known by.

    Returns
    -------
    header : list of str
    lines : list of int
        The line that each row begins in.
    columns : list of list of str

    Raises
    ------
    StudyError
    """
    if data.startswith(_BINARY):
        raise StudyError(f"The table {path} is a spreadsheet, packed or another binary file; save it as CSV in UTF-8.")
    text = _decoded(data, path)
    text = text.lstrip("\ufeff")
    begin = len(text) - len(text.lstrip("\r\n"))
    skipped, text = text.count("\n", 0, begin), text[begin:]
    if said := re.match(r"sep=(.)[ \t]*(?:\r\n|\r|\n|$)", text, re.IGNORECASE):  # Excel's own way to name the separator
        separators: tuple[str, ...] = (said[1],)
        text, skipped = text[said.end() :], skipped + 1
    else:
        separators = _SEPARATORS
    separator = max(separators, key=lambda one: _fit(text, one, needs))
    rows = _rows(text, separator, path, skipped)
    header = [_cleaned(cell) for cell in next(rows, (0, []))[1]]
    if not header:
        raise StudyError(f"The table {path} is empty; it needs a header" + (f": {', '.join(needs)}." if needs else "."))
    names = [column_name(name) for name in header]
    if not set(needs) <= set(names) and (below := _header_below(text, needs)):
        raise StudyError(
            f"{path}: the names of its columns are in line {below + skipped}; remove what stands above them."
        )
    require(names, needs, path)
    again = next((name for name in names if re.sub(r"[._]\d+$", "", name) in needs and name not in needs), None)
    if again:
        raise StudyError(
            f"The table {path} has the column '{again}', as statistics programs call a second one of one name; remove or "
            "rename one."
        )
    lines, found = list[int](), list[list[str]]()
    for line, cells in rows:
        if len(cells) != len(header):
            more = len(cells) > len(header)
            raise StudyError(
                f"{path}, line {line}: {len(cells)} cell{'s'[: len(cells) != 1]}, but the header has {len(header)} "
                f"(separated by {_named(separator)}); "
                + (
                    f"put a text that holds {_named(separator)} into quotation marks, or remove the one that is too many."
                    if more
                    else "write the ones that are missing, separated as in the header."
                )
            )
        lines.append(line)
        found.append(cells)
    columns = [_all_cleaned(cells) for cells in zip(*found, strict=True)] or [[] for _ in header]
    _swallowed(lines, columns, names.index(needs[0]) if needs else 0, separator, path)
    return header, lines, columns


def _named(separator: str) -> str:
    names = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
    return names.get(separator, f"'{separator}'")


def _fit(text: str, separator: str, needs: list[str]) -> tuple[int, int]:
    """Score how well a separator splits the header: by the columns asked for that it finds, then by their number."""
    try:
        beginning = io.StringIO(text[:_HEADER], newline="")
        header = next(csv.reader(beginning, delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return 0, 0
    return len({column_name(name) for name in header} & set(needs)), len(header)


def _header_below(text: str, needs: list[str]) -> int | None:
    """Return the line below the first that has all the columns' names, as where a title stands above them."""
    for number, line in enumerate(text[:_HEADER].splitlines()[:_LINES], 1):
        for separator in _SEPARATORS:
            if set(needs) <= {column_name(_cleaned(cell.strip(' "'))) for cell in line.split(separator)}:
                return number if number > 1 else None
    return None


def _rows(text: str, separator: str, path: Path, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, as they are written, with the line that each begins in."""
    csv.field_size_limit(sys.maxsize)
    # Strict, so that an unclosed quotation mark is an error and doesn't take the rest of the file for one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    begins = 1
    try:
        for cells in reader:
            if (cells and cells[0].isalnum()) or any(map(_cleaned, cells)):
                yield begins + skipped, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise StudyError(
            f"{path}, line {begins + skipped}: a quotation mark isn't closed, or stands inside a cell without being "
            f"doubled ({error}, line {reader.line_num + skipped}); correct it."
        ) from error


def _swallowed(lines: list[int], columns: list[list[str]], key: int, separator: str, path: Path) -> None:
    """Refuse a cell of several lines in which a row ends or begins: two missing quotation marks make such a cell.

    Its rows are told by the column `key`: what stands there looks like what others have there.
    """
    several = {cell for column in columns for cell in set(column) if "\n" in cell or "\r" in cell}
    if not several:
        return
    known = set(columns[key])
    shapes = {shape for name in known if "9" in (shape := _shape(name))}
    for line, cells in zip(lines, zip(*columns, strict=True), strict=True):
        for position, cell in enumerate(cells):
            if cell not in several:
                continue
            first, *middle, last = filter(str.strip, cell.splitlines())
            # The first line ends the row that the cell is of, the last one begins the row that follows.
            parts = [(first.split(separator), len(cells) - position, key - position)]
            parts += [(inner.split(separator), len(cells), key) for inner in middle]
            parts += [(last.split(separator), position + 1, key)]
            names = [found[at].strip() for found, number, at in parts if 0 <= at < number == len(found) > 1]
            # No line of such a cell is anything else, as no cell in it can be in quotation marks.
            whole = all(len(found) == number for found, number, _ in parts)
            if names and whole and known.isdisjoint(names) and all(_shape(name) in shapes for name in names):
                raise StudyError(
                    f"{path}, line {line}: a cell in quotation marks goes on over several lines, and one of them "
                    f"looks like a row of its own (of '{names[0]}'); close the quotation mark before it."
                )


def _shape(cell: str) -> str:
    """Return an identifier's form, so that those of one archive look alike: digits as 9, letters as A."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", cell.strip().strip('"')))
