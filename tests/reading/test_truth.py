"""What is saved is what was said, of what was seen, by rules that don't move; and nobody learns another's grade."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import replace

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import select

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.reading import access, coordinator
from analysis.reading.readings.cases import cases
from analysis.reading.readings.check import check_store
from analysis.reading.readings.entries import standing
from analysis.reading.readings.export import _names
from analysis.reading.readings.form import make_form
from analysis.reading.readings.ledger import Refused
from analysis.reading.readings.rules import holds, tree
from analysis.reading.tables import ledger
from analysis.schemas import PRIVATE
from analysis.tables import unlike_formula
from tests.reading.conftest import KL, content, run, the_first, values
from tests.reading.test_queues import Desk, found, run_export

OPEN = {"repeat_share": 0, "reference": {"validation": {"readings": 2}}}


def test_progress_is_no_oracle(archive, tmp_path):
    """A reader who corrects and watches "conflicts open" must learn nothing, by number or by refusal."""
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna, bo, panel = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "panel", "consensus")
    exams = [anna.next()[0] for _ in range(6) if not anna.write(anna.next()[0], values(1)).get("answers")]
    bo.read_all(lambda exam: 3)
    told = set()
    last = anna.back("none-yet")
    for version, kl in enumerate((0, 2, 3, 4), 1):
        anna.write(last | {"version": version}, values(kl))
        answer = room.progress(anna.reader, anna.now)
        answer["mine"].pop("per_hour")
        told.add(json.dumps([answer, room.next(anna.reader, anna.now)["left"], len(room.mine(anna.reader))]))
        assert answer["sets"] == []
        assert "readers" not in answer
    assert len(told) == 1
    with pytest.raises(Refused, match="coordinator"):
        room.agreement(anna.reader)
    # Consensus begins: what locks is everything that had been read, not only where the two differ.
    anna.read_all(lambda exam: 3)
    assert {row["state"] for row in room.mine(anna.reader)} == {"open"}
    panel.next()
    assert {row["state"] for row in room.mine(anna.reader)} == {"locked"}
    assert len(exams) == 6
    # A closed set can't be corrected any more, so its counts may be seen.
    head = Desk(room, "head", "coordinator")
    coordinator.close(room, head.reader, "validation", head.now)
    assert [row["set"] for row in room.progress(anna.reader, anna.now)["sets"]] == ["validation"]


def test_the_same_key_with_other_content_is_refused_and_says_what_is_saved(archive, tmp_path):
    """Enter on KL 2 while the server is away, change to 4, Enter: the answer to the second must not be "saved"."""
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna = Desk(room, "anna", "reader")
    exam, key = anna.next()[0], uuid.uuid4().hex
    sent = content(exam, key, values(2))
    saved = room.write(anna.reader, sent, anna.now)["saved"]
    assert (saved["version"], saved["values"]["kl"]) == (0, 2)
    assert room.write(anna.reader, sent | {"seconds": 9}, anna.now)["saved"]["values"]["kl"] == 2
    for other in (
        {"values": values(4)},
        {"comment": "another"},
        {"revisit": True},
        {"views": ["lateral"] * len(exam["views"])},
    ):
        with pytest.raises(Refused, match="other content") as refused:
            room.write(anna.reader, sent | other, anna.now)
        assert refused.value.saved["values"]["kl"] == 2
    assert len(entries(room)) == 1


def test_unchanged_is_no_version(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna = Desk(room, "anna", "reader")
    anna.write(anna.next()[0], values(2, medial=1), seconds=40.0)
    shown = anna.back("none-yet")
    assert anna.write(shown, values(2, medial=1), seconds=3.0)["saved"]["version"] == 0
    assert anna.write(shown, values(3, medial=1), seconds=1.2)["saved"]["version"] == 1
    (entry,) = entries(room)
    assert (entry.version, entry.seconds, entry.correcting) == (1, 40.0, 1.2)


def test_first_and_correcting_times_and_the_history_are_exported(archive, tmp_path):
    """A first reading of 40 s that was corrected in 1.2 s took 40 s."""
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna = Desk(room, "anna", "reader")
    anna.write(anna.next()[0], values(2), seconds=40.0, comment='=HYPERLINK("http://evil.example")')
    anna.write(anna.back("none-yet"), values(3), seconds=1.2, comment="+1 sure")
    run_export(archive, room, tmp_path)
    line = pd.read_csv(tmp_path / "out/lines.csv").iloc[0]
    assert (line["seconds"], line["seconds_correcting"], line["versions"], line["comment"]) == (
        40.0,
        1.2,
        2,
        "'+1 sure",
    )
    history = pd.read_csv(tmp_path / "out/history.csv")
    assert history["kl"].tolist() == [2, 3]
    assert history["seconds"].tolist() == [40.0, 1.2]
    assert history["comment"].iloc[0].startswith("'=HYPERLINK")
    for name in ("lines.csv", "history.csv", "readings.csv"):
        cells = pd.read_csv(tmp_path / "out" / name, dtype=str, keep_default_na=False)
        assert not cells.map(lambda cell: cell[:1] in ("=", "@", "+", "-", "\t", "\r")).any(axis=None), name


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    assert unlike_formula(text) == "'" + text
    assert unlike_formula("a" + text) == "a" + text
    with pytest.raises(StudyError, match="letter or digit"):
        access.make_token(None, text, "reader")


def other_scheme(folder, change):
    copy = folder / "kl.yaml"
    copy.write_text(change(KL.read_text()))
    return make_form(copy)


def three_levels(text):
    head, tail = text.replace("rule: 1 <= kl <= 2", "rule: kl == 1").split("      3: moderate")
    return head + "    groups: {}\n    not_applicable: tka >= 1\n" + tail.split("    not_applicable: tka >= 1\n")[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (three_levels, r"the levels of 'kl' \(5, now 3\) changed"),
        (lambda t: t.replace("doubtful narrowing", "certain narrowing"), "the levels of 'kl' changed"),
        (lambda t: t.replace("  cast: {title: Cast, key: c}\n", ""), "'cast' is gone"),
        (lambda t: t.replace("excludes: [uka]", "excludes: [plate]"), "'excludes' of 'tka' changed"),
        (lambda t: t + "  cyst: {title: Cyst, key: z}\n", "'cyst' is new"),
    ],
)
def test_a_scheme_that_changed_in_mid_study_is_refused_by_name(archive, tmp_path, change, told):
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    check_store(room.store, room.form, room.exams, tmp_path / "s.sqlite")
    changed = other_scheme(tmp_path, change)
    check_store(room.store, changed, room.exams, tmp_path / "s.sqlite")  # nothing has been read by it
    anna = Desk(room, "anna", "reader")
    anna.write(anna.next()[0], values(4))
    with pytest.raises(StudyError, match=told) as refused:
        check_store(room.store, changed, room.exams, tmp_path / "s.sqlite")
    assert "--store" in str(refused.value)
    check_store(room.store, room.form, room.exams, tmp_path / "s.sqlite")


def test_an_exam_without_a_number_of_its_own_is_called_by_its_study(tmp_path):
    """As ingest knows it: archives may have no accession numbers, or one of several exams."""
    rows = [("a", None, "1.1"), ("b-left", "7", "1.2"), ("b-right", "7", "1.2"), ("c", "8", "1.3"), ("d", "8", "1.4")]
    files = pd.DataFrame(rows, columns=["exam", "accession", "study_uid"]).assign(path="x", image="i")
    files = files.assign(patient="p", patient_id="p", pixel_hash="h")
    write_table(files, tmp_path / "index.parquet", PRIVATE)
    named = _names(tmp_path / "index.parquet", dict.fromkeys(files["exam"]))
    assert [named[exam]["exam"] for exam in files["exam"]] == ["1.1", "7", "7", "1.3", "1.4"]
    assert named["b-left"]["side"] == "left"


def test_a_comment_or_a_key_changes_no_reading(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    check_store(room.store, room.form, room.exams, tmp_path / "s.sqlite")
    anna = Desk(room, "anna", "reader")
    anna.write(anna.next()[0], values(4))
    same = other_scheme(tmp_path, lambda text: "# a comment\n" + text.replace("key: c}", "key: q}"))
    check_store(room.store, same, room.exams, tmp_path / "s.sqlite")


def test_images_that_were_replaced_are_noticed(archive, tmp_path):
    """In the index, at the next start; in the archive behind the index's back, when they are asked for."""
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna = Desk(room, "anna", "reader")
    exam = anna.next()[0]
    anna.write(exam, values(4))
    other = pd.read_parquet(archive.images)
    other.loc[other["exam"] == anna.exam_of(exam), "pixel_hash"] = "0" * 32
    other.to_parquet(tmp_path / "images.parquet")
    files = (
        "--images-index",
        tmp_path / "images.parquet",
        "--private",
        archive.private_index,
        "--store",
        tmp_path / "s.sqlite",
    )
    with pytest.raises(StudyError, match=f"images of exam {anna.exam_of(exam)} are not those that were read"):
        run("read-export", "--archive", archive.folder, "--grading", KL, *files, "--out", tmp_path / "out")
    shown = anna.next()[0]
    path = room.exams[anna.exam_of(shown)].images[0].path
    assert room.picture(anna.reader, shown["handle"], 0)
    kept = tmp_path / "kept.dcm"
    shutil.copy(path, kept)
    try:
        dataset = pydicom.dcmread(path)
        if dataset.file_meta.TransferSyntaxUID.is_compressed:
            dataset.decompress()
        dataset.PixelData = np.roll(dataset.pixel_array, 5, axis=0).tobytes()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.save_as(path)
        again = archive.room(tmp_path / "s.sqlite", **OPEN)
        with pytest.raises(Refused, match=r"can't be shown \(replaced\)"):
            again.picture(anna.reader, shown["handle"], 0)
    finally:
        shutil.copy(kept, path)


