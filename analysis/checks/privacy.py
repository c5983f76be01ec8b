"""Search what may be published for everything in the archive that identifies a person."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import pandas as pd

from analysis.archive.describe import parse_date
from analysis.archive.inspect import SEPARATOR
from analysis.checks.texts import CODE, pieces
from analysis.errors import StudyError
from analysis.schemas.statistics import PRIVACY

Words = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
#: Kinds of value that common language can hold as well; what the repository itself says is none of these.
SOFT = ("part of a name", "free text", "date of an exam", "report text")
#: Words in a row that make a piece of a report its own.
_RUN = 6
_MONTHS = (
    ("january jan januari", "february feb februari", "march mar mars", "april apr", "may maj", "june jun juni",
     "july jul juli", "august aug augusti", "september sep sept", "october oct oktober okt", "november nov",
     "december dec")
)  # fmt: skip


def words(text: str) -> list[str]:
    """Split a text into words without case and accents; punctuation and underscores separate them."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text.casefold())


@dataclass
class Secrets:
    """Phrases to look for.

    Attributes
    ----------
    phrases : dict
        Words in a row to the kind of value they are.
    too_short : collections.Counter
        Values by kind that are too short to tell from chance, which are not looked for.
    """

    phrases: dict[Words, str] = field(default_factory=dict)
    too_short: Counter[str] = field(default_factory=Counter)
    _lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, kind: str, phrase: Iterable[str]) -> None:
        """Look for words in a row; the first kind that a phrase is added as stays."""
        phrase = tuple(phrase)
        if phrase:
            self.phrases.setdefault(phrase, kind)
            self._lengths = {}

    def find(self, text: str) -> Iterator[tuple[Words, str]]:
        """Yield each phrase in a text with its kind.

        Every word is looked up once; the phrases that begin with it decide how far to read on.
        """
        if not self._lengths:
            lengths: dict[str, set[int]] = {}
            for phrase in self.phrases:
                lengths.setdefault(phrase[0], set()).add(len(phrase))
            self._lengths = {first: tuple(sorted(found)) for first, found in lengths.items()}
        row = words(text)
        for position, word in enumerate(row):
            for length in self._lengths.get(word, ()):
                phrase = tuple(row[position : position + length])
                kind = self.phrases.get(phrase)
                if kind and (length > 1 or not word.isdigit() or _alone(word, text)):
                    yield phrase, kind


def _alone(digits: str, text: str) -> bool:
    """Return whether digits stand alone somewhere, not as the decimals or the whole of a number or as a colour."""
    return re.search(rf"(?<![\w#])(?<!\d[.,]){digits}(?![.,]?\d)(?!\w)", text) is not None


def secrets(files: pd.DataFrame, reports: Iterable[str] = ()) -> Secrets:
    """Collect every identifying value that was seen at ingest, in the ways it may be written.

    Parameters
    ----------
    files : pandas.DataFrame
        The private index.
    reports : iterable of str
        The radiologists' texts.

    Returns
    -------
    Secrets
    """
    found = Secrets()

    def values(column: str) -> list[str]:
        return sorted({one for cell in files[column].dropna().unique() for one in cell.split(SEPARATOR) if one})

    for column in ("patient_name", "people"):
        for name in values(column):
            _name(found, words(name))
    for column, kind in (("patient_id", "patient identifier"), ("other_ids", "patient identifier"),
                         ("accession", "accession number")):  # fmt: skip
        for identifier in values(column):
            _identifier(found, kind, words(identifier))
    for column in ("study_uid", "series_uid", "sop_uid"):
        for uid in values(column):
            if len(uid) >= 10:
                found.add("UID", words(uid))
    for column, kind in (("birth_date", "birth date"), ("date", "date of an exam")):
        for written in values(column):
            _date(found, kind, written, short=kind == "birth date")
    for column, kind in (("contacts", "address or telephone"), ("texts", "free text")):
        for text in values(column):
            _text(found, kind, words(text))
    for report in reports:
        _text(found, "report text", words(report))
    for path in values("path"):
        _path(found, path)
    return found


def _name(found: Secrets, parts: list[str]) -> None:
    parts = [part for part in dict.fromkeys(parts) if not part.isdigit()]
    for pair in permutations(parts, 2):
        if len("".join(pair)) >= 5:
            found.add("name", pair)
            found.add("name", ["".join(pair)])
    for part in parts:
        if len(part) > 2:
            found.add("part of a name", [part])
        elif len(parts) == 1:
            found.too_short["name"] += 1


def _identifier(found: Secrets, kind: str, parts: list[str]) -> None:
    joined = "".join(parts)
    if len(joined) < (5 if joined.isdigit() else 4):
        found.too_short[kind] += 1
        return
    found.add(kind, parts)
    found.add(kind, [joined])
    if re.fullmatch(r"(19|20)\d{10}", joined):  # a Swedish personal number without its century
        found.add(kind, [joined[2:]])
        found.add(kind, [joined[2:8], joined[8:]])
        found.add(kind, [joined[:8], joined[8:]])


