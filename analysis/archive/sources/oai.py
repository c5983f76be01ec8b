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
from analysis.archive.sources import Source
from analysis.errors import StudyError
from analysis.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from analysis.archive.handed_out import Film, Told

#: Months after baseline of each visit with films.
MONTHS = {"V00": 0, "V01": 12, "V02": 18, "V03": 24, "V04": 30, "V05": 36, "V06": 48, "V08": 72, "V10": 96, "V12": 132}
#: Column of the readings, without its visit, to item, its highest grade, and how its cells are read.
ITEMS: dict[str, tuple[str, int, dict[str, bool]]] = {
    "xrkl": ("kl", 4, {}),
    "xrjsm": ("jsn_medial", 3, {"floor": True}),
    "xrjsl": ("jsn_lateral", 3, {"floor": True}),
    "xrosfm": ("ost_medial_femur", 3, {}),
    "xrostm": ("ost_medial_tibia", 3, {}),
    "xrosfl": ("ost_lateral_femur", 3, {}),
    "xrostl": ("ost_lateral_tibia", 3, {}),
    "xrattm": ("attrition_medial_tibia", 3, {"present": True}),
    "xrsctm": ("sclerosis_medial_tibia", 3, {"present": True}),
    "xrscfl": ("sclerosis_lateral_femur", 3, {"present": True}),
}
_SIDES = {"1": "right", "2": "left"}
_FIXED_FLEXION = re.compile(r"(bilateral )?pa fixed flexion( right| left)? knee")
_KNEEKL224 = re.compile(r"\d{7}[LR]\.png", re.IGNORECASE)


class OAISettings(Settings):
    """The release of the OAI: films and tables in one folder, in any depth."""

    folder: str | None = Field(None, description="Folder of the release, from the hard drive or from the NDA.")
    visits: list[str] = Field(["V00"], min_length=1, description="Visits that come into the study; V00 is baseline.")

    @field_validator("visits")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        unknown = [visit for visit in value if visit not in MONTHS]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no visit with films; there are {', '.join(MONTHS)}")
        return value


def folder_of(folder: str | None, key: str) -> Path:
    """Return the folder of a release, or say that there is none, or that it is another one."""
    if not folder or not Path(folder).is_dir():
        raise StudyError(f"{key} is '{folder}', which is not a folder; give the folder that the release is in.")
    if any(_KNEEKL224.fullmatch(path.name) for path in Path(folder).glob("*/*/*")):
        raise StudyError(
            f"{key}: '{folder}' holds the images of kneeKL224, which are crops of the OAI's baseline films under the OAI's "
            "numbers; use the source kneekl224 for them. They are no external test for the OAI."
        )
    return Path(folder)


def told_of(settings: OAISettings) -> dict[str, str]:
    """Return the facts that depend on which visits are in the study."""
    from analysis.archive.handed_out import when

    return {
        "description": "The radiographs and the grades are those of the Osteoarthritis Initiative: fixed-flexion "
        "weight-bearing radiographs of both knees of people with or at risk of osteoarthritis, taken "
        f"{when(settings.visits, MONTHS)}."
    }