def test_an_exam_that_was_taken_out_of_the_archive_is_told_and_the_others_are_exported(archive, tmp_path, capsys):
    """As of a patient who no longer consents; the readings stay in the store, and count nowhere."""
    few = the_first(3, archive, tmp_path)
    room = few.room(tmp_path / "s.sqlite", **OPEN)
    for name in ("anna", "bo"):
        Desk(room, name, "reader").read_all()
    private, exams = pd.read_parquet(few.private_index), pd.read_parquet(few.exams_file)
    gone, *_ = few.exams
    private[private["exam"] != gone].to_parquet(tmp_path / "private.parquet")
    exams[exams["exam"] != gone].to_parquet(tmp_path / "left.parquet")
    images = pd.read_parquet(few.images)
    images[images["exam"] != gone].to_parquet(tmp_path / "images.parquet")
    left = replace(
        few,
        images=tmp_path / "images.parquet",
        private_index=tmp_path / "private.parquet",
        exams_file=tmp_path / "left.parquet",
    )
    run_export(left, room, tmp_path)
    told = capsys.readouterr().out
    assert "2 exams, of which 0 wait for readings" in told
    assert f"Left out: 1 exam not in the archive any more, first {gone}." in told
    assert pd.read_csv(tmp_path / "out/lines.csv")["reader"].value_counts().to_dict() == {"anna": 2, "bo": 2}
    room = left.room(tmp_path / "s.sqlite", **OPEN)
    (counts,) = room.progress(Desk(room, "head", "coordinator").reader, 1e9)["sets"]
    assert (counts["exams"], counts["read"]) == (2, 2)
    private.assign(exam="another").to_parquet(tmp_path / "private.parquet")
    with pytest.raises(
        StudyError, match=r"nor of any other that has been read; give the private index of the same archive"
    ):
        _names(tmp_path / "private.parquet", found(room))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            values(0, medial=1),
            "Medial osteoarthritis doesn't go with these grades: it needs Kellgren-Lawrence grade ≥ 1",
        ),
        (values(2, plate=1), "Plate implies 'Any implant'"),
        (values(2, im_nail_femur=1, im_nail=1), "implies 'Any implant'"),
        ({**values(2, tka=1, uka=1, implant=1), "kl": None}, "don't go together"),
        (values(3, tka=1, implant=1), "Kellgren-Lawrence grade: not applicable here"),
        (values(3, no_knee=1), "leaves nothing to grade"),
        (values(0, unusable=1), "leaves nothing to grade"),
        ({"no_knee": 1, "unusable": 1}, "don't go together"),
        ({"no_knee": 1, "cast": 1}, "leaves nothing to grade"),
        ({**values(0), "kl": None}, "Kellgren-Lawrence grade: not graded yet"),
    ],
)
def test_what_does_not_go_together_is_refused(said, told):
    with pytest.raises(ValueError, match=told):
        make_form(KL).check(said)