def _date(found: Secrets, kind: str, written: str, *, short: bool) -> None:
    day = parse_date(written)
    if day is None:
        return
    year, month, date = f"{day.year}", f"{day.month:02d}", f"{day.day:02d}"
    found.add(kind, [year + month + date])
    for m, d in {(month, date), (month.lstrip("0"), date.lstrip("0"))}:
        for order in ((year, m, d), (d, m, year), (m, d, year)):
            found.add(kind, order)
        for name in _MONTHS[day.month - 1].split():
            found.add(kind, (d, name, year))
            found.add(kind, (name, d, year))
    if short:
        found.add(kind, [year[2:] + month + date])


def _text(found: Secrets, kind: str, text: list[str]) -> None:
    if len(text) < 3:
        found.too_short[kind] += 1
    elif len(text) <= _RUN:
        found.add(kind, text)
    else:
        for start in range(len(text) - _RUN + 1):
            found.add(kind, text[start : start + _RUN])


def _path(found: Secrets, path: str) -> None:
    name = Path(path)
    found.add("source path", words(path))
    if len(name.parts) > 2:
        found.add("source path", words("/".join(name.parts[-2:])))
    if len(name.stem) >= 6 and any(c.isdigit() for c in name.stem):
        found.add("source path", words(name.stem))


def repository() -> list[Path]:
    """Return the repository's own texts, but for the simulator's, which names its patients."""
    root = Path(__file__).resolve().parents[2]
    parts = [path for path in sorted((root / "analysis").iterdir()) if path.name not in ("simulate", "__pycache__")]
    names = ("manuscript", "workflow", "envs", "README.md", "config.yaml", "Snakefile")
    return [*parts, *(root / name for name in names if (root / name).exists())]


def spare(found: Secrets, public: Iterable[Path]) -> None:
    """Drop the soft phrases that the repository's own texts hold: they can't be a leak of the archive.

    So "Olsson" in a reference doesn't stop a study with a patient Olsson, but "Olsson Anna" does.
    """
    for path in _files(public):
        if path.suffix != ".pyc":
            for _, text in pieces(path):
                for phrase, kind in list(found.find(text)):
                    if kind in SOFT:
                        found.phrases.pop(phrase, None)


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from (path for path in sorted(root.rglob("*")) if path.is_file())


def search(
    found: Secrets, results: Iterable[Path], skip: Iterable[Path] = ()
) -> tuple[int, list[tuple[Path, str, str]]]:
    """Search all files below some folders.

    Parameters
    ----------
    found : Secrets
    results : iterable of Path
        Files or folders.
    skip : iterable of Path
        Files among them that are not searched.

    Returns
    -------
    n : int
        Files searched.
    leaks : list of tuple
        File, where in it, kind of value; never the value itself.
    """
    n = 0
    leaks: dict[tuple[Path, str, str], None] = {}
    skip = {path.absolute() for path in skip}
    for path in _files(results):
        if path.absolute() in skip:
            continue
        n += 1
        for where, text in pieces(path):
            for phrase, kind in found.find(text):
                # In the programs of a page any short name and any number occurs by chance.
                if not where.endswith(CODE) or not (kind in SOFT or (len(phrase) == 1 and phrase[0].isdigit())):
                    leaks[path, where, kind] = None
    return n, list(leaks)


def check(
    files: pd.DataFrame,
    reports: Iterable[str],
    results: list[Path],
    public: Iterable[Path] = (),
    skip: Iterable[Path] = (),
) -> pd.DataFrame:
    """Fail if a result holds a value that identifies a person.

    Parameters
    ----------
    files : pandas.DataFrame
        The private index.
    reports : iterable of str
    results : list of Path
        What may be published.
    public : iterable of Path
        Texts that were public before the archive was read; see `spare`.
    skip : iterable of Path
        Files among the results that are not searched.

    Returns
    -------
    pandas.DataFrame
        Columns `what`, `n`: files searched, phrases looked for by kind, values too short to look for.

    Raises
    ------
    StudyError
        Names file, place in it and kind of value, not the value.
    """
    missing = [path for path in results if not path.exists()]
    if missing:
        raise StudyError(f"There are no results at {missing[0]}; correct the path.")
    sought = secrets(files, reports)
    spare(sought, public)
    n, leaks = search(sought, results, skip)
    if leaks:
        listed = "; ".join(f"{path} ({where}): {kind}" for path, where, kind in leaks[:10])
        more = f"; and {len(leaks) - 10} more" if len(leaks) > 10 else ""
        raise StudyError(f"Results hold what identifies a person: {listed}{more}. Nothing may be published like this.")
    rows = [("files searched", n)]
    rows += [(f"looked for: {kind}", count) for kind, count in sorted(Counter(sought.phrases.values()).items())]
    rows += [(f"too short to look for: {kind}", count) for kind, count in sorted(sought.too_short.items())]
    return pd.DataFrame(rows, columns=list(PRIVACY.columns))
