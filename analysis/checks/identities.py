"""What identifies the people of an archive, and where a text says it.

Names, identifiers and dates are looked for as words in a row, in the ways in which they may be written. What may stand
there by chance is distinguished from a leak in three ways:

- Short names, free text and identifiers without a digit ("unknown") are no leak where the repository itself says them,
  nor in what programs write for programs (tags, scripts, numbers of JSON).
- Whole numbers of fewer than ten digits (an identifier, six digits of a birth date) are a leak where chance would hit as
  many of the numbers of that length in a text with a probability below `CHANCE`. So one number tells in a small archive
  and a column of them in any, and a size or a count in a large archive is nobody's birth date. In what programs write
  for programs, one number alone never tells.
- Numbers in a row are a date, a telephone or a personal number only where they are written as one.

Missed on purpose: names of fewer than three letters that stand alone, and initials; a part of a name that is a word of
the repository; identifiers of fewer than five digits, or of four characters with letters; reports and free texts of fewer
than three words; two-digit years other than in 31-12-99 and the like; single short numbers in an archive that has many of
them. A column of consecutive numbers can be told as one of birth dates: such numbers are not drawn by chance.
`python -m analysis search-errors` computes how often a clean study is stopped, and what is missed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from pathlib import Path

import pandas as pd

from analysis.archive.describe import parse_date, written_digits
from analysis.archive.inspect import SEPARATOR
from analysis.checks.texts import Piece

Words = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
#: Kinds of value that common language can hold as well; what the repository itself says is none of these.
SOFT = ("part of a name", "free text", "date of an exam", "report text")
#: Kinds that are dates.
_DATES = ("birth date", "date of an exam")
#: Words in a row that make a piece of a report its own.
_RUN = 6
#: Numbers are reported where chance would match as many of that length in a text less often than this.
CHANCE = 2e-3
#: Digits that no computed number hits by chance.
LONG = 10
#: Whole numbers as they stand in texts: no decimals, no colours, no parts of words. pandas writes 7.0 for 7.
_NUMBER = re.compile(r"(?<![\w#])(?<!\d\.)(\d+)(?:\.0+)?(?!\w|\.\d)")
_MONTHS = (
    ("january jan januari", "february feb februari", "march mar mars", "april apr", "may maj", "june jun juni",
     "july jul juli", "august aug augusti", "september sep sept", "october oct oktober okt", "november nov",
     "december dec")
)  # fmt: skip


def words(text: str) -> list[str]:
    """Split a text into words without case and accents; punctuation and underscores separate them."""
    return _WORD.findall(plain(text))


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
    _counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, kind: str, phrase: Iterable[str]) -> None:
        """Look for words in a row; the first kind that a phrase is added as stays."""
        phrase = tuple(phrase)
        if phrase:
            self.phrases.setdefault(phrase, kind)
            self._lengths, self._counts = {}, Counter()

    def drop(self, phrase: Words) -> None:
        """Look for a phrase no longer."""
        if self.phrases.pop(phrase, None):
            self._lengths, self._counts = {}, Counter()

    def find(self, text: str) -> Iterator[tuple[Words, str]]:
        """Yield each phrase in a text with its kind.

        Every word is looked up once; the phrases that begin with it decide how far to read on.
        """
        if not self._lengths:
            lengths: dict[str, set[int]] = {}
            for phrase in self.phrases:
                lengths.setdefault(phrase[0], set()).add(len(phrase))
            self._lengths = {first: tuple(sorted(found)) for first, found in lengths.items()}
        text = plain(text)
        row = list(_WORD.finditer(text))
        numbers: set[str] | None = None
        for position, word in enumerate(row):
            for length in self._lengths.get(word[0], ()):
                span = row[position : position + length]
                phrase = tuple(one[0] for one in span)
                kind = self.phrases.get(phrase)
                if kind and length == 1 and word[0].isdigit():
                    numbers = set(_NUMBER.findall(text)) if numbers is None else numbers
                    if word[0] in numbers:
                        yield phrase, kind
                elif kind and _together(kind, text, span):
                    yield phrase, kind

    def leaks(self, piece: Piece) -> Iterator[tuple[Words, str]]:
        """Yield the phrases in a piece of text that can't be there by chance, with their kinds."""
        hits: dict[tuple[str, int], set[Words]] = {}
        for phrase, kind in self.find(piece.text):
            if is_number(phrase):
                hits.setdefault((kind, len(phrase[0])), set()).add(phrase)
            elif not (piece.code and is_soft(phrase, kind)):
                yield phrase, kind
        if hits:
            lengths = Counter(map(len, set(_NUMBER.findall(plain(piece.text)))))
            for (kind, digits), found in hits.items():
                alone = piece.code and len(found) == 1
                if not alone and by_chance(len(found), lengths[digits], self.density(kind, digits)) < CHANCE:
                    yield from ((phrase, kind) for phrase in sorted(found))

    def density(self, kind: str, digits: int) -> float:
        """Return the share of all numbers of so many digits that are looked for as a kind of value."""
        if not self._counts:
            self._counts = Counter((kind, len(phrase[0])) for phrase, kind in self.phrases.items() if is_number(phrase))
        return min(1.0, self._counts[kind, digits] / (9 * 10 ** (digits - 1)))

    def in_company(self) -> Counter[str]:
        """Count by kind the numbers that are reported only where several stand in one text."""
        numbers = Counter[str]()
        for phrase, kind in self.phrases.items():
            if is_number(phrase) and self.density(kind, len(phrase[0])) >= CHANCE:
                numbers[kind] += 1
        return numbers


