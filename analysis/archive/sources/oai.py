"""The Osteoarthritis Initiative as it comes on its hard drive or from the NDA, in the form of an archive.

Written from public descriptions of the release; nobody has tried it on the release itself. What it meets with is told at
the import and in `import.csv`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from analysis.archive.facts import CohortSettings
from analysis.archive.releases.oai_tables import ITEMS, MONTHS, eight
from analysis.archive.releases.visits import known_visits, when
from analysis.archive.sources import Source
from analysis.errors import StudyError
from analysis.plurals import plural
from analysis.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from analysis.archive.releases.films import Film
    from analysis.archive.releases.tables import Told

_FIXED_FLEXION = re.compile(r"(bilateral )?pa fixed flexion( right| left)? knees?")


class OAISettings(Settings):
    """The release of the OAI: films and tables in one folder, in any depth."""

    folder: str | None = Field(None, description="Folder of the release, from the hard drive or from the NDA.")
    visits: list[str] = Field(["V00"], min_length=1, description="Visits that come into the study; V00 is baseline.")

    @field_validator("visits")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return known_visits(value, MONTHS)


def told_of(settings: OAISettings) -> dict[str, str]:
    """Return the facts that depend on which visits are in the study."""
    return {
        "description": "The radiographs and the grades are those of the Osteoarthritis Initiative: fixed-flexion "
        "weight-bearing radiographs of both knees of people who were 45 to 79 years old at enrolment, with or at risk of "
        f"symptomatic osteoarthritis of the knee, and of a few controls, taken {when(settings.visits, MONTHS)}."
    }


def choose(films: list[Film], scores: pd.DataFrame, told: Told) -> pd.Series:
    """Find the film that each reading was made of: by its barcode, else the person's only film of the visit.

    Returns
    -------
    pandas.Series
        Place in `films`, missing where there is none; index as of `scores`.
    """
    import pandas as pd

    by_code: dict[str, int] = {}
    for number, film in enumerate(films):
        by_code.setdefault(eight(film["AccessionNumber"]), number)
    for number, film in enumerate(films):  # up to five barcodes differ between the header and the folder
        by_code.setdefault(eight(film.path.parent.name), number)
    by_code.pop("", None)
    visits: dict[tuple[str, str], list[int]] = {}
    for number, film in enumerate(films):
        visits.setdefault((person_of(film), visit_of(film)), []).append(number)
    found: list[int | None] = []
    for row in scores.itertuples():
        place: int | None = by_code.get(str(row.barcode))
        if place is not None and person_of(films[place]) not in ("", row.id):
            told.notes["readings whose barcode is another person's film, left out"] += 1
            place = None
        elif place is None:
            alone = visits.get((str(row.id), str(row.visit)), [])
            place = alone[0] if len(alone) == 1 else None
            told.notes["readings without a film" if place is None else "readings matched by person and visit"] += 1
        else:
            told.notes["readings matched by barcode"] += 1
        found.append(place)
    return pd.Series(found, scores.index, dtype="Int64")


def person_of(film: Film) -> str:
    """Return the participant's number, by PatientID or else by the folder; empty where neither is one, as after blinding."""
    said = re.findall(r"(?<!\d)0*([1-9]\d{6})(?!\d)", film["PatientID"])
    folders = [part for part in film.path.parts if re.fullmatch(r"[1-9]\d{6}", part)]
    return said[0] if len(said) == 1 else next(reversed(folders), "")


def visit_of(film: Film) -> str:
    """Return the visit of a film, by its folder (6.E.1 is visit 6) or its study's description."""
    folder = next((part for part in reversed(film.path.parts) if re.fullmatch(r"\d{1,2}\.[A-Z]\.\d+", part)), "")
    if folder:
        return f"V{int(folder.partition('.')[0]):02d}"
    words = film["StudyDescription"].upper()
    months = re.search(r"(\d+) MONTH", words)
    months_to_visit = {number: name for name, number in MONTHS.items()}
    return "V00" if "SCREENING" in words else months_to_visit.get(int(months[1]), "") if months else ""


