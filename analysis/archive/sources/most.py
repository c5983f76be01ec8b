"""The Multicenter Osteoarthritis Study (MOST) as it is handed out, in the form of an archive.

Written from public descriptions of the release; nobody has tried it on the release itself. What it meets with is told at
the import and in `import.csv`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from analysis.archive.facts import CohortSettings
from analysis.archive.releases.visits import known_visits, when
from analysis.archive.sources import Source
from analysis.errors import StudyError
from analysis.plurals import plural
from analysis.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from analysis.archive.releases.films import Film
    from analysis.archive.releases.tables import Told

#: Months after baseline of each visit with films.
MONTHS = {"V0": 0, "V1": 15, "V2": 30, "V3": 60, "V5": 84}
#: Feature of a column, after visit and side, to item, its highest grade, and how its cells are read.
ITEMS: dict[str, tuple[str, int, dict[str, bool]]] = {
    "kl": ("kl", 4, {}),
    "jsm": ("jsn_medial", 3, {"floor": True}),
    "jsl": ("jsn_lateral", 3, {"floor": True}),
    "osfm": ("ost_medial_femur", 3, {}),
    "ostm": ("ost_medial_tibia", 3, {}),
    "osfl": ("ost_lateral_femur", 3, {}),
    "ostl": ("ost_lateral_tibia", 3, {}),
}
_PERSON = re.compile(r"M[BI]\d{5}", re.IGNORECASE)
_VISIT = re.compile(r"(?<![a-z])V0?(\d)(?!\d)", re.IGNORECASE)


class MOSTSettings(Settings):
    """The release of MOST: films in `<MOSTID>/V<n>…/PA10/`, and tables, in one folder, in any depth."""

    folder: str | None = Field(None, description="Folder of the release.")
    visits: list[str] = Field(["V0"], min_length=1, description="Visits that come into the study; V0 is baseline.")
    view: str = Field(
        "PA10", pattern="^PA(05|10|15)$", description="Beam of the fixed-flexion film: PA05, PA10 or PA15."
    )

    @field_validator("visits")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return known_visits(value, MONTHS)


def told_of(settings: MOSTSettings) -> dict[str, str]:
    """Return the facts that depend on which visits and films are in the study."""
    return {
        "description": "The radiographs and the grades are those of the Multicenter Osteoarthritis Study: fixed-flexion "
        "weight-bearing radiographs of both knees of people who were 50 to 79 years old at enrolment, with or at high risk of "
        f"osteoarthritis of the knee, taken {when(settings.visits, MONTHS)} with the beam at {int(settings.view[2:])} degrees."
    }


def place_of(film: Film) -> tuple[str, str]:
    """Return person and visit of a film, by its folders; empty where they don't say it."""
    person = next((part.upper() for part in film.path.parts if _PERSON.fullmatch(part)), "")
    after = film.path.parts[[part.upper() for part in film.path.parts].index(person) + 1 :] if person else ()
    visit = next((found for part in after if (found := _VISIT.search(part))), None)
    return person, f"V{visit[1]}" if visit else ""


def read_scores(folder: Path, visits: list[str], told: Told) -> pd.DataFrame:
    """Read the grades: one row per person, side and visit, of a table with one row a person.

    Returns
    -------
    pandas.DataFrame
        Columns `id`, `side`, `visit`, one per item, Int64, and `eight`: whether the Kellgren-Lawrence grade is the code 8,
        of a knee that was replaced or of a film that couldn't be read. Knees without either are left out.

    Raises
    ------
    StudyError
        If a visit has no readings.
    """
    import pandas as pd

    from analysis.archive.releases.tables import column, demand, find_tables, grades, once, read_release

    parts, there = [], set[str]()
    for path in find_tables(folder, r"mostv\d+xray"):
        frame = read_release(path)
        demand(frame, path, ("mostid",))
        there |= {found[1].upper() for name in frame if (found := re.fullmatch(r"(v\d)x[rl](kl|jsm|jsl)", str(name)))}
        for visit in visits:
            for side, letter in (("right", "r"), ("left", "l")):
                names = {key: f"{visit.lower()}x{letter}{key}" for key in ITEMS}
                if not any(name in frame for name in names.values()):
                    continue
                table = pd.DataFrame({"id": column(frame, "mostid").str.upper(), "side": side, "visit": visit})
                table["eight"] = column(frame, names["kl"]) == "8"
                for key, (item, highest, how) in ITEMS.items():
                    if names[key] in frame:
                        table[item] = grades(frame[names[key]], names[key].upper(), highest, told, **how)
                parts.append(table)
    missing = [visit for visit in visits if not any((part["visit"] == visit).any() for part in parts)]
    if missing:
        those = f"; it has those of {', '.join(sorted(there))}" if there else ""
        raise StudyError(
            f"The folder {folder} has no readings of the visits {', '.join(missing)}{those}. Copy the table mostv01235xray, as "
            "SAS or as text, into it, or leave such visits out of archive.most.visits."
        )
    items = [item for item, _, _ in ITEMS.values()]
    scores = pd.concat(parts, ignore_index=True).reindex(columns=["id", "side", "visit", "eight", *items])
    scores = scores[scores["eight"] | scores[items].notna().any(axis=1)]
    return once(scores, ["id", "side", "visit"], told)


