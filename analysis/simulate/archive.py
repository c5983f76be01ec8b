"""The archive as a hospital hands it over: DICOM tree, reports, readings."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.simulate.anatomy import Knee, body, draw, grades, latent
from analysis.simulate.population import PlannedExam, plan
from analysis.simulate.readers import Row, readings, shifts
from analysis.simulate.reports import report
from analysis.simulate.settings import SimulateSettings
from analysis.workers.context import clean_context

if TYPE_CHECKING:
    import pandas as pd


#: What draws and writes an exam, imported once for all workers, and not by each, with what it imports in passing.
_DRAWN_BY = (
    *("analysis.simulate.bilateral", "analysis.simulate.dicom", "analysis.simulate.hardware"),
    *("mcubes", "scipy.interpolate"),
)


@dataclass(frozen=True)
class Written:
    """What an exam leaves in the tables."""

    accession: str
    text: str
    rows: list[Row]
    files: int


def anatomy(exam: PlannedExam, seed: int) -> Knee:
    """Draw the knee of an exam; the same for the exam and its repeats.

    The body is the patient's, whatever the exam.
    """
    knee = body(np.random.default_rng([seed, 2, exam.patient.index]), exam.side, exam.patient.sex, exam.age)
    rng = np.random.default_rng([seed, 3, exam.source])
    knee = replace(
        knee,
        implants=exam.implants,
        cast=exam.cast,
        fractures=exam.fractures,
        variant=int(rng.integers(1000)),
        osteonecrosis=float(rng.uniform(8, 16)) if exam.osteonecrosis else 0.0,
    )
    return draw(rng, knee, exam.kl, exam.location, exam.patella)


def truth(settings: SimulateSettings, seed: int) -> pd.DataFrame:
    """Return what no stage may know: every exam's true grades and latent values, without a picture.

    Returns
    -------
    pandas.DataFrame
        One row per exam: accession, side, patient, session, kind, protocol, age, the true grade of every
        item and finding, and the latent values as `latent_<item>`. Nothing is written.
    """
    import pandas as pd

    rows = []
    for exam in plan(settings, seed):
        knee = anatomy(exam, seed)
        rows.append(
            {
                "accession": exam.accession,
                "side": exam.side,
                "patient": exam.patient.number,
                "session": exam.session,
                "kind": exam.kind,
                "protocol": exam.protocol,
                "age": exam.age,
                **grades(knee),
                **{f"latent_{name}": value for name, value in latent(knee).items()},
            }
        )
    return pd.DataFrame(rows)


def simulate(settings: SimulateSettings, seed: int, workers: int, out: Path) -> int:
    """Make the archive.

    Parameters
    ----------
    settings : SimulateSettings
    seed : int
    workers : int
        Processes; the archive is the same for any number.
    out : Path
        Folder of the archive. It is made beside and put in place when complete.

    Returns
    -------
    int
        Number of files below `dicom/`.
    """
    from analysis.schemas import READINGS

    part = out.with_name(f".{out.name}-unfinished")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    exams = plan(settings, seed)
    leniency = shifts(np.random.default_rng([seed, 5]), settings.readers)
    visits = by_visit(exams)
    work = partial(_write_visit, settings=settings, seed=seed, folder=part / "dicom", leniency=leniency)
    if workers == 1:
        written = [work(visit) for visit in _progress(visits)]
    else:
        with ProcessPoolExecutor(workers, clean_context(__name__, *_DRAWN_BY)) as pool:
            written = list(_progress(pool.map(work, visits, chunksize=4), len(visits)))
    written.sort(key=lambda w: w.accession)
    (part / "dicom" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(508))
    (part / "dicom" / "LASMIG.TXT").write_text("Export ur bildarkivet.\n", encoding="utf-8")
    _csv(part / "reports.csv", ("accession", "text"), ((w.accession, w.text) for w in written))
    _csv(part / "readings.csv", (*READINGS.columns, "side"), (row for w in written for row in w.rows))
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return sum(w.files for w in written) + 2


def _progress(items: Iterable[Any], total: int | None = None) -> Iterable[Any]:
    import sys

    from tqdm import tqdm

    return tqdm(items, total=total, unit="exam", disable=not sys.stderr.isatty())


def _csv(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def by_visit(exams: list[PlannedExam]) -> list[tuple[PlannedExam, ...]]:
    """Put the two knees of one film together; all other exams are visits of their own."""
    return [(exam,) if exam.partner < 0 else (exam, exams[exam.partner]) for exam in exams if exam.partner < exam.index]


def _write_visit(
    visit: tuple[PlannedExam, ...], settings: SimulateSettings, seed: int, folder: Path, leniency: dict[str, float]
) -> Written:
    if len(visit) == 1:
        return _write_exam(visit[0], settings, seed, folder, leniency)
    return _write_both(visit[0], visit[1], settings, seed, folder, leniency)


def _write_both(
    one: PlannedExam,
    other: PlannedExam,
    settings: SimulateSettings,
    seed: int,
    folder: Path,
    leniency: dict[str, float],
) -> Written:
    """Write one film of both knees, the single films of each, one report, and each knee's readings."""
    from analysis.simulate import dicom, film
    from analysis.simulate.bilateral import draw_stance, take_both
    from analysis.simulate.hardware import hardware
    from analysis.simulate.shape import skeleton

    rng = np.random.default_rng([seed, 4, one.index])
    exams = (one, other)
    knees = [anatomy(exam, seed) for exam in exams]
    legs = {knee.side: (knee, [*skeleton(knee), *hardware(knee)]) for knee in knees}
    rows: list[Row] = []
    told = []
    for exam, knee in zip(exams, knees, strict=True):
        rows += readings(rng, exam, latent(knee), settings.readers, leniency)
        told.append(report(rng, exam, knee, settings.readers))
    both = replace(one, side="both")
    shared = dicom.header(rng, both, dicom.uid(rng), settings.files)
    place = folder / f"{one.day.year}" / f"{one.day:%m}" / one.accession
    place.mkdir(parents=True)
    names = iter(rng.permutation(90000))
    suffix = ".dcm" if rng.random() < 0.8 else ""
    stance = draw_stance(rng)
    taken = take_both(rng, legs, stance, settings.radiography)
    files = [dicom.image(rng, shared, both, "ap", 1, taken.picture, settings.files, stance.mirrored)]
    for exam, knee in zip(exams, knees, strict=True):
        for view in exam.views[1:]:
            picture = film.take(rng, knee, legs[exam.side][1], view, exam, settings.radiography)
            files.append(dicom.image(rng, shared, exam, view, len(files) + 1, picture, settings.files))
    for data in files:
        (place / f"IM{next(names):06d}{suffix}").write_bytes(data)
    return Written(one.accession, " ".join(told), rows, len(files))