def make(settings: OAISettings, seed: int, out: Path, workers: int) -> str:
    """Bring the release into the form of an archive; nothing is drawn at random, and films are linked, not copied.

    Raises
    ------
    StudyError
        If there is no fixed-flexion film, or none that a reading names.
    """
    import pandas as pd

    from analysis.archive.releases.films import find_films, folder_of, in_words, leave, met_with, survey
    from analysis.archive.releases.oai_tables import read_contents, read_people, read_replacements, read_scores
    from analysis.archive.releases.tables import Told, write_archive

    folder, told = folder_of(settings.folder, "archive.oai.folder"), Told()
    contents = read_contents(folder)

    def said_of(film: Film) -> re.Match[str] | None:
        words = (
            film["SeriesDescription"]
            or contents.get(eight(film["AccessionNumber"]), "")
            or contents.get(eight(film.path.parent.name), "")
        )
        return _FIXED_FLEXION.fullmatch(in_words(words))

    def wanted(film: Film) -> bool:
        return said_of(film) is not None

    def shows(place: int, side: str) -> bool:
        said = said_of(films[place])
        return said is None or (said[2] or side).strip() == side

    scores = read_scores(folder, settings.visits, told)
    films = find_films(folder, wanted, told)
    if not films:
        raise StudyError(
            f"The folder {folder} has no fixed-flexion film of the knee; what is looked for is the SeriesDescription "
            f"'Bilateral PA Fixed Flexion Knee', and {met_with(told)}. Give the folder with the x-rays."
        )
    scores["film"] = choose(films, scores, told)
    scores = scores.dropna(subset=["film"])
    seen = [shows(int(place), side) for place, side in zip(scores["film"], scores["side"], strict=True)]
    told.notes["readings of a knee whose film is of the other one, left out"] += seen.count(False)
    scores = scores[seen]
    if scores.empty:
        raise StudyError(
            f"None of the {len(films)} films in {folder} is one that a reading names: {told.about('reading') or 'none'}. "
            "Give films and tables of one release."
        )
    used = sorted({int(place) for place in scores["film"]})
    unread = without_reading(films, used, settings.visits, told)
    scores["exam"] = scores["film"].map({place: films[place].name for place in used})
    left = [films[place] for place in sorted([*used, *unread])]
    survey(left, told)
    told.notes["films whose header has no SeriesDescription, known by a table: their protocol is unknown"] += sum(
        not film["SeriesDescription"] for film in left
    )
    exams = pd.DataFrame(
        {
            "exam": [films[place].name for place in unread],
            "id": [person_of(films[place]) for place in unread],
            "visit": [visit_of(films[place]) for place in unread],
        },
        dtype="str",
    )
    people = with_ages(pd.concat([scores[["exam", "id", "visit"]], exams]), read_people(folder))
    leave(left, out)
    write_archive(out, with_replaced(scores, read_replacements(folder, told), films, told), people, told)
    return f"{plural(len(used), 'film')}, {plural(len(scores), 'knee')} of {scores['id'].nunique()} people.{told}"


def without_reading(films: list[Film], used: list[int], visits: list[str], told: Told) -> list[int]:
    """Find the films of these visits of which no reading was made, so that they are in the archive and its flow.

    Of people whose reading of that visit names another film they are retakes, which are left out and counted: within
    weeks of the film that was read, they would be taken for the first of a series.
    """
    read = {(person_of(films[place]), visit_of(films[place])) for place in used}
    places = sorted(set(range(len(films))) - set(used))
    those = [place for place in places if visit_of(films[place]) in visits]
    found = [place for place in those if (person_of(films[place]), visit_of(films[place])) not in read]
    told.notes["further films of people of whom another one was read, left out"] += len(those) - len(found)
    told.notes["films of these visits that no reading names: not read"] += len(found)
    return found


