"""New knees, graded: every file has a row, and the rows add up."""

import csv
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from PIL import Image
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import ComprehensiveSRStorage

from analysis.archive.find import escaped, listed
from analysis.archive.knees.films import Box
from analysis.archive.pacs.node import Node
from analysis.archive.pacs.push import push
from analysis.archive.readers import read_files
from analysis.benchmarks.grading import bare_loop
from analysis.errors import StudyError
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from analysis.inference import run as run_module
from analysis.inference.commands import grade as command
from analysis.inference.files import by_knee, collect, knees
from analysis.inference.graded import MARKS
from analysis.inference.radiograph import prepare_plain
from analysis.inference.run import run
from analysis.inference.structured import short
from analysis.network import load
from analysis.network.checkpoints import read_weights, save_weights
from analysis.release.card import write_sums
from analysis.workers.context import clean_context
from tests.archive.files import odd_files, radiograph, save
from tests.archive.pacs.conftest import free_port, start
from tests.archive.test_knees import film, legs

ROOT = Path(__file__).parents[2]


def knee(exam="A1", seed=0, **more):
    """A radiograph of an exam, with pixels of its own and no word for a side."""
    words = {"StudyDescription": "Knee", "SeriesDescription": "AP"}
    return radiograph(np.random.default_rng(seed), AccessionNumber=exam, **(words | more))


def collected(folder, settings, side=None):
    return collect(read_files(listed([folder]), settings, 1), settings, side)