def read_scores(folder: Path, visits: list[str], told: Told) -> pd.DataFrame:
    """Read the grades of the knees: one row per person, side and visit.

    A knee that was read in both projects counts as project 15 read it, else as 37 did (42 is a miscoded 37): both are of
    the same films by the same readers and no independent readings.

    Returns
    -------
    pandas.DataFrame
        Columns `id`, `side`, `visit`, `barcode`, and one per item, Int64.
    """
    import pandas as pd

    from analysis.archive.handed_out import column, find_tables, grades, read_release

    parts = []
    for path in find_tables(folder, r"kxr_sq_bu\d\d|oai_kxrsemiquant01|kxrsemiquant01"):
        frame = read_release(path)
        number = re.search(r"bu(\d\d)$", path.stem.lower())
        visit = column(frame, "visit").str.upper().where(lambda found: found != "", f"V{number[1]}" if number else "")
        for name in visits:
            rows = frame[visit == name]
            nn = name.lower()
            if rows.empty:
                continue
            table = pd.DataFrame(
                {
                    "id": column(rows, "id", "src_subject_id"),
                    "side": column(rows, "side").map(_SIDES),
                    "visit": name,
                    "project": column(rows, "readprj"),
                    "barcode": column(rows, f"{nn}barcdbu", "barcdbu", "barcode"),
                }
            )
            for key, (item, highest, how) in ITEMS.items():
                found = next((one for one in (f"{nn}{key}", key) if one in rows), None)
                if found:
                    table[item] = grades(rows[found], found.upper(), highest, told, **how)
            parts.append(table)
    if not parts:
        raise StudyError(
            f"The folder {folder} has no readings of the visits {', '.join(visits)} (kxr_sq_bu00.txt and their like, or "
            "oai_kxrsemiquant01.txt of the NDA); copy the tables of semi-quantitative readings into it."
        )
    scores = pd.concat(parts, ignore_index=True).reindex(
        columns=["id", "side", "visit", "project", "barcode", *(item for item, _, _ in ITEMS.values())]
    )
    nowhere = scores["side"].isna() | (scores["id"] == "")
    told.notes["readings without person or side, left out"] += int(nowhere.sum())
    order = {"15": 0, "37": 1, "42": 2}
    scores = scores[~nowhere].assign(order=scores["project"].map(order))
    told.codes.update(("READPRJ", one or "(empty)") for one in scores.loc[scores["order"].isna(), "project"])
    scores = scores.dropna(subset=["order"]).sort_values(["id", "side", "visit", "order"], kind="stable")
    again = scores.duplicated(["id", "side", "visit"])
    told.notes["knees read in a second project as well, of which the first counts"] += int(again.sum())
    return scores[~again].drop(columns=["order", "project"]).reset_index(drop=True)


def read_people(folder: Path) -> pd.DataFrame:
    """Read sex, and age at baseline: columns `id`, `sex`, `age`; empty or missing where no table says it."""
    import pandas as pd

    from analysis.archive.handed_out import column, find_tables, read_release

    sexes = {"1": "male", "2": "female", "M": "male", "F": "female"}
    found: list[pd.DataFrame] = []
    for path in find_tables(folder, r"enrollees|allclinical00|oai_enrollee01|enrollee01"):
        frame = read_release(path)
        ages = pd.to_numeric(column(frame, "v00age", "ageyears"), errors="coerce")
        found.append(
            pd.DataFrame(
                {
                    "id": column(frame, "id", "src_subject_id"),
                    "sex": column(frame, "p02sex", "sex", "gender").str.upper().map(sexes),
                    "age": ages.where(ages.between(0, 110)),
                }
            )
        )
    return pd.concat(found).groupby("id").first().reset_index() if found else pd.DataFrame(columns=["id", "sex", "age"])


def read_replacements(folder: Path) -> pd.DataFrame | None:
    """Read when knees were replaced: columns `id`, `side`, `days` after baseline (0: before); None without the table."""
    import pandas as pd

    from analysis.archive.handed_out import column, find_tables, read_release

    parts = []
    tables = find_tables(folder, r"outcomes99|oai_outcomes01|outcomes01")
    for path in tables:
        frame = read_release(path)
        for side, letter in (("right", "r"), ("left", "l")):
            before = column(frame, f"v99e{letter}kblrp") == "1"
            confirmed = column(frame, f"v99e{letter}krpcf") == "3"
            days = pd.to_numeric(column(frame, f"v99e{letter}kdays"), errors="coerce").where(confirmed).mask(before, 0)
            parts.append(pd.DataFrame({"id": column(frame, "id", "src_subject_id"), "side": side, "days": days}))
    return pd.concat(parts).dropna(subset=["days"]) if tables else None


def eight(number: str) -> str:
    """Return the last eight digits of a barcode, leading zeros given back; empty where it is none (T, blank)."""
    digits = re.sub(r"\.0+$", "", number.strip())
    return digits.zfill(12)[-8:] if digits.isdigit() else ""


