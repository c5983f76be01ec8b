"""Whole releases of OAI and MOST that never were: tables after the public descriptions, simulated films for pixels.

`python -m tests.archive.sources.releases oai FOLDER 60` leaves one, to try the sources by hand; a last word says the form
of its tables, `ascii`, `sas` or `nda`. What test_oai_most.py plants are traps; here there are people enough for a study.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.uid import generate_uid

from analysis.archive.releases.tables import code
from analysis.simulate.anatomy import Knee, body, draw, grades
from analysis.simulate.bilateral import draw_stance, take_both
from analysis.simulate.hardware import hardware
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import skeleton
from tests.archive.files import radiograph, save

SIDES = ("right", "left")
#: Knees of the OAI's baseline by grade.
SHARES = (0.38, 0.18, 0.27, 0.14, 0.03)
SMALL = RadiographySettings(image_size=(128, 160))
#: Columns to items: those read in every knee, and those read where the person has definite disease in either.
ALWAYS = {"KL": "kl", "JSM": "jsn_medial", "JSL": "jsn_lateral"}
DISEASED = {
    "OSFM": "ost_medial_femur", "OSTM": "ost_medial_tibia", "OSFL": "ost_lateral_femur", "OSTL": "ost_lateral_tibia",
    "ATTM": "attrition_medial_tibia", "SCTM": "sclerosis_medial_tibia", "SCFL": "sclerosis_lateral_femur",
}  # fmt: skip
ITEMS = ALWAYS | DISEASED


@dataclass(frozen=True)
class Person:
    """One participant.

    Attributes
    ----------
    number : int
        From 0 on.
    female : bool
    age : int
    knees : dict of str to Knee
    replaced : str
        The side that was replaced before baseline; empty for most.
    """

    number: int
    female: bool
    age: int
    knees: dict[str, Knee]
    replaced: str


def people(count: int, seed: int) -> list[Person]:
    """Draw participants, whose knees have alike disease; each twentieth has one replaced."""
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        female, age, first = bool(rng.random() < 0.58), int(rng.integers(45, 80)), int(rng.choice(5, p=SHARES))
        replaced = "left" if number % 20 == 7 else ""
        knees = {}
        for side in SIDES:
            knee = body(rng, side, "F" if female else "M", age)
            knee = replace(knee, implants=("tka",)) if side == replaced else knee
            kl = 0 if side == replaced else int(np.clip(first + rng.integers(-1, 2), 0, 4))
            knees[side] = draw(rng, knee, kl, "medial" if rng.random() < 0.75 else "lateral", patella=False)
        found.append(Person(number, female, age, knees, replaced))
    return found


def film(person: Person, visit: int, path: Path, only: str = "", **tags: object) -> None:
    """Take a film of both knees, or of one, and leave it as a release does: no laterality, no orientation."""
    rng = np.random.default_rng([person.number, visit, 1])
    legs = {side: (knee, [*skeleton(knee), *hardware(knee)]) for side, knee in person.knees.items()}
    other = {"right": "left", "left": "right"}.get(only, "")
    taken = take_both(rng, legs, replace(draw_stance(rng), mirrored=False, missing=other), SMALL)
    stored = np.clip(taken.picture.pixels * 4095, 0, 4095).astype("<u2")
    if only:
        middle, reach = taken.joints[only][0], 75 / taken.picture.spacing
        stored = np.ascontiguousarray(stored[:, max(0, int(middle - reach)) : int(middle + reach)])
    inverted = rng.random() < 0.3
    spacing = [f"{taken.picture.spacing:.4f}"] * 2
    said = str(rng.choice(["ImagerPixelSpacing", "PixelSpacing", ""], p=[0.6, 0.3, 0.1]))
    stored = (4095 - stored if inverted else stored).astype("<u2")
    usual = {
        "PatientName": None, "PatientBirthDate": None, "PatientSex": None, "Modality": "CR", "PixelData": stored.tobytes(),
        "PhotometricInterpretation": "MONOCHROME1" if inverted else "MONOCHROME2", "SpecificCharacterSet": "ISO_IR 6",
    }  # fmt: skip
    unique = partial(generate_uid, entropy_srcs=[str(path)])
    usual |= {
        "SOPInstanceUID": unique("1.2.3."),
        "StudyInstanceUID": unique("1.2.4."),
        "SeriesInstanceUID": unique("1.2.5."),
    }
    save(radiograph(rng, stored.shape, **{**usual, **({said: spacing} if said else {}), **tags}), path)


def oai(folder: Path, count: int, form: str = "ascii", seed: int = 1) -> Path:
    """Leave the OAI: baseline of everybody, 36 months of each fourth, as its hard drive or the NDA has it."""
    flexion = "Bilateral PA Fixed Flexion Knee"
    contents: list[dict[str, str]] = []
    scores: dict[int, list[dict[str, str]]] = {0: [], 5: []}
    everybody = people(count, seed)

    def take(person: Person, visit: int, month: str, barcode: str, date: str, words: str, said: str, only: str) -> None:
        one, group = f"{1000001 + person.number}", "C.2" if person.number % 2 else "E.1"
        drive = folder / month / f"{visit}.{group}" / one / date / barcode[-8:]
        place = folder / "image03" / barcode if form == "nda" else drive
        about = f"OAI^XRAY^{words}^KNEE"
        film(person, int(barcode[4:6]), place / "001", only, PatientID=one, AccessionNumber=barcode, StudyDate=date,
             StudyDescription=about, SeriesDescription=said)  # fmt: skip
        contents.append({"Folder": f"{place}", "ParticipantID": one, "StudyDate": date, "Barcode": f"{int(barcode)}",
                         "StudyDescription": about, "SeriesDescription": f"{said} "})  # fmt: skip

    for person in everybody:
        for visit, month, words in ((0, "00m", "SCREENING"), (5, "36m", "36 MONTH")):
            if visit and person.number % 4:
                continue
            barcode, date = f"0166{visit:02d}{person.number:04d}01", f"{2005 + visit // 2}0{1 + person.number % 9}15"
            only = "right" if person.number % 15 == 4 else ""
            take(person, visit, month, barcode, date, words, "PA Fixed Flexion Right Knee" if only else flexion, only)
            told = {side: grades(knee) for side, knee in person.knees.items()}
            ill = any(found["kl"] >= 2 for found in told.values())
            for number, side in enumerate(SIDES, 1):
                if only and side != only:
                    continue
                read = {name for name in ITEMS if side != person.replaced and (name in ALWAYS or ill)}
                row = {
                    "ID": f"{1000001 + person.number}",
                    "SIDE": f"{number}: {side.title()}",
                    "READPRJ": "15",
                    f"V{visit:02d}BARCDBU": "T" if person.number == 3 else barcode,
                    **{
                        f"V{visit:02d}XR{name}": f"{told[side][item]}"
                        if name in read
                        else ".: Missing Form/Incomplete Workbook"
                        for name, item in ITEMS.items()
                    },
                }
                scores[visit].append(row)
                if person.number % 10 == 0:  # read again in the second project, here and there a grade apart
                    again = min(4, told[side]["kl"] + (person.number % 20 == 0))
                    scores[visit].append(row | {"READPRJ": "37", f"V{visit:02d}XRKL": f"{again}"})
        if person.number % 5 == 0:
            for n, words in enumerate(("PA Left Hand", "Lateral Right Knee"), 8):
                take(person, 0, "00m", f"01660{n}{person.number:04d}02", "20050115", "SCREENING", words, "right")
    tables = {f"kxr_sq_bu{visit:02d}": pd.DataFrame(rows) for visit, rows in scores.items()}
    numbers = [f"{1000001 + one.number}" for one in everybody]
    tables["Enrollees"] = pd.DataFrame(
        {"ID": numbers, "P02SEX": ["2: Female" if one.female else "1: Male" for one in everybody]}
    )
    tables["AllClinical00"] = pd.DataFrame({"ID": numbers, "V00AGE": [f"{one.age}" for one in everybody]})
    tables["OUTCOMES99"] = pd.DataFrame(
        {"id": numbers, "V99ERKBLRP": "0: No", "V99ELKBLRP": ["1: Yes" if one.replaced else "0: No" for one in everybody],
         **{f"V99E{letter}K{name}": "." for letter in "RL" for name in ("RPCF", "DAYS", "TLPR")}}
    )  # fmt: skip
    if form != "nda":
        pd.DataFrame(contents).to_csv(folder / "contents.csv", index=False)
    FORMS[form](folder, tables)
    return folder


def most(folder: Path, count: int, form: str = "ascii", seed: int = 2) -> Path:
    """Leave MOST as it is handed out: films of three beams at baseline, and one wide table."""
    names = [name for name in ITEMS if name not in ("ATTM", "SCTM", "SCFL")]
    rows, everybody = [], people(count, seed)
    numbers = [f"M{'BI'[one.number % 2]}{one.number:05d}" for one in everybody]
    for person, one in zip(everybody, numbers, strict=True):
        for n, beam in enumerate(("PA05", "PA10") if person.number % 5 == 0 else ("PA10",)):
            film(person, n, folder / one / "V0_XRAY" / beam / "image.dcm", PatientID=one, StudyDate="",
                 AccessionNumber=f"{7000000 + 10 * person.number + n}", StudyDescription="KNEE", SeriesDescription=beam)  # fmt: skip
        row = {"MOSTID": one}
        for side in SIDES:
            told = grades(person.knees[side])
            for name in names:
                half = ".5" if name == "JSM" and person.number % 6 == 1 else ""
                row[f"V0X{side[0].upper()}{name}"] = "8" if side == person.replaced else f"{told[ITEMS[name]]}{half}"
        rows.append(row)
    people_told = {"MOSTID": numbers, "AGE": [f"{max(one.age, 50)}" for one in everybody],
                   "SEX": ["2: Female" if one.female else "1: Male" for one in everybody]}  # fmt: skip
    outcomes = pd.DataFrame({"MOSTID": numbers})
    for side in SIDES:
        outcomes[f"V99E{side[0].upper()}KRINDEX"] = ["0" if side == one.replaced else "" for one in everybody]
    tables = {
        "mostv01235xray": pd.DataFrame(rows),
        "mostv01235enroll": pd.DataFrame(people_told),
        "mostoutcomes": outcomes,
    }
    FORMS[form](folder, tables)
    return folder


def ascii_form(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Bars between the cells, and words beside the codes."""
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.txt", sep="|", index=False, lineterminator="\r\n")