def with_ages(exams: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return exam, age and sex: the age at baseline and the months since."""
    table = exams.drop_duplicates("exam").merge(people, on="id", how="left")
    # ASSUME: whole years at the visit are those at baseline and the months of the visit's plan.
    return table.assign(age=table["age"] + table["visit"].map(MONTHS) // 12)


def with_replaced(scores: pd.DataFrame, replaced: pd.DataFrame, films: list[Film], told: Told) -> pd.DataFrame:
    """Return the rows of readings.csv, of one reader, the consensus of Boston University; replaced knees as findings.

    These are `tka`, or `uka` where one compartment was replaced; of `uka` nothing is written where there is none, as at
    baseline, when the type isn't recorded. Of other implants the release says nothing, and so neither do these.
    """
    import pandas as pd

    from analysis.archive.releases.tables import to_readings

    found = scores[["id", "side"]].merge(replaced, how="left", indicator="known").set_index(scores.index)
    known = found["known"] == "both"
    told.notes["knees of which no table of outcomes says whether they were replaced"] += int((~known).sum())
    gone, partial = found["days"] <= _days(scores, films), found["partial"].eq(True)
    findings = pd.DataFrame({"tka": gone & ~partial, "uka": gone & partial}).astype("Int64").where(known)
    findings = findings if findings["uka"].eq(1).any() else findings.drop(columns="uka")
    items = [*(item for item, _, _ in ITEMS.values()), *map(str, findings)]
    return to_readings(scores.join(findings), items, "BU consensus")


def _days(scores: pd.DataFrame, films: list[Film]) -> pd.Series:
    """Return how long after baseline each film was taken, days: by the dates, else by the visit's plan."""
    import pandas as pd

    first: dict[str, str] = {}
    for film in films:
        if visit_of(film) == "V00" and film["StudyDate"]:
            one = person_of(film)
            first[one] = min(film["StudyDate"], first.get(one, "9"))
    taken = pd.to_datetime(scores["film"].map(lambda place: films[int(place)]["StudyDate"]), errors="coerce")
    begun = pd.to_datetime(scores["id"].map(first), errors="coerce")
    planned = scores["visit"].map(MONTHS).astype(float) * 30.44
    days = (taken - begun).dt.days
    return days.where(days.notna(), planned)


SOURCE = Source(
    title="the Osteoarthritis Initiative, as it comes on its hard drive or from the NDA",
    personal_data=True,  # people's radiographs under the study's numbers; the terms of use forbid to make them known
    settings=OAISettings,
    told=told_of,
    make=make,
    exams=True,
    cohort=CohortSettings(
        title="knee radiographs of the Osteoarthritis Initiative",
        kind="public",
        description="The radiographs and the grades are those of the Osteoarthritis Initiative.",
        single_knees=True,
        implants=True,
        published_grades=True,
        readers="two expert readers of the Osteoarthritis Initiative, by consensus",
        grading="The grades came with the radiographs, from their central reading in Boston: two expert readers read each "
        "knee, and what they differed in was adjudicated, so that no reading of a single reader is part of the data. Of a "
        "knee that was read in both of its projects (15, and 37 or 42) the first counts.",
        remarks={
            "jsn_medial": "A decimal of joint space narrowing, which marks a change within a grade, was dropped.",
            "ost_medial_tibia": "Osteophytes, attrition and sclerosis were read only in people with definite disease of either "
            "knee at some visit; in all others they are missing, so that what rests on them is known of the former alone.",
            "attrition_medial_tibia": "Attrition and sclerosis were graded, and count as present from grade 1 on.",
            "tka": "Knee replacements were taken from the outcomes that the study recorded.",
        },
        data_set="the Osteoarthritis Initiative",
        citation="eckstein2014",
        availability="The radiographs and tables are available at no cost from the NIMH Data Archive (nda.nih.gov/oai), to "
        "those whose data use certificate was approved; they may not be passed on, nor may the grades in the bundle.",
        ethics="Participants consented to the Osteoarthritis Initiative, which the ethics committees of its sites approved; "
        "this study used its de-identified data.",
        blinding="The grades are older than this network, so that its output was not known to those who made them.",
    ),
)