def read_contents(folder: Path) -> dict[str, str]:
    """Read contents.csv of the hard drive: the film's description, by the last eight digits of its barcode."""
    from analysis.archive.handed_out import column, find_tables, read_release

    found: dict[str, str] = {}
    for path in find_tables(folder, r"contents.*"):
        frame = read_release(path)
        barcode = column(frame, "barcode", "accessionnumber").map(eight)
        words = column(frame, "seriesdescription")
        found |= {key: said for key, said in zip(barcode, words, strict=True) if key}
    return found


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
        visits.setdefault((film["PatientID"], visit_of(film)), []).append(number)
    found: list[int | None] = []
    for row in scores.itertuples():
        place: int | None = by_code.get(eight(str(row.barcode)))
        if place is not None and films[place]["PatientID"] not in ("", row.id):
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
    """Bring the release into the form of an archive; nothing is drawn at random, and films are linked, not copied."""
    from analysis.archive.handed_out import Told, find_films, leave, survey, write_archive

    folder, told = folder_of(settings.folder, "archive.oai.folder"), Told()
    contents = read_contents(folder)

    def wanted(film: Film) -> bool:
        words = (
            film["SeriesDescription"]
            or contents.get(eight(film["AccessionNumber"]), "")
            or contents.get(eight(film.path.parent.name), "")
        )
        return bool(_FIXED_FLEXION.fullmatch(words.strip().lower()))

    scores = read_scores(folder, settings.visits, told)
    films = find_films(folder, wanted, told)
    if not films:
        raise StudyError(
            f"The folder {folder} has no fixed-flexion film of the knee ({told.notes['DICOM files']} DICOM files; what is "
            "looked for is the SeriesDescription 'Bilateral PA Fixed Flexion Knee'); give the folder with the x-rays."
        )
    scores["film"] = choose(films, scores, told)
    scores = scores.dropna(subset=["film"])
    if scores.empty:
        raise StudyError(
            f"None of the {len(films)} films in {folder} is one that a reading names; is it another release?"
        )
    used = sorted({int(place) for place in scores["film"]})
    names = {place: films[place].name for place in used}
    scores["exam"] = scores["film"].map(names)
    survey([films[place] for place in used], told)
    people = with_ages(scores, read_people(folder))
    leave([films[place] for place in used], out)
    write_archive(out, with_replaced(scores, read_replacements(folder), films), people, told)
    return f"{len(used)} films, {len(scores)} knees of {scores['id'].nunique()} people.{told}"


def with_ages(scores: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return exam, age and sex: the age at baseline and the months since."""
    table = scores.drop_duplicates("exam").merge(people, on="id", how="left")
    # ASSUME: whole years at the visit are those at baseline and the months of the visit's plan.
    return table.assign(age=table["age"] + table["visit"].map(MONTHS) // 12)


def with_replaced(scores: pd.DataFrame, replaced: pd.DataFrame | None, films: list[Film]) -> pd.DataFrame:
    """Return the rows of readings.csv: one reader, the consensus of Boston University; replaced knees as the finding `tka`."""
    from analysis.archive.handed_out import to_readings

    items = [item for item, _, _ in ITEMS.values()]
    if replaced is not None:
        days = scores[["id", "side"]].merge(replaced.groupby(["id", "side"])["days"].min().reset_index(), how="left")
        since = days["days"].set_axis(scores.index)
        scores = scores.assign(tka=(since <= _days(scores, films)).astype("Int64"))
        scores["implant"] = scores["tka"]
        items += ["tka", "implant"]
    return to_readings(scores, items, "BU consensus")


def _days(scores: pd.DataFrame, films: list[Film]) -> pd.Series:
    """Return how long after baseline each film was taken, days: by the dates, else by the visit's plan."""
    import pandas as pd

    first: dict[str, str] = {}
    for film in films:
        if visit_of(film) == "V00" and film["StudyDate"]:
            first[film["PatientID"]] = min(film["StudyDate"], first.get(film["PatientID"], "9"))
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
        grading="The grades came with the radiographs, one for each knee: two expert readers read them, and what they "
        "differed in was adjudicated, so that no reading of a single reader is part of the data. Osteophytes, attrition and "
        "sclerosis were read only in people with definite disease of either knee at some visit; in all others they are missing, so "
        "that what rests on them is known of the former alone. Knee replacements were taken from the outcomes that the study recorded.",
        data_set="the Osteoarthritis Initiative",
        citation="eckstein2014",
        availability="The radiographs and tables are available at no cost from the NIMH Data Archive (nda.nih.gov/oai), to "
        "those whose data use certificate was approved; they may not be passed on, nor may the grades in the bundle.",
        ethics="Participants consented to the Osteoarthritis Initiative, which the ethics committees of its sites approved; "
        "this study used its de-identified data.",
        blinding="The grades are older than this network, so that its output was not known to those who made them.",
    ),
)