def read_replacements(folder: Path, told: Told) -> pd.DataFrame:
    """Read by which visit knees were replaced.

    Returns
    -------
    pandas.DataFrame
        A row for each knee that the table knows of: columns `id`, `side`, `by` (0 is baseline; missing where it wasn't).
    """
    import pandas as pd

    from analysis.archive.releases.tables import column, demand, find_tables, read_release

    parts = [pd.DataFrame({"id": [], "side": [], "by": []}).astype({"id": "str", "side": "str"})]
    for path in find_tables(folder, r"mostoutcomes.*"):
        frame = read_release(path)
        demand(frame, path, ("mostid",))
        for side, letter in (("right", "r"), ("left", "l")):
            name = f"v99e{letter}krindex"
            if name not in frame:
                told.notes[f"{path.name} has no column {name.upper()}"] += 1
                continue
            index = column(frame, name)
            known = index.str.fullmatch(r"\d+")
            told.codes.update((name.upper(), one) for one in index[~known] if one)
            parts.append(
                pd.DataFrame(
                    {
                        "id": column(frame, "mostid").str.upper(),
                        "side": side,
                        "by": pd.to_numeric(index.where(known, None)),
                    }
                )
            )
    return pd.concat(parts).sort_values("by", kind="stable").drop_duplicates(["id", "side"])


def with_replaced(scores: pd.DataFrame, replaced: pd.DataFrame, told: Told) -> pd.DataFrame:
    """Add the finding `tka`, and leave out knees of which neither a grade nor a finding is known.

    The reading's code 8 alone doesn't say that a knee was replaced, nor do the outcomes say what a film shows: a knee is
    one only where both do. What a knee with grades is that the outcomes call replaced, nobody can say from the tables. Of
    other implants the release says nothing.
    """
    items = [item for item, _, _ in ITEMS.values()]
    graded = scores[items].notna().any(axis=1)
    # ASSUME: replacements are total; an index of 0 is one before baseline, and no index is none.
    found = scores[["id", "side"]].merge(replaced, how="left", indicator="known").set_index(scores.index)
    known, by, visit = found["known"] == "both", found["by"], scores["visit"].str[1:].astype(int)
    gone, later = by.le(visit) & ~graded, by.between(1, visit) & graded
    told.notes["knees of which no table of outcomes says whether they were replaced"] += int((~known).sum())
    told.notes["knees with grades that the outcomes call replaced, of which no replacement is recorded"] += int(
        later.sum()
    )
    scores = scores.assign(tka=gone.astype("Int64").where(known & (gone | graded & ~later)))
    graded |= scores["tka"].notna()
    told.notes["knees of code 8 that no outcome says to be replaced, left out"] += int((~graded).sum())
    return scores[graded].drop(columns="eight")


def read_people(folder: Path) -> pd.DataFrame:
    """Read age at baseline and sex: columns `id`, `age`, `sex`."""
    import pandas as pd

    from analysis.archive.releases.tables import SEXES, column, find_tables, read_release

    parts = []
    for path in find_tables(folder, r"mostv\d+enroll"):
        frame = read_release(path)
        age = pd.to_numeric(column(frame, "age", "v0age"), errors="coerce")
        sex = column(frame, "sex").str.lower().map(SEXES)
        parts.append(
            pd.DataFrame({"id": column(frame, "mostid").str.upper(), "age": age.where(age.between(0, 110)), "sex": sex})
        )
    return pd.concat(parts).groupby("id").first().reset_index() if parts else pd.DataFrame(columns=["id", "age", "sex"])


