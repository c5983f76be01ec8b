"""The tables of the Osteoarthritis Initiative: grades, people, replaced knees, and the list of its films."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.archive.releases.tables import Told, column, find_tables, grades, read_release
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
_SIDES = {"1": "right", "2": "left"}


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

    sexes = {"1": "male", "2": "female", "M": "male", "F": "female"}
    found: list[pd.DataFrame] = []
    for path in find_tables(folder, r"enrollees|allclinical00|subjectchar00|oai_enrollee01|enrollee01"):
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


def read_replacements(folder: Path, told: Told) -> pd.DataFrame | None:
    """Read when knees were replaced, the earliest time of each: None without the table.

    Returns
    -------
    pandas.DataFrame or None
        Columns `id`, `side`, `days` after baseline (0: before), `partial`: whether only one compartment was.
    """
    import pandas as pd

    parts = []
    tables = find_tables(folder, r"outcomes99|oai_outcomes01|outcomes01")
    for path in tables:
        frame = read_release(path)
        for side, letter in (("right", "r"), ("left", "l")):
            before = column(frame, f"v99e{letter}kblrp") == "1"
            confirmed = column(frame, f"v99e{letter}krpcf") == "3"
            days = pd.to_numeric(column(frame, f"v99e{letter}kdays"), errors="coerce").where(confirmed).mask(before, 0)
            # ASSUME: a knee that was replaced before baseline is a total replacement: the type is that of later ones.
            kind = column(frame, f"v99e{letter}ktlpr").where(confirmed & ~before, "1")
            told.codes.update((f"V99E{letter.upper()}KTLPR", one or "(empty)") for one in kind[~kind.isin(["1", "2"])])
            parts.append(
                pd.DataFrame(
                    {"id": column(frame, "id", "src_subject_id"), "side": side, "days": days, "partial": kind == "2"}
                )
            )
    if not tables:
        return None
    return pd.concat(parts).dropna(subset=["days"]).sort_values("days", kind="stable").drop_duplicates(["id", "side"])


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