def test_a_prosthesis_needs_no_grade():
    form = make_form(KL)
    said = {name: value for name, value in values(0, tka=1, implant=1).items() if name != "kl"}
    assert form.check(said)["kl"] is None
    assert form.check(values(1, medial=1))["medial"] == 1
    assert form.check({"no_knee": 1}) == {"unusable": 0, "no_knee": 1}


def test_rules_are_evaluated_as_python_would():
    rule = "a + b >= 2 and c != 1 or 1 <= a < 3"
    for a in range(4):
        for b in range(3):
            for c in range(2):
                python = (a + b >= 2 and c != 1) or 1 <= a < 3
                assert holds(tree(rule), {"a": a, "b": b, "c": c}) == python
    assert holds(tree(rule), {"a": 1, "b": None, "c": 0}) is None


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("key: c}", "key: m}"), ("implies: [implant]", "implies: [nothing]"), ("excludes: [uka]", "excludes: [tka]"),
        ("needs: kl >= 1", "needs: kl >= 9"), ("not_applicable: tka >= 1", "not_applicable: kll >= 1"), ("key: c}", "key: i}"),
    ],
)  # fmt: skip
def test_a_scheme_with_a_broken_rule_says_where(tmp_path, broken, told):
    (tmp_path / "kl.yaml").write_text(KL.read_text().replace(broken, told, 1))
    with pytest.raises(StudyError, match=r"kl.yaml, line \d+"):
        make_form(tmp_path / "kl.yaml")