def make(settings: MOSTSettings, seed: int, out: Path, workers: int) -> str:
    """Bring the release into the form of an archive; nothing is drawn at random, and films are linked, not copied.

    Raises
    ------
    StudyError
        If there is no film of a knee with grades by the beam that is asked for.
    """
    import pandas as pd

    from analysis.archive.releases.films import find_films, folder_of, leave, met_with, survey
    from analysis.archive.releases.tables import Told, to_readings, write_archive

    folder, told = folder_of(settings.folder, "archive.most.folder"), Told()
    beam = re.compile(rf"(?<![a-z])PA[ _-]?0?{int(settings.view[2:])}(?!\d)", re.IGNORECASE)

    def wanted(film: Film) -> bool:
        said = [part for part in (*film.path.parts, film["SeriesDescription"]) if beam.search(part)]
        return bool(said) and place_of(film)[1] in settings.visits

    scores = read_scores(folder, settings.visits, told)
    films = find_films(folder, wanted, told)
    where: dict[tuple[str, str], list[Film]] = {}
    for film in films:
        where.setdefault(place_of(film), []).append(film)
    alone = {place: some[0] for place, some in where.items() if len(some) == 1}
    keys = list(zip(scores["id"], scores["visit"], strict=True))
    names = [alone[key].name if key in alone else None for key in keys]
    scores["exam"] = pd.Series(names, scores.index, dtype=object)
    scores["key"] = pd.Series(keys, scores.index, dtype=object)
    told.notes["knees with grades and without a film"] += int(scores["exam"].isna().sum())
    scores = with_replaced(scores.dropna(subset=["exam"]), read_replacements(folder, told), told)
    if scores.empty:
        raise StudyError(
            f"The folder {folder} has no {settings.view} film of a knee with grades; what is looked for is "
            f"<MOSTID>/V<n>…/{settings.view}/…, and {met_with(told)}."
        )
    used = dict.fromkeys(scores["key"])
    # Those that no reading was made of, or nobody knows of which, are in the archive and its flow as well.
    told.notes["films of a visit that has several: nobody knows which was read"] += sum(
        len(some) for some in where.values() if len(some) > 1
    )
    told.notes["films of these visits that no reading names: not read"] += len(set(alone) - set(used))
    survey(films, told)
    exams = pd.DataFrame(
        [(film.name, *place) for place, some in where.items() for film in some], columns=["exam", "id", "visit"]
    )
    people = exams.drop_duplicates("exam").merge(read_people(folder), on="id", how="left")
    people["age"] = people["age"] + people["visit"].map(MONTHS) // 12
    leave(films, out)
    items = [item for item in (*(item for item, _, _ in ITEMS.values()), "tka") if item in scores]
    write_archive(out, to_readings(scores, items, "MOST consensus"), people, told)
    return f"{plural(len(used), 'film')}, {plural(len(scores), 'knee')} of {scores['id'].nunique()} people.{told}"


SOURCE = Source(
    title="the Multicenter Osteoarthritis Study, as it is handed out",
    personal_data=True,  # people's radiographs under the study's numbers; the terms of use forbid to make them known
    settings=MOSTSettings,
    told=told_of,
    make=make,
    exams=True,
    cohort=CohortSettings(
        title="knee radiographs of the Multicenter Osteoarthritis Study",
        kind="public",
        description="The radiographs and the grades are those of the Multicenter Osteoarthritis Study.",
        single_knees=True,
        implants=True,
        published_grades=True,
        readers="the readers of the Multicenter Osteoarthritis Study, by consensus",
        grading="The grades came with the radiographs, as they were agreed on for each knee, so that no reading of a single "
        "reader is part of the data.",
        remarks={
            "jsn_medial": "Half a grade of joint space narrowing was dropped.",
            "tka": "Knee replacements were taken from the outcomes that the study recorded, where the reading has the code of a "
            "replaced knee as well. Replaced knees have no grade.",
        },
        data_set="the Multicenter Osteoarthritis Study",
        citation="segal2013",
        availability="The radiographs and tables are available from the NIA Aging Research Biobank "
        "(agingresearchbiobank.nia.nih.gov), to those whose application was approved; they may not be passed on, nor may "
        "the grades in the bundle.",
        ethics="Participants consented to the Multicenter Osteoarthritis Study, which the ethics committees of its sites "
        "approved; this study used its de-identified data.",
        blinding="The grades are older than this network, so that its output was not known to those who made them.",
    ),
)
