"""What a header says about an image, in a controlled vocabulary; free text doesn't get past this module."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.archive.corrections import correct
from analysis.archive.dicom import text, value
from analysis.archive.sides import BESIDE, apart

if TYPE_CHECKING:
    from analysis.archive.settings import IngestSettings, Patterns

_STUDY_TEXT = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
)
_SERIES_TEXT = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
_POSITIONS = {"AP": "ap", "PA": "ap", "LL": "lateral", "RL": "lateral", "LLD": "ap", "RLD": "ap"}
_OBLIQUE = {"LLO", "RLO", "LAO", "RAO", "LPO", "RPO"}
#: A letter alone (w, k: woman, kvinna), or how words in several languages begin; not M/F.
_SEX = re.compile(
    r"(?P<female>[FWK]\W*$|FEM|FRA?U|WEIB|WOM|KVI|KOB|MU[JL]|MME|M[AÄ]D|DONN|VROU|NAI)"
    r"|(?P<male>M\W*$|MA|MÄ|HO|HERR|MIES|MU|UOM)|(?P<other>O)"
)
_SIDES = {"L": "left", "R": "right", "B": "both"}
#: Words for a kind of machine at the beginning of a description, as "CR DX KNEE".
_MODALITY = re.compile(
    r"^(?:(?:CR|DX(?!\W+(?:\w{1,3}\W+)?sin\b)|DR|XR|RG|RX|RF|X-?RAY)(?:(?![^\W_])|(?=(?-i:[A-Z][a-zß-ÿ])))[\s_:/,.-]*)+",
    re.IGNORECASE,
)
_DATES = ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate", "AcquisitionDateTime")
_OLD, _OLDEST, _EPOCH = 100, 110, date(1970, 1, 1)
#: Years by which the Buddhist era, in which Thailand writes its dates, is ahead.
_BUDDHIST = 543
_FIRST, _LAST = 1850, 2250
#: Days 0 of programs' calendars.
_ZEROS = (_EPOCH, date(1899, 12, 30), date(1899, 12, 31))
#: On the first of January of these years a clock starts that has lost its time.
_RESET = (1980, 1990, 2000)
#: An exam may last past midnight.
_NIGHT = timedelta(days=1)
#: By the first letter: years (also Jahre, ans, år, lat, vuotta, 岁), months, weeks (semaines), days (Tage), hours.
_UNITS = dict.fromkeys("YJAÅLV岁歳세", 1.0)
_UNITS |= {"M": 1 / 12, "W": 7 / 365.25, "S": 7 / 365.25, "D": 1 / 365.25, "T": 1 / 365.25, "H": 0.0}


def match(words: str, patterns: Patterns) -> str | None:
    """Return the first name of which a pattern is found in the text.

    Underscores count as blanks, and where nothing is found, words that are joined (GenouDroit) are read apart. Where an
    earlier program has lost a text's letters (h\ufffdger, h?ger) or written them in
    two characters (hÃ¶ger), the letter that they were fits.
    """
    return _match(words, tuple((name, tuple(listed)) for name, listed in patterns.items()))


_Listed = tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(maxsize=8192)  # an archive says few different things
def _match(words: str, patterns: _Listed) -> str | None:
    words = unicodedata.normalize("NFC", words.replace("_", " "))
    found = _first_match(words, patterns) or _first_match(apart(words), patterns)
    if found or (words.isascii() and "?" not in words):
        return found
    if not words.isascii():
        for encoding in ("latin-1", "cp1252"):
            with suppress(UnicodeError):
                return _first_match(words.encode(encoding).decode("utf-8"), patterns)
    if not _LOST.search(words):
        return None
    listed = tuple((name, tuple(map(blurred, of_name))) for name, of_name in patterns)
    return _first_match(blurred(_LOST.sub(_ANY, words)), listed)


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _first_match(words: str, patterns: _Listed) -> str | None:
    return next((name for name, listed in patterns if listed and _compiled(listed).search(words)), None)


#: A letter that programs have put another sign for: the sign for what can't be read, a control sign, a question mark.
_LOST = re.compile(r"[\ufffd\x80-\x9f]|(?<=[^\W\d_])\?|\?(?=[^\W\d_])")
#: Stands for any letter beyond ASCII; itself one that no language writes.
_ANY = "\u0294"


@lru_cache(maxsize=4096)  # mostly of the settings' patterns
def blurred(text: str) -> str:
    """Replace every Latin letter beyond ASCII by one sign, since a lost letter may have been any of them."""
    return "".join(_ANY if not one.isascii() and unicodedata.name(one, "").startswith("LATIN") else one for one in text)


def view(dataset: Any, settings: IngestSettings) -> str | None:
    """Return ap, lateral or oblique by view position, text, view code or patient orientation, in this order."""
    position = text(dataset, "ViewPosition").upper()
    if position in _OBLIQUE:
        return "oblique"
    codes = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "ViewCodeSequence") or []))
    by_text = match(text(dataset, "ViewPosition", *_SERIES_TEXT), settings.views) or match(codes, settings.views)
    return _POSITIONS.get(position) or by_text or _by_orientation(text(dataset, "PatientOrientation").upper().split())


def _by_orientation(orientation: list[str]) -> str | None:
    """Return the view by the direction of the image's rows: sideways it is frontal, to the front or back lateral."""
    if len(orientation) != 2:
        return None
    row = orientation[0]
    if {"A", "P"} & set(row) and {"L", "R"} & set(row):
        # ASSUME: a row that runs both sideways and forwards is an oblique view.
        return "oblique"
    return "ap" if row[:1] in ("L", "R") else "lateral" if row[:1] in ("A", "P") else None