def test_a_prosthesis_that_one_saw_goes_to_consensus_and_comes_back_for_its_grade(archive, tmp_path):
    """Anna grades 4, Bo sees a prosthesis: first that is decided, and then whoever left the grade out is asked."""
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna, bo, panel = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "panel", "consensus")
    tka = {**values(0, tka=1, implant=1), "kl": None}
    one, other = sorted(archive.exams)[:2]
    said = {one: (values(4), tka), other: (values(4), tka)}
    for number, desk in enumerate((anna, bo)):
        while exams := desk.next():
            desk.write(exams[0], said.get(desk.exam_of(exams[0]), (values(1), values(1)))[number])
    for _ in range(2):
        (exam,) = panel.next()[:1]
        there = int(panel.exam_of(exam) == one)
        assert exam["fields"] == ["implant", "tka"]
        panel.write(exam, {"implant": there, "tka": there})
    assert panel.next() == []
    assert found_with_form(room)[one].state.name == "decided"
    (back,) = bo.next()
    assert bo.exam_of(back) == other
    with pytest.raises(Refused, match="gradable"):
        bo.write(back, tka, comment="I insist")
    bo.write(back, values(3))
    (exam,) = panel.next()
    assert exam["fields"] == ["kl"]
    panel.write(exam, {"kl": 3})
    assert {case.state.name for case in found_with_form(room).values()} == {"agreed", "decided"}
    run_export(archive, room, tmp_path)
    table = pd.read_csv(tmp_path / "out/readings.csv", dtype={"exam": str})
    private = pd.read_parquet(archive.private_index).dropna(subset=["exam"]).drop_duplicates("exam").set_index("exam")
    rows = table[table["item"] == "kl"].groupby("exam")["value"].apply(list)
    assert private.at[one, "accession"] not in rows.index  # not applicable: nobody's grade counts
    assert sorted(rows[private.at[other, "accession"]]) == [3, 3, 4]


