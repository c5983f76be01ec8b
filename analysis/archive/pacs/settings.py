"""What is asked of a PACS, and how gently; who the PACS is stands in a file of its own, see `node`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from analysis.settings import Settings


class PacsSettings(Settings):
    """What is asked of a PACS, and how gently."""

    expert = ("max_studies", "max_images", "max_file_mb", "reserve_mb", "tries")

    connection: str | None = Field(
        None,
        description="YAML file, outside the repository, that says where the PACS is and how one logs in (docs/pacs.md).",
    )
    accessions: str | None = Field(
        None, description="CSV with a column 'accession': the exams to fetch; null: all that fit the other keys."
    )
    dates: tuple[str, str] | None = Field(
        None, description="First and last study date, as YYYY-MM-DD; null: any; needed where no accessions are given."
    )
    study_description: str | None = Field(
        None, description="Study description as the PACS has it, * for any text ('*knee*'); null: any."
    )
    modalities: list[str] = Field(["CR", "DX"], min_length=1, description="Modalities of the series to fetch.")
    body_parts: list[str] = Field(
        [], description="Body parts of the series to fetch, in capitals; series without any come as well; [] for all."
    )
    reports: bool = Field(True, description="Whether structured reports come along; their text goes to reports.csv.")
    readings: str | None = Field(None, description="The readings.csv to put beside the images; null: one without rows.")
    pause: float = Field(0.5, ge=0, description="Rest between two studies, s.")
    hours: tuple[str, str] | None = Field(
        None, description="Hours in which to fetch, as ['19:00', '06:00']; outside of them it waits; null: always."
    )
    incomplete: Literal["stop", "go_on"] = Field(
        "stop", description="When images could not be fetched: stop there, so that another run tries them; or go on."
    )
    tries: int = Field(3, ge=1, description="How often a lost connection is built up again for one study.")
    max_studies: int = Field(100_000, ge=1, description="A query that lists more is stopped.")
    max_images: int = Field(500, ge=1, description="A series that lists more images is not fetched.")
    max_file_mb: float = Field(256, gt=0, description="Larger files are refused, MB.")
    reserve_mb: float = Field(1000, ge=0, description="Space that is left free on the disk, MB.")

    @field_validator("dates")
    @classmethod
    def _days(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        return _in_order(value, r"\d{4}-\d\d-\d\d", "a date such as 2019-12-31")

    @field_validator("hours")
    @classmethod
    def _clock(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        for one in value or ():
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", one):
                raise ValueError(f"'{one}' is no time of the day such as '19:00'; put it in quotation marks")
        return value


def _in_order(value: tuple[str, str] | None, pattern: str, what: str) -> tuple[str, str] | None:
    for one in value or ():
        if not re.fullmatch(pattern, one):
            raise ValueError(f"'{one}' isn't {what}")
    if value and value[0] > value[1]:
        raise ValueError(f"'{value[0]}' comes after '{value[1]}'")
    return value