def nda_form(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Tabs, a second line that says what the columns are, one table for all visits, codes alone."""
    readings = []
    for name, table in tables.items():
        if name.startswith("kxr"):
            nn = f"V{name[-2:]}"
            found = table.set_axis([str(column).removeprefix(nn).lower() for column in table], axis=1)
            readings.append(found.rename(columns={"barcdbu": "barcode"}).assign(visit=nn))
    enrolled = tables["Enrollees"].merge(tables["AllClinical00"], on="ID").rename(
        columns={"P02SEX": "sex", "V00AGE": "ageyears"}
    )  # fmt: skip
    enrolled["sex"] = enrolled["sex"].map({"1: Male": "M", "2: Female": "F"})
    ready = {"kxrsemiquant": pd.concat(readings), "enrollee": enrolled, "outcomes": tables["OUTCOMES99"]}
    for name, table in ready.items():
        cells = table.rename(columns=str.lower).map(code).rename(columns={"id": "src_subject_id"})
        cells.insert(0, "subjectkey", "NDAR_" + cells["src_subject_id"])
        words = pd.DataFrame([dict.fromkeys(cells.columns, "What this is")])
        pd.concat([words, cells]).to_csv(folder / f"oai_{name}01.txt", sep="\t", index=False)


def haven() -> bool:
    """Whether R can write SAS' files."""
    return subprocess.run(["Rscript", "-e", "library(haven)"], capture_output=True, check=False).returncode == 0


def sas_form(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """SAS' own files, by R's haven (Debian's r-cran-haven): codes as numbers, and what is missing empty."""
    for name, table in tables.items():
        # The length of all names is written too short: the last one would be cut.
        table.map(code).replace(r"^\..*", "", regex=True).assign(LAST_OF_ALL="end").to_csv(
            folder / f"{name}.csv", index=False
        )
    program = (
        "for (path in commandArgs(TRUE)) haven::write_sas("
        'read.csv(paste0(path, ".csv"), na.strings = "", check.names = FALSE), paste0(path, ".sas7bdat"))'
    )
    subprocess.run(["Rscript", "-e", program, *(str(folder / name) for name in tables)], check=True)
    for name in tables:
        (folder / f"{name}.csv").unlink()


FORMS = {"ascii": ascii_form, "nda": nda_form, "sas": sas_form}

if __name__ == "__main__":
    {"oai": oai, "most": most}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), (*sys.argv[4:], "ascii")[0])