def plain(text: str) -> str:
    """Return a text without case and accents."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold()


def is_soft(phrase: Words, kind: str) -> bool:
    """Return whether common language can hold a phrase as well: an identifier such as "unknown", too."""
    return kind in SOFT or (not any(character.isdigit() for word in phrase for character in word) and kind != "name")


def is_number(phrase: Words) -> bool:
    """Return whether a phrase is a whole number that is short enough to be hit by chance."""
    return len(phrase) == 1 and phrase[0].isdigit() and len(phrase[0]) < LONG


def by_chance(hits: int, numbers: int, density: float) -> float:
    """Return the probability that so many of some numbers, or more, are looked for though each is drawn at random."""
    from scipy.special import bdtrc  # scipy.stats takes a second to import

    return float(bdtrc(hits - 1, numbers, density))


def _together(kind: str, text: str, span: list[re.Match[str]]) -> bool:
    """Return whether words that are digits alone stand together as one date, telephone or personal number.

    The numbers of neighbouring cells don't: a count of 1950 beside counts of 12 and 3 is nobody's birthday.
    """
    if not all(word[0].isdigit() for word in span):
        return True
    gaps = {text[first.end() : second.start()] for first, second in pairwise(span)}
    if kind in _DATES:  # three numbers between points can be a version
        return len(gaps) == 1 and gaps <= ({"-", "/", "."} if any(len(word[0]) == 4 for word in span) else {"-", "/"})
    return all(re.fullmatch(r"[-./ ()+]{1,3}", gap) for gap in gaps)


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
    if parts and all(len(part) < 3 for part in parts) and len("".join(parts)) < 5:
        found.too_short["name"] += 1
    for pair in permutations(parts, 2):
        if len("".join(pair)) >= 5:
            found.add("name", pair)
            found.add("name", ["".join(pair)])
    for part in parts:
        if len(part) > 2:
            found.add("part of a name", [part])


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
    month, date = f"{day.month:02d}", f"{day.day:02d}"
    for year in sorted({f"{day.year}", written_digits(written)[:4]}):  # that of the header may be of the Buddhist era
        found.add(kind, [year + month + date])
        for m, d in {(month, date), (month.lstrip("0"), date.lstrip("0"))}:
            for order in ((year, m, d), (d, m, year), (m, d, year)):
                found.add(kind, order)
            for name in _MONTHS[day.month - 1].split():
                found.add(kind, (d, name, year))
                found.add(kind, (name, d, year))
        for order in ((year[2:], month, date), (date, month, year[2:]), (month, date, year[2:])):
            found.add(kind, order)
        if short:
            found.add(kind, [year[2:] + month + date])


def _text(found: Secrets, kind: str, text: list[str]) -> None:
    if len(text) < 3 or ("".join(text).isdigit() and len("".join(text)) < 7):
        found.too_short[kind] += 1
    elif len(text) <= _RUN:
        found.add(kind, text)
    else:
        for start in range(len(text) - _RUN + 1):
            found.add(kind, text[start : start + _RUN])


def _path(found: Secrets, path: str) -> None:
    name = Path(path)
    if len("".join(words(path))) < 6:
        found.too_short["source path"] += 1
        return
    found.add("source path", words(path))
    if len(name.parts) > 2:
        found.add("source path", words("/".join(name.parts[-2:])))
    if len(name.stem) >= 6 and any(c.isdigit() for c in name.stem):
        found.add("source path", words(name.stem))
