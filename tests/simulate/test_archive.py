"""The archive as it is handed over: as varied as a hospital's, the same from the same seed, and silent about the truth."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pydicom
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.matching import reports_of_exams
from analysis.archive.people.names import side_of
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.archive.tables import read_reports
from analysis.cohort.rules import apply_rules, list_exams
from analysis.cohort.settings import SelectionSettings
from analysis.files import read_table
from analysis.schemas import READINGS
from analysis.simulate.archive import _write_visit, by_visit
from analysis.simulate.population import plan
from analysis.simulate.readers import shifts
from tests.simulate.conftest import SEED, SETTINGS


@cache
def headers(folder):
    """Every file that is DICOM, without its pixels."""
    found = []
    for path in sorted((folder / "dicom").rglob("*")):
        if path.is_file() and path.name not in ("Thumbs.db", "LASMIG.TXT"):
            found.append((path, pydicom.dcmread(path, force=True, stop_before_pixels=True)))
    return found


def test_files_vary_as_in_a_real_archive(archive):
    images = [ds for _, ds in headers(archive) if "Rows" in ds]
    n = len(images)

    def share(condition):
        return sum(map(condition, images)) / n

    assert 0.15 < share(lambda ds: ds.PhotometricInterpretation == "MONOCHROME1") < 0.35
    assert {8, 10, 12, 14, 16} == {ds.BitsStored for ds in images}
    assert {"CR", "DX"} == {ds.Modality for ds in images}
    syntaxes = Counter(ds.file_meta.get("TransferSyntaxUID") for ds in images)
    assert len(syntaxes) >= 6 and syntaxes[None] >= 1  # implicit, explicit, RLE, JPEG-LS, JPEG 2000, none at all
    assert 0.1 < share(lambda ds: getattr(ds.file_meta.get("TransferSyntaxUID"), "is_compressed", False)) < 0.2
    assert 0.1 < share(lambda ds: "WindowWidth" not in ds and "VOILUTSequence" not in ds) < 0.3
    assert share(lambda ds: "VOILUTSequence" in ds) > 0.01
    windows = [ds.WindowWidth for ds in images if "WindowWidth" in ds]
    assert any(isinstance(one, pydicom.multival.MultiValue) for one in windows)
    assert any(one == 0 for one in windows)
    for keyword in ("PatientAge", "ViewPosition", "ImageLaterality", "PatientOrientation"):
        assert 0.03 < share(lambda ds, keyword=keyword: keyword in ds) < 0.97, keyword
    assert 0.03 < share(lambda ds: "PixelSpacing" not in ds and "ImagerPixelSpacing" not in ds) < 0.4
    assert len({(ds.Rows, ds.Columns) for ds in images}) > 200
    assert any(str(path).endswith(".dcm") for path, _ in headers(archive))
    assert any(path.suffix == "" for path, _ in headers(archive))
    assert any(ds.get("Modality") == "DOC" for _, ds in headers(archive))


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(archive, tmp_path):
    """Two processes made the archive, in turns; here one makes some of its exams, in another order."""
    planned = plan(SETTINGS, SEED)
    lenient = shifts(np.random.default_rng([SEED, 5]), SETTINGS.readers)
    reports = read_table(archive / "reports.csv").set_index("accession")["text"]
    readings = read_table(archive / "readings.csv").groupby("exam")
    visits = by_visit(planned)
    pairs = [visit for visit in visits if len(visit) == 2]
    for visit in (*visits[::-23], *pairs[:1]):
        written = _write_visit(visit, SETTINGS, SEED, tmp_path / "dicom", lenient)
        assert written.text == reports[visit[0].accession]
        if visit[0].kind != "no_image":
            theirs = readings.get_group(visit[0].accession)[[*READINGS.columns, "side"]].fillna({"side": ""})
            assert [list(map(str, row)) for row in written.rows] == theirs.astype("str").to_numpy().tolist()
    assert len(pairs) >= 4 and all(one.patient == other.patient and one.side != other.side for one, other in pairs)
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) >= 15
    for path in made:
        assert (tmp_path / path).read_bytes() == (archive / path).read_bytes(), path
    assert plan(SETTINGS, SEED) == planned != plan(SETTINGS, SEED + 1)
    _write_visit(visits[0], SETTINGS, SEED + 1, tmp_path / "other", lenient)
    assert not {path.read_bytes() for path in (tmp_path / "other").rglob("*") if path.is_file()} & {
        (tmp_path / path).read_bytes() for path in made
    }


def test_nothing_in_the_archive_says_that_it_is_simulated(archive):
    told = re.compile(rb"simul|synthe|phantom|fake|kellgren|\bkl[ _-]?[0-4]|grade", re.IGNORECASE)
    for path in archive.rglob("*"):
        assert not told.search(str(path.relative_to(archive)).encode())
    for path, ds in headers(archive):
        # The words of the standard itself (an element's name) aren't in the file.
        text = "\n".join(f"{element.value}" for element in ds.iterall())
        assert not told.search(text.encode()), path
    for name in ("Thumbs.db", "LASMIG.TXT"):
        assert not told.search((archive / "dicom" / name).read_bytes())
    for path in [path for path, ds in headers(archive) if ds.get("Modality") == "DOC"]:
        assert not told.search(path.read_bytes())
    assert not told.search((archive / "reports.csv").read_bytes())


@pytest.fixture(scope="module")
def index(archive):
    # The pictures are small, and narrower still where they show a shaft.
    return ingest(archive, IngestSettings(min_pixels=32), Pseudonyms(key_from_seed(1)), workers=2)


def test_ingest_accounts_for_every_file(archive, index):
    counts = index.counts.groupby("kind")["n"].sum()
    files = sum(path.is_file() for path in (archive / "dicom").rglob("*"))
    assert files == counts["found"] == counts["indexed"] + counts["rejected"] + counts["duplicate"]
    codes = index.counts.set_index("code")["n"]
    for code in ("not_dicom", "not_an_image", "truncated", "duplicate_in_exam"):
        assert codes[code] >= 1, code
    views = index.images["view"].value_counts(normalize=True)
    assert set(views.index) == {"ap", "lateral", "oblique"} and views["ap"] > views["oblique"]
    assert index.images["view"].notna().mean() > 0.97


def test_the_selection_finds_what_was_put_there_for_it(archive, index):
    """The reason of each exam is the kind that it was made to be."""
    expected = {"repeat": "repeat", "child": "paediatric", "unusable": "unusable", "no_knee": "no_knee",
                "no_image": "unreadable", "regular": "", "follow_up": ""}  # fmt: skip
    settings = SelectionSettings()
    reports, _ = reports_of_exams(read_reports(archive / "reports.csv"), index.files, archive / "reports.csv")
    # Small images all decode, which the tests of `prepare` see to.
    exams = list_exams(index.images, index.files, index.images[["exam"]], reports, settings)
    reasons = apply_rules(exams, index.readings, settings).fillna("").set_axis(exams["exam"])
    files = index.files.dropna(subset=["accession", "exam"]).drop_duplicates("exam")
    names = {(row.accession, side_of(row.exam)): row.exam for row in files.itertuples()}
    found = {
        (exam.accession, side): (exam.kind, reasons.get(names.get((exam.accession, side))))
        for exam in plan(SETTINGS, SEED)
        for side in [exam.side if exam.partner >= 0 else ""]
    }
    wrong = {name: (kind, reason) for name, (kind, reason) in found.items() if reason != expected[kind]}
    assert not wrong
    assert set(expected) == {kind for kind, _ in found.values()}


def test_reports_are_of_every_exam_and_their_words_go_with_disease(archive):
    reports = read_table(archive / "reports.csv")
    assert set(reports["accession"]) == {exam.accession for exam in plan(SETTINGS, SEED)}
    kinds = {exam.accession: exam for exam in plan(SETTINGS, SEED)}
    ill = reports["accession"].map(lambda name: kinds[name].kl >= 3 and not kinds[name].implants)
    said = reports["text"].str.contains(r"artros|osteofyt|ledspr|Broskred", case=False)
    assert said[ill].mean() > 0.85
    well = reports["accession"].map(lambda name: kinds[name].kl == 0)
    denied = reports["text"].str.contains(r"[Ii]ngen artros|[Ii]nga tecken|Normal", case=False)
    assert denied[well].mean() > 0.3
    readings = read_table(archive / "readings.csv")
    assert set(readings["exam"]) <= set(reports["accession"])
    assert pd.api.types.is_integer_dtype(readings["value"])
    assert np.isin(readings["revisit"], [0, 1]).all()
