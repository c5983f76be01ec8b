"""Whole releases of OAI and MOST that never were: tables after the public descriptions, simulated films for pixels.

`python -m tests.archive.sources.releases oai FOLDER 60` leaves one, to try the sources by hand. What test_oai_most.py
plants are traps; here there are people enough for a study.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid

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


def oai(folder: Path, count: int, seed: int = 1) -> Path:
    """Leave a hard drive of the OAI: baseline of everybody, 36 months of each fourth, tables in their ASCII form."""
    flexion = "Bilateral PA Fixed Flexion Knee"
    contents = ["Folder|ParticipantID|StudyDate|Barcode|StudyDescription|SeriesDescription"]
    scores: dict[int, list[str]] = {0: [], 5: []}
    names = [*ALWAYS, *DISEASED]
    for person in people(count, seed):
        one, group = f"{1000001 + person.number}", "C.2" if person.number % 2 else "E.1"
        for visit, month, words in ((0, "00m", "SCREENING"), (5, "36m", "36 MONTH")):
            if visit and person.number % 4:
                continue
            barcode, date = f"0166{visit:02d}{person.number:04d}01", f"{2005 + visit // 2}0{1 + person.number % 9}15"
            only = "right" if person.number % 15 == 4 else ""
            said = "PA Fixed Flexion Right Knee" if only else flexion
            place = folder / month / f"{visit}.{group}" / one / date / barcode[-8:]
            about = f"OAI^XRAY^{words}^KNEE"
            film(person, visit, place / "001", only, PatientID=one, AccessionNumber=barcode, StudyDate=date,
                 StudyDescription=about, SeriesDescription=said)  # fmt: skip
            contents.append(f"{place}|{one}|{date}|{int(barcode)}|{about}|{said} ")
            told = {side: grades(knee) for side, knee in person.knees.items()}
            ill = any(found["kl"] >= 2 for found in told.values())
            for number, side in enumerate(SIDES, 1):
                if only and side != only:
                    continue
                row = [one, f"{number}: {side.title()}", "15", "T" if person.number == 3 else barcode]
                for name in names:
                    read = side != person.replaced and (name in ALWAYS or ill)
                    row.append(f"{told[side][ITEMS[name]]}" if read else ".: Missing Form/Incomplete Workbook")
                scores[visit].append("|".join(row))
                if person.number % 10 == 0:  # read again in the second project, here and there a grade apart
                    row[2], row[4] = "37", str(min(4, told[side]["kl"] + (person.number % 20 == 0)))
                    scores[visit].append("|".join(row))
        if person.number % 5 == 0:
            for n, words in enumerate(("PA Left Hand", "Lateral Right Knee"), 8):
                film(person, n, folder / "00m" / f"0.{group}" / one / "20050115" / f"0{n}{person.number:04d}02" / "001",
                     "right", PatientID=one, AccessionNumber=f"01660{n}{person.number:04d}02", StudyDate="20050115",
                     StudyDescription="OAI^XRAY^SCREENING", SeriesDescription=words)  # fmt: skip
    (folder / "contents.csv").write_text("\n".join(contents).replace("|", ",") + "\n")
    for visit, rows in scores.items():
        nn = f"V{visit:02d}"
        head = "|".join(["ID", "SIDE", "READPRJ", f"{nn}BARCDBU", *(f"{nn}XR{name}" for name in names)])
        (folder / f"kxr_sq_bu{visit:02d}.txt").write_text("\r\n".join([head, *rows]) + "\r\n", newline="")
    everybody = people(count, seed)
    sexes = [f"{1000001 + one.number}|{'2: Female' if one.female else '1: Male'}" for one in everybody]
    ages = [f"{1000001 + one.number}|{one.age}" for one in everybody]
    before = [f"{1000001 + one.number}|0: No|{'1: Yes' if one.replaced else '0: No'}|.|.|.|." for one in everybody]
    _table(folder / "Enrollees.txt", "ID|P02SEX", sexes)
    _table(folder / "AllClinical00.txt", "ID|V00AGE", ages)
    _table(folder / "OUTCOMES99.txt", "id|V99ERKBLRP|V99ELKBLRP|V99ERKRPCF|V99ELKRPCF|V99ERKDAYS|V99ELKDAYS", before)
    return folder


def most(folder: Path, count: int, seed: int = 2) -> Path:
    """Leave MOST as it is handed out: films of three beams at baseline, and one wide table."""
    names = [name for name in ITEMS if name not in ("ATTM", "SCTM", "SCFL")]
    head, rows = ["MOSTID"], []
    head += [f"V0X{letter}{name}" for letter in "RL" for name in names]
    for person in people(count, seed):
        one = f"M{'BI'[person.number % 2]}{person.number:05d}"
        for n, beam in enumerate(("PA05", "PA10") if person.number % 5 == 0 else ("PA10",)):
            film(person, n, folder / one / "V0_XRAY" / beam / "image.dcm", PatientID=one, StudyDate="",
                 AccessionNumber=f"{7000000 + 10 * person.number + n}", StudyDescription="KNEE", SeriesDescription=beam)  # fmt: skip
        row = [one]
        for side in SIDES:
            told = grades(person.knees[side])
            for name in names:
                half = "0.5" if name == "JSM" and person.number % 6 == 1 else ""
                row.append("8" if side == person.replaced else f"{told[ITEMS[name]]}{half[1:]}")
        rows.append("|".join(row))
    _table(folder / "mostv01235xray.txt", "|".join(head), rows)
    everybody = [
        f"M{'BI'[p.number % 2]}{p.number:05d}|{p.age}|{'2: Female' if p.female else '1: Male'}"
        for p in people(count, seed)
    ]
    _table(folder / "mostv01235enroll.txt", "MOSTID|AGE|SEX", everybody)
    return folder


def _table(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows]) + "\n")


if __name__ == "__main__":
    print({"oai": oai, "most": most}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