def side(dataset: Any, settings: IngestSettings) -> tuple[str | None, bool]:
    """Return the side (left, right or both) by the laterality tags, or by text where they are silent.

    Returns
    -------
    str or None
        left, right or both; None where nothing says it.
    bool
        Whether tag and text contradict each other.
    """
    words = _side_texts(dataset)
    patterns = {name: [*listed, *BESIDE[name]] for name, listed in settings.sides.items()}
    by_text = {match(words, {name: listed}) for name, listed in patterns.items()} - {None} if words else set()
    # A text may say that the exam is of both knees, and which one this film shows. Words for both may hold a letter.
    one = by_text - {"both"} if len(by_text) < 3 else set()
    for keyword in ("ImageLaterality", "FrameLaterality", "Laterality"):
        letter = text(dataset, keyword).upper()[:1]
        if letter in _SIDES:
            found = _SIDES[letter]
            return found, bool(one and found not in one)
    if len(one) == 1:
        return one.pop(), False
    return ("both" if "both" in by_text else None), False


def _side_texts(dataset: Any) -> str:
    """Return the texts, and what is said of the region, each without the modality it begins with: the DX of "DX KNEE" doesn't mean dexter."""
    regions = value(dataset, "AnatomicRegionSequence") or []
    modifiers = [one for region in regions for one in (value(region, "AnatomicRegionModifierSequence") or [])]
    texts = [_MODALITY.sub("", one) for keyword in _STUDY_TEXT if (one := text(dataset, keyword))]
    return " ; ".join([*texts, *(text(one, "CodeMeaning") for one in modifiers)])


def protocol(dataset: Any, settings: IngestSettings) -> str | None:
    """Return the protocol by study, series and protocol text: 'other' where none fits, None where there is no text."""
    words = text(dataset, *_STUDY_TEXT)
    return (match(words, settings.protocols) or "other") if words else None


def body_part(dataset: Any, settings: IngestSettings) -> str | None:
    """Return the body part by its tag, or by study and series text where the tag names none that is known."""
    regions = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "AnatomicRegionSequence") or []))
    named = {name: listed for name, listed in settings.body_parts.items() if name != "other"}
    tag = f"{text(dataset, 'BodyPartExamined')} {regions}".strip()
    return match(tag, named) or match(text(dataset, *_STUDY_TEXT), named) or match(tag, settings.body_parts)


def day(dataset: Any) -> tuple[date | None, bool]:
    """Return the date of the exam, by the dates of study, acquisition, series and content.

    Those of before the patient's birth, and those that programs write where they know none, count only where there is no
    other. Where the rest lie more than a day apart, those win by which the patient had the age that was written; then that
    of which study and acquisition agree; then the earliest, since a picture can be filed and changed later than it was
    taken, and no study begins after its own pictures.

    Returns
    -------
    date or None
    bool
        Whether the study or the acquisition is said to be of another time.
    """
    written = [text(dataset, keyword) for keyword in (*_DATES, "PatientBirthDate")]
    *found, born = dates = [parse_date(one) for one in written]
    if any(one and written_digits(words)[:4] != str(one.year) for one, words in zip(dates, written, strict=True)):
        correct(dataset, "calendar")
    main = [found[0], found[1] or found[-1]]
    possible = [one for one in found if one and one.year > 1901 and one != _EPOCH]
    later = [one for one in possible if not born or one >= born]
    likely = [one for one in later if (one.month, one.day) != (1, 1) or one.year not in _RESET] or later or possible
    if not likely:
        return None, False
    if max(likely) - min(likely) > _NIGHT:
        years = _written_age(text(dataset, "PatientAge"))
        if born and years is not None:
            likely = [one for one in likely if abs(_years(born, one) - years) <= 1] or likely
        both = [one for one in main if one in likely]
        agreed = len(both) > 1 and max(both) - min(both) <= _NIGHT
        likely = both if agreed else [one for one in likely if one - min(likely) <= _NIGHT]
    return likely[0], any(abs(one - likely[0]) > _NIGHT for one in main if one in possible)


