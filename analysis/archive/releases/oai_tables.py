"""The tables of the Osteoarthritis Initiative: grades, people, replaced knees, and the list of its films."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.archive.releases.tables import SEXES, SIDES, Told, column, demand, find_tables, grades, once, read_release
from analysis.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

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


def person(number: str) -> str:
    """Return the number of a participant, whatever a table or a header made of it: 9000001, 09000001 or 9000001.0."""
    return re.sub(r"\.0+$", "", number.strip()).lstrip("0")


def read_scores(folder: Path, visits: list[str], told: Told) -> pd.DataFrame:
    """Read the grades of the knees: one row per person, side and visit.

    A knee that was read in both projects counts as project 15 read it, else as 37 did (42 is a miscoded 37): both are of
    the same films by the same readers and no independent readings.

    Returns
    -------
    pandas.DataFrame
        Columns `id`, `side`, `visit`, `barcode` (its last eight digits), and one per item, Int64.

    Raises
    ------
    StudyError
        If a visit has no readings, or a table of readings doesn't say who, which side or which project.
    """
    import pandas as pd

    parts, there, items = [], set[str](), [item for item, _, _ in ITEMS.values()]
    for path in find_tables(folder, r"kxr_sq_bu\d\d|oai_kxrsemiquant01|kxrsemiquant01"):
        frame = read_release(path)
        number = re.search(r"bu(\d\d)$", path.stem.lower())
        visit = column(frame, "visit").str.upper().where(lambda found: found != "", f"V{number[1]}" if number else "")
        there |= set(visit)
        for name in visits:
            rows = frame[visit == name]
            nn = name.lower()
            if rows.empty:
                continue
            demand(rows, path, ("id", "src_subject_id"), ("side",), ("readprj",))
            table = pd.DataFrame(
                {
                    "id": column(rows, "id", "src_subject_id").map(person),
                    "side": column(rows, "side").str.lower().map(SIDES),
                    "visit": name,
                    "project": column(rows, "readprj"),
                    "barcode": column(rows, f"{nn}barcdbu", "barcdbu", "barcode").map(eight),
                }
            )
            for key, (item, highest, how) in ITEMS.items():
                found = next((one for one in (f"{nn}{key}", key) if one in rows), None)
                if found:
                    table[item] = grades(rows[found], found.upper(), highest, told, **how)
                else:
                    told.notes[f"{path.name} has no column {nn.upper()}{key.upper()}"] += 1
            parts.append(table)
    missing = [name for name in visits if name not in there]
    if missing:
        those = f"; it has those of {', '.join(sorted(there - {''}))}" if there - {""} else ""
        raise StudyError(
            f"The folder {folder} has no readings of the visits {', '.join(missing)}{those}. Copy the tables of "
            "semi-quantitative readings into it, unpacked (kxr_sq_bu00.txt and their like, or oai_kxrsemiquant01.txt of the "
            "NDA), or leave such visits out of archive.oai.visits."
        )
    scores = pd.concat(parts, ignore_index=True).reindex(columns=["id", "side", "visit", "project", "barcode", *items])
    nowhere = scores["side"].isna() | (scores["id"] == "")
    told.notes["readings without person or side, left out"] += int(nowhere.sum())
    order = {"15": 0, "37": 1, "42": 2}
    scores = scores[~nowhere].assign(order=scores["project"].map(order))
    told.codes.update(("READPRJ", one or "(empty)") for one in scores.loc[scores["order"].isna(), "project"])
    knee = ["id", "side", "visit"]
    scores = scores.dropna(subset=["order"]).sort_values([*knee, "order"], kind="stable").drop(columns="project")
    second = scores["order"] > scores.groupby(knee)["order"].transform("min")
    told.notes["knees read in a second project as well, of which the first counts"] += len(
        scores[second].drop_duplicates(knee)
    )
    scores = scores[~second].drop(columns="order")
    scores["barcode"] = scores["barcode"].where(scores["barcode"] != "", None)
    return once(scores, knee, told).fillna({"barcode": ""})


def read_people(folder: Path) -> pd.DataFrame:
    """Read sex, and age at baseline: columns `id`, `sex`, `age`; empty or missing where no table says it."""
    import pandas as pd

    found: list[pd.DataFrame] = []
    for path in find_tables(folder, r"enrollees|allclinical00|subjectchar00|oai_enrollee01|enrollee01"):
        frame = read_release(path)
        ages = pd.to_numeric(column(frame, "v00age", "ageyears"), errors="coerce")
        found.append(
            pd.DataFrame(
                {
                    "id": column(frame, "id", "src_subject_id").map(person),
                    "sex": column(frame, "p02sex", "sex", "gender").str.lower().map(SEXES),
                    "age": ages.where(ages.between(0, 110)),
                }
            )
        )
    return pd.concat(found).groupby("id").first().reset_index() if found else pd.DataFrame(columns=["id", "sex", "age"])


def read_replacements(folder: Path, told: Told) -> pd.DataFrame:
    """Read when knees were replaced, the earliest time of each.

    Returns
    -------
    pandas.DataFrame
        A row for each knee that the table knows of: columns `id`, `side`, `days` after baseline (0: before; missing where it
        was not replaced), `partial`: whether only one compartment was.
    """
    import pandas as pd

    parts = [pd.DataFrame({"id": [], "side": [], "days": [], "partial": []}).astype({"id": "str", "side": "str"})]
    for path in find_tables(folder, r"outcomes99|oai_outcomes01|outcomes01"):
        frame = read_release(path)
        demand(frame, path, ("id", "src_subject_id"))
        for side, letter in (("right", "r"), ("left", "l")):
            lacks = [name for what in ("blrp", "rpcf", "days") if (name := f"v99e{letter}k{what}") not in frame]
            for name in lacks:
                told.notes[f"{path.name} has no column {name.upper()}"] += 1
            if lacks:
                continue
            before = column(frame, f"v99e{letter}kblrp") == "1"
            confirmed = column(frame, f"v99e{letter}krpcf") == "3"
            days = pd.to_numeric(column(frame, f"v99e{letter}kdays"), errors="coerce").where(confirmed).mask(before, 0)
            # ASSUME: a knee that was replaced before baseline is a total replacement: the type is that of later ones.
            kind = column(frame, f"v99e{letter}ktlpr").where(confirmed & ~before, "1")
            told.codes.update((f"V99E{letter.upper()}KTLPR", one or "(empty)") for one in kind[~kind.isin(["1", "2"])])
            parts.append(
                pd.DataFrame(
                    {
                        "id": column(frame, "id", "src_subject_id").map(person),
                        "side": side,
                        "days": days,
                        "partial": kind == "2",
                    }
                )
            )
    return pd.concat(parts).sort_values("days", kind="stable").drop_duplicates(["id", "side"])


def eight(number: str) -> str:
    """Return the last eight digits of a barcode, leading zeros given back; empty where it is none (T, blank)."""
    digits = re.sub(r"\.0+$", "", number.strip())
    return digits.zfill(12)[-8:] if digits.isdigit() else ""


def read_contents(folder: Path) -> dict[str, str]:
    """Read what films are of, by the last eight digits of their barcodes: contents.csv of the hard drive, or the NDA's table."""
    found: dict[str, str] = {}
    for path in find_tables(folder, r"contents.*|oai_xrmeta01|xrmeta01"):
        frame = read_release(path)
        barcode = column(frame, "barcode", "accessionnumber").map(eight)
        words = column(frame, "seriesdescription", "examtype")
        found |= {key: said for key, said in zip(barcode, words, strict=True) if key}
    return found