def test_a_consensus_is_signed_by_all_who_were_present(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna, bo, panel = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "panel", "consensus")
    anna.read_all(lambda exam: 1)
    bo.read_all(lambda exam: 2 if exam == archive.exams[0] else 1)
    (exam,) = panel.next()
    with pytest.raises(Refused, match="signed by name"):
        panel.write(exam, {"kl": 2}, present=[])
    panel.write(exam, {"kl": 2}, present=["Dr Ek", "Dr Lind"])
    run_export(archive, room, tmp_path)
    lines = pd.read_csv(tmp_path / "out/lines.csv")
    assert lines.loc[lines["reader"] == "panel", "present"].tolist() == ["Dr Ek, Dr Lind"]


def test_a_clock_set_back_keeps_nobody_from_an_exam(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0, reference={"validation": {"readings": 1}})
    anna, bo = Desk(room, "anna", "reader"), Desk(room, "bo", "reader")
    held = {anna.exam_of(exam) for exam in anna.next()}
    bo.now -= 86400
    assert bo.read_all() == len(archive.exams)
    assert held <= set(found(room))
    limits = room.settings.login
    for _ in range(9):
        try:
            access.sign_in(room.store, "wrong", "there", limits, 2e9)
        except access.LockedOut:
            break
    assert access.sign_in(room.store, "wrong", "there", limits, 2e9 - 86400) is None
    cookie = access.sign_in(room.store, access.make_token(room.store, "cy", "reader"), "there", limits, 2e9)
    assert access.who(room.store, cookie, limits, 2e9 - 86400) is None  # it would last for a day more
    assert access.who(room.store, cookie, limits, 2e9 - 10).name == "cy"


def test_own_exams_are_listed_with_number_flags_and_state(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **OPEN)
    anna = Desk(room, "anna", "reader")
    for n in range(30):
        anna.write(anna.next()[0], {"unusable": 1} if n == 7 else values(n % 5), revisit=n == 9)
    rows = room.mine(anna.reader)
    assert [row["number"] for row in rows] == list(range(1, 31))
    assert [row["number"] for row in rows if row["flags"]] == [8]
    assert [row["number"] for row in rows if row["revisit"]] == [10]
    assert rows[3]["grades"] == {"kl": 3}
    # All of them can be walked through, in both directions, and opened by hand.
    walked, handle = [], "none-yet"
    while shown := anna.back(handle):
        walked.append(handle := shown["handle"])
    assert walked == [row["handle"] for row in rows][::-1]
    assert room.step(anna.reader, handle, back=False)["handle"] == rows[1]["handle"]
    assert room.exam(anna.reader, rows[7]["handle"])["before"]["values"] == {"unusable": 1, "no_knee": 0}
    with pytest.raises(Refused):
        room.exam(Desk(room, "bo", "reader").reader, rows[7]["handle"])


def entries(room):
    with room.store.reading() as db:
        assert len(db.execute(select(ledger)).all()) >= 1
        return standing(db)


def found_with_form(room):
    with room.store.reading() as db:
        return cases(standing(db), room.settings.queues, room.form)
