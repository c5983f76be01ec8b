"""What a header says about an image, in a controlled vocabulary; free text doesn't get past this module."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.archive.dicom.characters import are_unread
from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import text, value
from analysis.archive.sides import BESIDE, LETTERS, joined, side_tags
from analysis.archive.words import compiled, match, named, without_denied

if TYPE_CHECKING:
    from analysis.archive.settings import IngestSettings

_STUDY_TEXT = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
)
_REQUESTS = ("RequestAttributesSequence", "ProcedureCodeSequence", "RequestedProcedureCodeSequence")
_REQUESTED = ("RequestedProcedureDescription", "ScheduledProcedureStepDescription", "CodeMeaning")
_SERIES_TEXT = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
_POSITIONS = {"AP": "ap", "PA": "ap", "LL": "lateral", "RL": "lateral", "LLD": "ap", "RLD": "ap"}
_OBLIQUE = {"LLO", "RLO", "LAO", "RAO", "LPO", "RPO"}
#: Views along the patella, which are neither from the front nor from the side.
_AXIAL = re.compile(r"\baxial|skyline|sunrise|\bmerchant|\blaurin|tangen[tz]ial|défilé|\bdefile", re.IGNORECASE)
#: A letter alone (w, k: woman, kvinna), or how words in several languages begin; not M/F.
_SEX = re.compile(
    r"(?P<female>[FWK]\W*$|FEM|FRA?U|WEIB|WOM|KVI|KOB|MU[JL]|MME|M[AÄ]D|DONN|VROU|NAI)"
    r"|(?P<male>M\W*$|MA(?!SKED)|MÄ|HO|HERR|MIES|MU|UOM)|(?P<other>O\W*$|OTH)"
)
#: Words for a kind of machine at the beginning of a description, as "CR DX KNEE", or in brackets behind an English knee.
_MODALITY = re.compile(
    r"^[\W\d_]*(?:(?:CR|DX(?!\W+(?:\w{1,3}\W+)?sin\b)|DR|XR|RG|RX|RF|X-?RAY)(?:(?![^\W_])|(?=(?-i:[A-Z][a-zß-ÿ])|knee))[\W_]*)+"
    r"|(?<=\bknee)s?\W*[(\[]\s*(?:CR|DX|DR)\s*[)\]]",
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


def view(dataset: Any, settings: IngestSettings) -> str | None:
    """Return ap, lateral or oblique by view position, text, view code or patient orientation, in this order.

    Words that name both (AP/LAT) are of a series, and say nothing of its single image; nor is a view along the patella one
    of these, though machines call it AP.
    """
    position, series = text(dataset, "ViewPosition"), text(dataset, *_SERIES_TEXT)
    if position.upper() in _OBLIQUE:
        return "oblique"
    of_series = _views(series, settings)
    if of_series == {None}:
        return None
    codes = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "ViewCodeSequence") or []))
    letters = _POSITIONS.get(position.upper())
    for found in ({letters} if letters else _views(position, settings), of_series, _views(codes, settings)):
        if len(found) == 1:
            return found.pop()
    return _by_orientation(text(dataset, "PatientOrientation").upper().split())


def _views(words: str, settings: IngestSettings) -> set[str | None]:
    """Return the views that words name, None for one along the patella; a view that is oblique is no other."""
    found = named(words, settings.views)
    if "oblique" in found and len(found) < 3:
        return {"oblique"}
    return {*found, *([None] if _AXIAL.search(words) else [])}


def _by_orientation(orientation: list[str]) -> str | None:
    """Return the view by where the picture leads to beside head or feet: to a side it is frontal, else lateral."""
    ways = [way if set(way) <= set("LRAPHF") else way[:1] for way in orientation]  # letters, or words
    across = [way for way in ways if way[0] not in "HF"]
    if len(ways) != 2 or len(across) != 1:
        return None
    if {"A", "P"} & set(across[0]) and {"L", "R"} & set(across[0]):
        # ASSUME: a row that runs both sideways and forwards is an oblique view.
        return "oblique"
    return {"L": "ap", "R": "ap", "A": "lateral", "P": "lateral"}.get(across[0][0])


def side(dataset: Any, settings: IngestSettings) -> tuple[str | None, bool]:
    """Return the side (left, right or both) by the laterality tags, or by text where they are silent.

    Returns
    -------
    str or None
        left, right or both; None where nothing says it.
    bool
        Whether tags, or tag and text, contradict each other.
    """
    words = without_denied(_side_texts(dataset))
    patterns = {name: [*listed, *BESIDE[name]] for name, listed in settings.sides.items()}
    by_text = named(words, patterns)
    # A text may say that the exam is of both knees, and which one this film shows. Words for both may hold a letter.
    one = by_text - {"both"} if len(by_text) < 3 else frozenset()
    if one == {"left", "right"}:
        letters = (compiled((*settings.sides[name], *LETTERS[name])) for name in ("left", "right"))
        if joined(words, *letters):
            one, by_text = frozenset(), frozenset({"both"})
    if tagged := side_tags(dataset):
        found, *others = tagged
        return found, bool(one and found not in one) or not {*others} <= {found, "both"}
    if len(one) == 1:
        return next(iter(one)), False
    return ("both" if "both" in by_text else None), False


def _side_texts(dataset: Any) -> str:
    """Return the texts, and what is said of the region, each without the modality that it begins with.

    The DX of "DX KNEE" doesn't mean dexter.
    """
    said = [_MODALITY.sub("", one) for one in (*_study_texts(dataset), text(dataset, "BodyPartExamined")) if one]
    for kind in ("AnatomicRegion", "PrimaryAnatomicStructure"):
        for region in value(dataset, f"{kind}Sequence") or []:
            codes = [region, *(value(region, f"{kind}ModifierSequence") or [])]
            said += [one for code in codes if (one := text(code, "CodeMeaning"))]
    return " ; ".join(said)


def _study_texts(dataset: Any) -> list[str]:
    """Return the texts of study and series, and where the study has none, those of its request and its codes."""
    said = [one for keyword in _STUDY_TEXT if (one := text(dataset, keyword))]
    if not text(dataset, "StudyDescription"):
        requests = [item for keyword in _REQUESTS for item in (value(dataset, keyword) or [])]
        said += [one for item in requests for keyword in _REQUESTED if (one := text(item, keyword))]
    return said


def protocol(dataset: Any, settings: IngestSettings) -> str | None:
    """Return the protocol by study, series and protocol text: 'other' where none fits, None where there is no text."""
    words = " ".join(_study_texts(dataset))
    return (match(without_denied(words), settings.protocols) or "other") if words else None


def body_part(dataset: Any, settings: IngestSettings) -> str | None:
    """Return the body part by its tag, or by study and series text where the tag names none that is known."""
    regions = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "AnatomicRegionSequence") or []))
    regional = {name: listed for name, listed in settings.body_parts.items() if name != "other"}
    tag = f"{text(dataset, 'BodyPartExamined')} {regions}".strip()
    return match(tag, regional) or match(" ".join(_study_texts(dataset)), regional) or match(tag, settings.body_parts)


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
    """Say what is written and not read: age, sex, the dates of birth and of the exam (`on`), and texts.

    Dates are not read if they are of another calendar, say; texts if they are in other characters than are declared.
    """
    told = {
        "birth_date_unread": (born := text(dataset, "PatientBirthDate")) and parse_date(born) is None,
        "date_unread": on is None and text(dataset, *_DATES),
        "age_unread": (age := text(dataset, "PatientAge")) and _written_age(age) is None,
        "characters_unread": are_unread(dataset),
        "sex_unread": text(dataset, "PatientSex") and sex(dataset) is None,
    }
    return [name for name, holds in told.items() if holds]


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
        Whether the two contradict each other by more than a year, or the birth is said to be after the exam, or too long
        before it.
    """
    born = parse_date(text(dataset, "PatientBirthDate"))
    written = _written_age(text(dataset, "PatientAge"))
    told = written if re.search("[1-9]", text(dataset, "PatientAge")) else None  # nought is written where nobody knows
    if born is None or on is None:
        return told, False
    years = _years(born, on)
    impossible = born > on or (years > _OLDEST and not is_filler(born))
    contradicted = impossible or (written is not None and abs(years - written) > 1)
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
    return sex_named(text(dataset, "PatientSex"))


def sex_named(words: str) -> str | None:
    """Return the sex that is meant by a letter or a word in one of several languages, or None."""
    found = _SEX.match(words.upper())
    return found.lastgroup if found else None