def rows(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_knee_is_graded_as_the_network_scores_it(card, tmp_path):
    for name, side, seed in (("one", "L", 1), ("two", "L", 2), ("three", "R", 3)):
        save(knee("A1", seed, ImageLaterality=side), tmp_path / "in" / f"{name}.dcm")
    told = run([tmp_path / "in"], card, tmp_path / "out", page=0)
    assert told.startswith("3 files found = 3 graded + 0 refused + 0 duplicates; 2 knees")
    found = {row["side"]: row for row in rows(tmp_path / "out")}
    assert found["left"]["files"] == "one.dcm; two.dcm"
    network = load(card)
    scores = network.score([[network.read(tmp_path / "in" / name) for name in ("one.dcm", "two.dcm")]], ["left"]).iloc[
        0
    ]
    for name in network.outcomes:
        assert found["left"][name] == ("" if np.isnan(scores[name]) else f"{scores[name]:.5f}")
        if not np.isnan(scores[name]):
            assert found["left"][f"{name}_yes"] == ("yes" if scores[name] >= 0.25 else "no")
    assert float(found["left"]["seeds_differ"]) > 0
    assert not (tmp_path / "out" / "grades.html").exists()


def test_few_images_are_scored_at_a_time_and_come_in_order(card, tmp_path, monkeypatch):
    """What a batch takes is kept for the next one, so that memory would grow with its size, and given back at times."""
    from analysis.inference import grade as module
    from analysis.network.trained import network as trained

    for number in range(20):
        save(knee(f"A{number}", number, StudyInstanceUID=generate_uid()), tmp_path / f"in/{number:02}.dcm")
    sizes, whole = [], trained.answer
    monkeypatch.setattr(
        trained,
        "answer",
        lambda member, asked, batch, *more: sizes.append(batch.n_images) or whole(member, asked, batch, *more),
    )
    given_back = []
    monkeypatch.setattr(module, "EVERY", 2)
    monkeypatch.setattr(module, "give_back", lambda: given_back.append(len(sizes)))
    run([tmp_path / "in"], card, tmp_path / "out", page=0, workers=2)
    assert len(given_back) == 1  # of three batches: the first knee, sixteen, the rest
    assert max(sizes) == trained.BATCH and sum(sizes) == 20 * len(load(card).members)
    assert [row["exam"] for row in rows(tmp_path / "out")] == [f"A{number}" for number in range(20)]


def test_two_hundred_odd_files_are_all_accounted_for(card, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i, path in enumerate([path for path in odd_files() if path.stat().st_size < 1e6][:170]):
        shutil.copy(path, folder / f"{i:03}-{path.name}")
    for i in range(8):
        save(knee(f"B{i}", i, ImageLaterality="R"), folder / f"knee{i}.dcm")
        (folder / f"text{i}.txt").write_text(f"no radiograph {i}")
        (folder / f"cut{i}.dcm").write_bytes((folder / f"knee{i}.dcm").read_bytes()[: 700 + 200 * i])
        shutil.copy(folder / f"knee{i}.dcm", folder / f"copy{i}.dcm")
    save(knee("C", 9, ImageLaterality="R"), Path(os.fsdecode(bytes(folder) + b"/k\xe4.dcm")))  # a name that is no text
    told = run([folder], card, tmp_path / "out", page=0)
    found, graded, refused, duplicates, of_knees, _ = map(int, re.findall(r"\d+", told.partition(" should")[0]))
    assert found == len(list(folder.iterdir())) == graded + refused + duplicates >= 200
    assert duplicates >= 8 and of_knees >= 8
    table = rows(tmp_path / "out")
    named = Counter(name for row in table for name in row["files"].split("; "))
    assert named == Counter(escaped(path.name) for path in folder.iterdir())  # each file stands in one row
    assert all(row["reason"] for row in table if row["status"] != "graded")
    assert r"k\xe4.dcm" in [row["files"] for row in table if row["status"] == "graded"]
    assert not any(
        name.startswith(("text", "cut")) for row in table if row["status"] == "graded" for name in [row["files"]]
    )


def test_why_a_file_was_not_graded_is_told_also_where_only_its_pixels_say_it(card, tmp_path):
    dark = knee()
    dark.PixelData = bytes(len(dark.PixelData))
    save(dark, tmp_path / "in/dark.dcm")
    (tmp_path / "in/text.txt").write_text("no radiograph")
    told = run([tmp_path / "in"], card, tmp_path / "out", page=0)
    reasons = [row["reason"] for row in rows(tmp_path / "out")]
    assert len(reasons) == 2 and all(f"Once: {reason}" in told for reason in reasons)


def test_pictures_need_a_side(card, tmp_path):
    picture = (np.add.outer(np.arange(90), np.arange(80)) % 200 + np.arange(80)).clip(0, 255).astype(np.uint8)
    for name in ("a.png", "b.jpg"):
        cv2.imwrite(str(tmp_path / name), picture if name == "a.png" else picture[::-1])
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    cv2.imwrite(str(tmp_path / "icon.png"), picture[:32, :32])
    vast = bytearray((tmp_path / "a.png").read_bytes())
    vast[16:24] = struct.pack(">2I", 10_001, 18_001)  # more than Pillow opens by itself
    vast[29:33] = struct.pack(">I", zlib.crc32(vast[12:29]))
    (tmp_path / "vast.png").write_bytes(vast)
    shutil.copy(tmp_path / "a.png", tmp_path / "d.png")
    files = [tmp_path / name for name in ("a.png", "b.jpg", "c.png", "d.png", "icon.png", "vast.png")]
    assert run(files, card, tmp_path / "out", page=0).startswith("6 files found = 0 graded + 6 refused")
    told = run(files, card, tmp_path / "sided", side="left", page=0)
    assert told.startswith("6 files found = 2 graded + 3 refused + 1 duplicate; 2 knees")
    assert "It is a copy of another image of its exam. Kept: a.png." in told  # nobody is named by either
    found = rows(tmp_path / "sided")
    assert {row["side"] for row in found if row["status"] == "graded"} == {"left"}
    codes = {row["files"]: row["marks"] for row in found if row["status"] == "refused"}
    assert codes == {"c.png": "decode", "icon.png": "too_small", "vast.png": "too_many_pixels"}


def test_a_picture_is_read_as_viewers_show_it(tmp_path):
    """Turned as its EXIF says, and of 16 bits by the range of its values, of which a file may use 12."""
    grey = np.add.outer(np.arange(120), np.arange(136)).astype(np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(grey).save(tmp_path / "plain.png")
    Image.fromarray(np.rot90(grey)).save(tmp_path / "turned.png", exif=turned)
    Image.fromarray(np.rot90(grey)).save(tmp_path / "turned.jpg", exif=turned, quality=100)
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    Image.fromarray(grey.astype(np.uint16) * 16).save(tmp_path / "twelve.png")
    Image.fromarray(np.dstack([grey] * 3 + [np.full_like(grey, 255)])).save(tmp_path / "alpha.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    plain = prepare_plain(tmp_path / "plain.png", ImagesSettings())[0].astype(int)
    for path in sorted(tmp_path.iterdir()):
        assert np.abs(prepare_plain(path, ImagesSettings())[0] - plain).max() <= 3, path.name


def test_where_nothing_can_be_written_is_told_first(card, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StudyError, match=r"file/out can't be made \(Not a directory\); choose another place"):
        run([tmp_path], card, tmp_path / "file/out", page=0)
    for name in ("grades.csv", "grades-2.html"):
        (tmp_path / name / name).mkdir(parents=True)
        with pytest.raises(StudyError, match=rf"{name} is a folder, where a file is to be written; remove it"):
            run([tmp_path], card, tmp_path / name, page=0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/dicom").write_text("no folder")
    with pytest.raises(StudyError, match="out/dicom can't be made"):
        run([tmp_path], card, tmp_path / "out", page=0, dicom=True)


def test_what_should_not_be_trusted_is_marked(card, tmp_path):
    save(knee("A", 1, BodyPartExamined="HAND", StudyDescription="Hand"), tmp_path / "in/hand.dcm")
    save(knee("B", 2, RescaleSlope="0", RescaleIntercept="0"), tmp_path / "in/good.dcm")
    save(knee("B", 3, PixelData=np.full(80 * 70, 7, "<u2").tobytes()), tmp_path / "in/blank.dcm")
    told = run([tmp_path / "in"], card, tmp_path / "out", page=0)
    assert ", corrected 1, corrected_modality 1." in told
    assert {row["files"]: row["corrected"] for row in rows(tmp_path / "out") if row["status"] == "graded"} == {
        "hand.dcm": "", "good.dcm": "modality",
    }  # fmt: skip
    marks = {row["files"]: row["marks"] for row in rows(tmp_path / "out") if row["status"] == "graded"}
    assert "body_part" in marks["hand.dcm"] and "small" in marks["hand.dcm"]
    assert "incomplete" in marks["good.dcm"]
    assert all(row["trust"] == "no" for row in rows(tmp_path / "out") if row["marks"] and row["status"] == "graded")


def test_an_image_of_no_side_is_of_the_only_knee(card, tmp_path):
    save(knee("A", 1, ImageLaterality="L"), tmp_path / "1.dcm")
    save(knee("A", 2), tmp_path / "2.dcm")
    for seed, side in ((3, "L"), (4, "R"), (5, None)):
        save(knee("B", seed, **({"ImageLaterality": side} if side else {})), tmp_path / f"{seed}.dcm")
    found = [(one.exam, one.side, len(one.files)) for one in knees(by_knee(collected(tmp_path, load(card).ingest)))]
    assert found == [("A", "left", 2), ("B", "left", 1), ("B", "right", 1), ("B", None, 1)]


def test_a_side_that_is_given_is_of_the_exams_that_say_none(card, tmp_path):
    save(knee("A", 1, ImageLaterality="L"), tmp_path / "1.dcm")
    save(knee("A", 2), tmp_path / "2.dcm")
    save(knee("B", 3, StudyInstanceUID=generate_uid()), tmp_path / "3.dcm")
    found = knees(by_knee(collected(tmp_path, load(card).ingest, "right")))
    assert [(one.exam, one.side, len(one.files)) for one in found] == [("A", "left", 2), ("B", "right", 1)]


def test_a_film_of_both_knees_is_cut_and_each_knee_has_a_row(card, tmp_path):
    """Cut as the network's own archive was; a single image goes with the knee that it shows."""
    folder = tmp_path / "in"
    film(folder / "both.dcm", ImageLaterality="B")
    save(knee("A1", 2, ImageLaterality="L", StudyInstanceUID=generate_uid()), folder / "one.dcm")
    film(folder / "none.dcm", legs(only=[0]), AccessionNumber="A3", ImageLaterality="B")
    told = run([folder], card, tmp_path / "out", page=0, dicom=True)
    assert told.startswith("3 files found = 2 graded + 1 refused + 0 duplicates; 2 knees")
    left, right, refused = rows(tmp_path / "out")
    assert [(row["exam"], row["side"], row["files"]) for row in (left, right)] == [
        ("A1", "left", "both.dcm; one.dcm"),
        ("A1", "right", "both.dcm"),
    ]
    assert (refused["files"], refused["marks"]) == ("none.dcm", "film_contradicted")
    network = load(card)
    found = collected(folder, network.ingest).set_index("path")["cut"]["both.dcm"]
    box = Box(*map(int, dict(part.split(":") for part in found.split())["right"].split(",")))
    scores = network.score([[prepare_file(folder / "both.dcm", network.images, box)[0]]], ["right"]).iloc[0]
    assert right["kl_0"] == f"{scores['kl_0']:.5f}" and right["kl_0"] != left["kl_0"]
    reports = [pydicom.dcmread(tmp_path / "out/dicom" / f"knee-000{n}-report.dcm") for n in (1, 2)]
    assert reports[0].SOPInstanceUID != reports[1].SOPInstanceUID
    assert "7771000" in str(reports[0]) and "24028007" in str(reports[1])
    assert pydicom.dcmread(tmp_path / "out/dicom/knee-0002-picture-1.dcm").Laterality == "R"


def test_legs_that_are_hardly_apart_are_told(card, tmp_path):
    film(tmp_path / "in/near.dcm", legs(apart=45), ImageLaterality="B")
    run([tmp_path / "in"], card, tmp_path / "out", page=0)
    assert [("cut" in row["marks"].split("; "), row["side"]) for row in rows(tmp_path / "out")] == [
        (True, "left"), (True, "right"),
    ]  # fmt: skip


def test_one_knee_of_a_film_may_be_refused(card, tmp_path, monkeypatch):
    """The other is graded, the film counts as graded, and the refused knee has a row with its side."""
    from analysis.archive.dicom.dataset import Unreadable
    from analysis.inference import grade

    whole = grade.decode_files

    def half(*given):
        yield next(whole(*given))
        yield Unreadable("implausible", "a wall")

    monkeypatch.setattr(grade, "decode_files", half)
    film(tmp_path / "in/both.dcm", ImageLaterality="B")
    told = run([tmp_path / "in"], card, tmp_path / "out", page=0)
    assert told.startswith("1 file found = 1 graded + 0 refused + 0 duplicates; 1 knee, of")
    assert [(row["status"], row["side"]) for row in rows(tmp_path / "out")] == [
        ("graded", "left"),
        ("refused", "right"),
    ]


def test_a_page_holds_itself(card, tmp_path):
    save(knee("<b>A&1", 1, ImageLaterality="L", StudyInstanceUID=generate_uid()), tmp_path / "in/1.dcm")
    save(knee("A2", 2, ImageLaterality="R", StudyInstanceUID=generate_uid()), tmp_path / "in/2.dcm")
    (tmp_path / "out").mkdir()
    for name in ("grades-7.html", "notes.txt"):  # a page of an earlier run, with other knees, and somebody's own file
        (tmp_path / "out" / name).write_text("before")
    run([tmp_path / "in"], card, tmp_path / "out", page=1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "grades.csv", "grades.html", "grades-2.html", "notes.txt",
    }  # fmt: skip
    page, second = (tmp_path / "out" / name for name in ("grades.html", "grades-2.html"))
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;A&amp;1" in text and "<b>A" not in text
    assert text.count("<article") == 1 == second.read_text().count("<article")
    assert text.count("data:image/jpeg;base64,") == 2
    assert not re.search(r"(?:src|href)=\"(?!data:|grades)", text)
    assert "Not a medical device; for research only." in text


def test_a_knee_leaves_as_dicom(card, tmp_path):
    save(knee("A1", 1, ImageLaterality="L"), tmp_path / "in/1.dcm")
    source = pydicom.dcmread(tmp_path / "in/1.dcm")
    cv2.imwrite(str(tmp_path / "in/2.png"), source.pixel_array.astype(np.uint16) * 16)
    (tmp_path / "out/dicom").mkdir(parents=True)
    for name in ("knee-0009-report.dcm", "knee-9.dcm"):  # of another knee, by an earlier run, and somebody's own file
        (tmp_path / "out/dicom" / name).touch()
    told = run([tmp_path / "in"], card, tmp_path / "out", side="right", page=0, dicom=True)
    assert {path.name for path in (tmp_path / "out/dicom").iterdir()} == {
        "knee-0001-report.dcm", "knee-0001-picture-1.dcm", "knee-9.dcm",
    }  # fmt: skip
    assert "No DICOM report of 1 knee, first 2: Once: A file of it has no StudyInstanceUID." in told  # a picture
    (report, picture) = (
        pydicom.dcmread(tmp_path / "out/dicom" / f"knee-0001-{name}.dcm") for name in ("report", "picture-1")
    )
    assert (report.PatientID, report.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    assert (
        evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    )
    text = str(report)
    grade = next(row["kl"] for row in rows(tmp_path / "out") if row["knee"] == "1")
    for told in (f"KL{grade}", "99KNEE", "7771000", load(card).name, "Not a medical device; for research only."):
        assert told in text
    assert picture.pixel_array.shape == (480, 480, 3)
    assert not picture.BurnedInAnnotation and not picture.PatientOrientation  # as little as the radiograph says
    if tool := shutil.which("dsrdump"):
        done = subprocess.run([tool, tmp_path / "out/dicom/knee-0001-report.dcm"], capture_output=True, text=True)
        wrong = [line for line in done.stderr.splitlines() if not line.startswith("W: The VR checker")]
        assert done.returncode == 0 and not wrong and "Kellgren-Lawrence grade" in done.stdout


def test_a_picture_says_of_its_radiograph_what_that_says(card, tmp_path, recwarn):
    """Also of an oblique view, whose direction has two letters; and of people nothing is printed."""
    more = {"PatientOrientation": ["LA", "F"], "BurnedInAnnotation": "NO", "ReferringPhysicianName": "ward"}
    save(knee("A1", 1, ImageLaterality="L", **more), tmp_path / "in/1.dcm")
    run([tmp_path / "in"], card, tmp_path / "out", page=0, dicom=True)
    picture = pydicom.dcmread(tmp_path / "out/dicom/knee-0001-picture-1.dcm")
    assert (list(picture.PatientOrientation), picture.BurnedInAnnotation) == (["LA", "F"], "NO")
    assert not [one for one in recwarn if "ward" in str(one.message)]


def test_a_picture_that_was_cut_out_of_a_mirrored_film_is_hung_as_usual(card, tmp_path):
    film(tmp_path / "in/both.dcm", ImageLaterality="B", PatientOrientation=["R", "F"])
    run([tmp_path / "in"], card, tmp_path / "out", page=0, dicom=True)
    pictures = [pydicom.dcmread(path) for path in sorted((tmp_path / "out/dicom").glob("*-picture-*.dcm"))]
    assert [list(picture.PatientOrientation) for picture in pictures] == [["L", "F"]] * 2


def test_what_a_mark_means_fits_a_code():
    assert all(MARKS[mark].startswith(short(mark)) and len(short(mark)) <= 64 for mark in MARKS)


def test_the_knees_files_stand_together_in_the_order_of_their_first_ones(card, tmp_path):
    """The decoder is given all files in this order, and answers in it."""
    for number, (exam, side) in enumerate((("A", "L"), ("B", "R"), ("A", "R"), ("A", "L"), ("B", "R"))):
        save(knee(exam, number, ImageLaterality=side), tmp_path / f"{number}.dcm")
    (tmp_path / "text.dcm").write_text("no radiograph")
    ordered = by_knee(collected(tmp_path, load(card).ingest))
    assert list(ordered["path"]) == ["0.dcm", "3.dcm", "1.dcm", "4.dcm", "2.dcm"]
    assert [list(one.files["path"]) for one in knees(ordered)] == [["0.dcm", "3.dcm"], ["1.dcm", "4.dcm"], ["2.dcm"]]
    assert bare_loop(load(card), sorted(tmp_path.iterdir())) == 5  # the benchmark's loop scores the same radiographs


def grade_by_command(*words):
    return CliRunner().invoke(command, list(map(str, words)))


def test_reports_and_pictures_go_to_the_pacs_when_asked(card, tmp_path):
    save(knee("PUSHED", 1, ImageLaterality="L"), tmp_path / "in/1.dcm")
    server = start(tmp_path / "orthanc")
    try:
        node = tmp_path / "node.yaml"
        node.write_text(f"{{host: 127.0.0.1, port: {server.dicom}, called: ORTHANC, calling: KNEE}}")
        words = [tmp_path / "in", "--network", card, "--no-page", "--out", tmp_path / "out"]
        kept = {"Level": "Instance", "Query": {"AccessionNumber": "PUSHED"}}
        assert grade_by_command(*words, "--dicom").exit_code == 0
        assert server.ask("post", "/tools/find", json=kept).json() == []  # not asked for
        done = grade_by_command(*words, "--push", node)
        assert done.exit_code == 0 and "The PACS took 2 files." in done.output
        found = server.ask("post", "/tools/find", json=kept | {"Expand": True}).json()
        assert {one["MainDicomTags"]["SOPInstanceUID"] for one in found} == {
            pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in (tmp_path / "out/dicom").iterdir()
        }
        assert not (tmp_path / "out/unsent.csv").exists()
    finally:
        server.kill()


def test_what_the_pacs_does_not_take_is_named_and_what_was_graded_stays(card, tmp_path):
    """One that takes no pictures, and has no room for the second report."""
    for number in (1, 2):
        save(knee(f"A{number}", number, StudyInstanceUID=generate_uid()), tmp_path / f"in/{number}.dcm")
    ae, answers = AE(), [0x0000, 0xA700]
    ae.add_supported_context(ComprehensiveSRStorage)
    server = ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda event: answers.pop(0))]
    )
    try:
        node = tmp_path / "node.yaml"
        node.write_text(f"{{host: 127.0.0.1, port: {server.server_address[1]}}}")
        done = grade_by_command(
            tmp_path / "in", "--network", card, "--no-page", "--push", node, "--out", tmp_path / "out"
        )
    finally:
        server.shutdown()
    assert "2 files found = 2 graded" in done.output and len(rows(tmp_path / "out")) == 2
    assert isinstance(done.exception, StudyError) and "The PACS took 1 of 4 files; not" in str(done.exception)
    with (tmp_path / "out/unsent.csv").open(newline="") as file:
        unsent = {Path(row["file"]).name: row["reason"] for row in csv.DictReader(file)}
    refused = "a kind of file that it doesn't take"
    assert unsent == {
        "knee-0001-picture-1.dcm": refused, "knee-0002-picture-1.dcm": refused, "knee-0002-report.dcm": "status 0xa700",
    }  # fmt: skip


def test_a_pacs_that_is_not_there_is_told_after_the_grading_and_a_wrong_file_before(card, tmp_path):
    save(knee(), tmp_path / "in/1.dcm")
    words = [tmp_path / "in", "--network", card, "--no-page", "--out", tmp_path / "out"]
    (tmp_path / "wrong.yaml").write_text("{hots: 127.0.0.1}")
    done = grade_by_command(*words, "--push", tmp_path / "wrong.yaml")
    assert (
        "the key 'hots' is not known; did you mean 'host'?" in str(done.exception) and not (tmp_path / "out").exists()
    )
    with pytest.raises(StudyError, match="doesn't take our connection; nothing was sent"):
        push(Node(host="127.0.0.1", port=free_port()), [tmp_path / "in/1.dcm"])
    (tmp_path / "node.yaml").write_text(f"{{protocol: dicomweb, url: 'http://127.0.0.1:{free_port()}/web'}}")
    done = grade_by_command(*words, "--push", tmp_path / "node.yaml")
    assert "doesn't answer" in str(done.exception) and "nothing was sent" in str(done.exception)
    assert "1 graded" in done.output


def test_a_network_that_does_not_fit_is_told_before_all_headers_are_read(card, tmp_path, monkeypatch):
    """Which, of a hundred thousand files, takes minutes; here it would take an hour."""
    path = shutil.copytree(card, tmp_path / "card") / "weights/seed-0.safetensors"
    state, about = read_weights(path)
    save_weights(path, state, about | {"side": 7})
    write_sums(tmp_path / "card")

    def read_files(*_):
        with ProcessPoolExecutor(1, clean_context()) as pool:
            pool.submit(time.sleep, 3600).result()

    monkeypatch.setattr(run_module, "read_files", read_files)
    with pytest.raises(StudyError, match=r"seed-0.safetensors do not fit: side is 7 in the file and 24 here"):
        run([tmp_path], tmp_path / "card", tmp_path / "out", page=0)


def test_what_lies_beside_a_folder_called_dicom_is_graded(card, tmp_path):
    """Any tree of folders; that of the results may be the same one."""
    save(knee("A", 1), tmp_path / "in/dicom/1.dcm")
    save(knee("B", 2), tmp_path / "in/new/2.dcm")
    told = run([tmp_path / "in"], card, tmp_path / "in", page=0, dicom=True)
    assert told.startswith("2 files found = 2 graded") and "No DICOM report" not in told


def test_results_of_an_earlier_run_are_gone_where_this_one_is_stopped(card, tmp_path, monkeypatch):
    """Its numbers are of other knees."""
    for name in ("grades.csv", "grades.html", "unsent.csv"):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("before")
    save(knee(), tmp_path / "in/1.dcm")
    monkeypatch.setattr(run_module.Pages, "show", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run([tmp_path / "in"], card, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_nothing_is_written_into_the_networks_folder(card, tmp_path):
    """It would be refused from then on, for holding what its list doesn't."""
    save(knee(), tmp_path / "in/1.dcm")
    before = sorted(card.rglob("*"))
    for out in (card, card / "graded", tmp_path / "link"):
        if out.name == "link":
            out.symlink_to(card)
        with pytest.raises(StudyError, match="is the network's own or lies in it"):
            run([tmp_path / "in"], card, out, page=0)
    assert sorted(card.rglob("*")) == before


@pytest.mark.parametrize("said", ["PatientBirthDate", "PatientName", "StudyTime", "PatientSex"])
def test_why_there_is_no_report_quotes_nothing_that_a_header_says(said, card, tmp_path):
    one = knee("A", 1, ImageLaterality="L")
    with pydicom.config.disable_value_validation():
        one.add_new(said, pydicom.datadict.dictionary_VR(said), ["Wallenstein", "Friedland"])
        save(one, tmp_path / "in/1.dcm")
    told = run([tmp_path / "in"], card, tmp_path / "out", page=0, dicom=True)
    assert "No DICOM report of 1 knee, first 1: Once: What its files say of the patient or the study fits" in told
    assert "Wallen" not in told and "Friedl" not in told


def test_pages_lead_to_each_other(card, tmp_path):
    for number in range(5):
        save(knee(f"A{number}", number), tmp_path / f"in/{number}.dcm")
    run([tmp_path / "in"], card, tmp_path / "out", page=2)
    names = ["grades.html", "grades-2.html", "grades-3.html"]
    for here, name in enumerate(names):
        text = (tmp_path / "out" / name).read_text()
        links = re.findall('<a href="([^"]+)"', text)
        assert links == 2 * [other for i, other in enumerate(names) if i != here and i <= here + 1]  # above and below
        # A page is written before it is known how many follow it.
        assert text.count(f'<a href="{names[min(here + 1, 2)]}">next</a>') == (0 if here == 2 else 2)
    assert "Knee 5, graded by the network" in text and "Knees 5" not in text
    run([tmp_path / "in"], card, tmp_path / "out", page=5)  # full, and the last
    assert "<a href" not in (tmp_path / "out/grades.html").read_text()


def test_a_missing_path_is_told(card, tmp_path):
    with pytest.raises(StudyError, match="nowhere does not exist"):
        run([tmp_path / "nowhere"], card, tmp_path / "out", page=0)


def test_help_starts_without_torch():
    code = "import sys; from analysis.__main__ import main; main(['grade', '--help'], standalone_mode=False);"
    heavy = subprocess.run(
        [sys.executable, "-c", f"{code} print([m for m in ('torch', 'pandas', 'cv2', 'matplotlib') if m in sys.modules])"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert heavy.stdout.strip().endswith("[]")