def _write_exam(
    exam: PlannedExam, settings: SimulateSettings, seed: int, folder: Path, leniency: dict[str, float]
) -> Written:
    from analysis.simulate import dicom, film
    from analysis.simulate.hardware import hardware
    from analysis.simulate.shape import skeleton

    rng = np.random.default_rng([seed, 4, exam.index])
    knee = anatomy(exam, seed)
    rows = readings(rng, exam, latent(knee), settings.readers, leniency) if exam.kind != "no_image" else []
    text = report(rng, exam, knee, settings.readers)
    shared = dicom.header(rng, exam, dicom.uid(rng), settings.files)
    place = folder / f"{exam.day.year}" / f"{exam.day:%m}" / exam.accession
    place.mkdir(parents=True)
    names = rng.permutation(90000)[: len(exam.views) + 2]
    suffix = ".dcm" if rng.random() < 0.8 else ""
    files, parts = 0, [*skeleton(knee), *hardware(knee)]
    for number, view in enumerate(exam.views, 1):
        picture = film.take(rng, knee, parts, view, exam, settings.radiography)
        data = dicom.image(rng, shared, exam, view, number, picture, settings.files)
        if exam.kind == "no_image":
            data = data[: int(len(data) * rng.uniform(0.3, 0.7))]
        (place / f"IM{names[number]:06d}{suffix}").write_bytes(data)
        files += 1
    if rng.random() < settings.files.strays:
        (place / f"DOC{names[-1]:05d}{suffix}").write_bytes(dicom.document(rng, shared))
        files += 1
    if rng.random() < settings.files.strays:  # exported twice
        (place / f"IM{names[-1]:06d}_1{suffix}").write_bytes(data)
        files += 1
    return Written(exam.accession, text, rows, files)
