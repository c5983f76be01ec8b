"""What a header says about an image, in a controlled vocabulary; free text doesn't get past this module."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.archive.dicom import text, value

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
_SEX = {"F": "female", "M": "male", "O": "other"}
_UNITS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def match(words: str, patterns: Patterns) -> str | None:
    """Return the first name of which a pattern is found in the text; underscores count as blanks."""
    words = words.replace("_", " ")
    return next((name for name, listed in patterns.items() if listed and _compiled(tuple(listed)).search(words)), None)


def view(dataset: Any, settings: IngestSettings) -> str | None:
    """Tell ap, lateral or oblique by view position, text, view code or patient orientation, in this order."""
    position = text(dataset, "ViewPosition").upper()
    if position in _OBLIQUE:
        return "oblique"
    codes = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "ViewCodeSequence") or []))
    by_text = match(text(dataset, "ViewPosition", *_SERIES_TEXT), settings.views) or match(codes, settings.views)
    return _POSITIONS.get(position) or by_text or _by_orientation(text(dataset, "PatientOrientation").upper().split())


def _by_orientation(orientation: list[str]) -> str | None:
    """Tell the view by the direction of the image's rows: sideways it is frontal, to the front or back lateral."""
    if len(orientation) != 2:
        return None
    row = orientation[0]
    if {"A", "P"} & set(row) and {"L", "R"} & set(row):
        # ASSUME: a row that runs both sideways and forwards is an oblique view.
        return "oblique"
    return "ap" if row[:1] in ("L", "R") else "lateral" if row[:1] in ("A", "P") else None


def side(dataset: Any, settings: IngestSettings) -> str | None:
    """Tell left or right by the laterality tags, or by text where they are silent."""
    for keyword in ("ImageLaterality", "Laterality"):
        letter = text(dataset, keyword).upper()[:1]
        if letter in ("L", "R"):
            return "left" if letter == "L" else "right"
    sides = {match(text(dataset, *_STUDY_TEXT), {name: listed}) for name, listed in settings.sides.items()} - {None}
    return sides.pop() if len(sides) == 1 else None


def protocol(dataset: Any, settings: IngestSettings) -> str | None:
    """Tell the protocol by study, series and protocol text: 'other' where none fits, None where there is no text."""
    words = text(dataset, *_STUDY_TEXT)
    return (match(words, settings.protocols) or "other") if words else None


def body_part(dataset: Any, settings: IngestSettings) -> str | None:
    """Tell the body part by its tag, or by study and series text where the tag names none that is known."""
    regions = " ".join(text(code, "CodeMeaning") for code in (value(dataset, "AnatomicRegionSequence") or []))
    named = {name: listed for name, listed in settings.body_parts.items() if name != "other"}
    tag = f"{text(dataset, 'BodyPartExamined')} {regions}".strip()
    return match(tag, named) or match(text(dataset, *_STUDY_TEXT), named) or match(tag, settings.body_parts)


def day(dataset: Any) -> date | None:
    """Return the date of the exam, by the first date that is one."""
    for keyword in ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate"):
        found = parse_date(text(dataset, keyword))
        if found:
            return found
    return None


def parse_date(written: str) -> date | None:
    """Read YYYYMMDD, or YYYY.MM.DD as before 1993; None for what is no date from 1850 to 2150."""
    digits = re.sub(r"[^0-9]", "", written)[:8]
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return found if 1850 <= found.year <= 2150 else None


def age(dataset: Any, on: date | None) -> float | None:
    """Return the age in completed years, from 0 to 120, by birth date and exam date or by the age that was written."""
    born = parse_date(text(dataset, "PatientBirthDate"))
    if born and on:
        years: float = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    else:
        written = re.fullmatch(r"(\d{1,3})([YMWD])", text(dataset, "PatientAge").upper())
        if not written:
            return None
        years = float(int(int(written[1]) * _UNITS[written[2]]))
    return float(years) if 0 <= years <= 120 else None


def sex(dataset: Any) -> str | None:
    """Return female, male, other or None."""
    return _SEX.get(text(dataset, "PatientSex").upper()[:1])