def _years(born: date, on: date) -> float:
    """Return the completed years between two days."""
    return float(on.year - born.year - ((on.month, on.day) < (born.month, born.day)))


def written_digits(written: str) -> str:
    """Return the digits of a date as it is written: year, month and day."""
    return re.sub(r"[^0-9]", "", written)[:8]


@lru_cache(maxsize=4096)  # a header writes one date in many places, an archive in many files
def parse_date(written: str) -> date | None:
    """Read YYYYMMDD, or YYYY.MM.DD as before 1993; None for what is no date from 1850 to 2150, of either era."""
    digits = written_digits(written)
    try:
        year = int(digits[:4])
        found = date(year - _BUDDHIST * (year > _LAST), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return found if _FIRST <= found.year <= _LAST else None


def unread(dataset: Any, on: date | None) -> list[str]:
    """Say what is written and not read: an age, or a date, as of another calendar, of birth or of the exam (`on`)."""
    told = {"birth_date_unread": ("PatientBirthDate",), "date_unread": () if on else _DATES}
    texts = {name: [text(dataset, keyword) for keyword in keywords] for name, keywords in told.items()}
    dates = [name for name, written in texts.items() if any(one and not parse_date(one) for one in written)]
    age = text(dataset, "PatientAge")
    return [*dates, "age_unread"] if age and _written_age(age) is None else dates


def is_filler(written: date) -> bool:
    """Whether a birth date is one that programs write where they know none: the day that they count from, or the first."""
    return written in _ZEROS or ((written.month, written.day) == (1, 1) and written.year <= 1901)


def age(dataset: Any, on: date | None) -> tuple[float | None, bool]:
    """Return the age by birth date and exam date, or by the age that was written: whichever is plausible.

    Returns
    -------
    float or None
        Completed years, from 0 to 110.
    bool
        Whether the two contradict each other by more than a year, or the birth is said to be after the exam.
    """
    born = parse_date(text(dataset, "PatientBirthDate"))
    written = _written_age(text(dataset, "PatientAge"))
    told = written if re.search("[1-9]", text(dataset, "PatientAge")) else None  # nought is written where nobody knows
    if born is None or on is None:
        return told, False
    years = _years(born, on)
    contradicted = born > on or (written is not None and abs(years - written) > 1)
    # ASSUME: nobody is X-rayed on the day of birth or later than at 110. A filler may be somebody's birthday: it is
    # one where the written age says the same.
    # Of two ages that contradict each other, one beyond a hundred or of no year is the wrong one, and so is one by a first
    # of January.
    odd = years > _OLD >= (written or 0) or (told and (years < 1 or (born.month, born.day) == (1, 1)))
    possible = 0 <= years <= _OLDEST and born != on and not (contradicted and odd)
    if not possible or (is_filler(born) and (contradicted or (written is None and born != _EPOCH))):
        return told, contradicted
    return years, contradicted


def _written_age(words: str) -> float | None:
    """Read ages such as 062Y, 62.5Y, 840M, 22630D, 62 years or 62Y 3M, in completed years; a number alone is years."""
    found = re.fullmatch(
        rf"0*(\d{{1,5}})(?:[.,]\d+)?\s*(?:([{''.join(_UNITS)}])[^\W\d_]*\.?)?(?:\s*\d+\s*[MWDTJ][^\W\d_]*)*",
        words.strip().upper(),
    )
    years = float(int(int(found[1]) * _UNITS[found[2] or "Y"])) if found else None
    return years if years is not None and years <= _OLDEST else None


def sex(dataset: Any) -> str | None:
    """Return female, male, other or None."""
    found = _SEX.match(text(dataset, "PatientSex").upper())
    return found.lastgroup if found else None
