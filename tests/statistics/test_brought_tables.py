"""Tables that users bring: identifiers are text, whatever the file, and nothing is merged or dropped in silence."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.grading.scheme import load_scheme
from analysis.statistics.brought import read_readers
from analysis.statistics.data import match
from analysis.statistics.evaluate import evaluate
from analysis.statistics.readers import _readings
from analysis.statistics.settings import StatisticsSettings

CASES = Path(__file__).parent / "cases"
KL = Path("workflow/gradings/kl.yaml")


def load(case):
    folder = CASES / case
    return match(next(folder.glob("predictions.*")), next(folder.glob("reference.*")), load_scheme(KL))


@pytest.mark.parametrize(
    ("case", "exams", "patients"),
    [
        ("c00_plain", 150, 150),
        ("c07_one_patient", 300, 1),
        ("c07b_two_patients", 300, 2),
        ("c10b_zeros_csv_parquet", 150, 150),
        ("c10c_patients_7_and_07", 120, 120),
        ("c10d_patients_1.1_and_1.10", 120, 114),
        ("c10h_int_patients_one_missing", 120, 120),
        ("c13_patient_NA", 120, 120),
        ("c13b_exam_NA", 120, 120),
    ],
)
def test_every_exam_and_patient_is_itself(case, exams, patients):
    study = load(case)
    assert (len(study.exams), study.exams["patient"].nunique()) == (exams, patients)
    assert study.score["kl_0"].notna().all() and study.truth["kl_0"].notna().all()


@pytest.mark.parametrize("case", ["c11b_semicolon", "c11e_header_case_blank", "c26_upper_suffix"])
def test_the_way_it_was_saved_makes_no_difference(case):
    plain, other = load("c00_plain"), load(case)
    for name in ("exams", "truth", "score", "predicted"):
        pd.testing.assert_frame_equal(getattr(plain, name), getattr(other, name))


def test_umlauts_of_windows_are_kept():
    assert load("c11d_latin1").exams["patient"].str.startswith("Müller").all()


def test_a_set_by_another_name_is_refused():
    with pytest.raises(StudyError, match=r"Exam e0000 has the set 'val', .*did you mean 'validation'"):
        load("c19b_set_val")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("e0003,p0003,", "e0003,p0003,no,", "cells, but the header has"),
        ("e0003,p0003,", "e0002,p0003,", r"reference.csv has exam e0002 twice \(again in line 5\)"),
        ("e0003,p0003,", ",p0003,", "line 5: there is no exam"),
        ("e0003,p0003,", "e0003,p0004,", "Exam e0003 has another patient"),
        ("exam,patient,", "exam,exam,", "two columns called 'exam'"),
        ("exam,patient,", "Fall,patient,", "lacks the column 'exam'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, old, new, words):
    text = (CASES / "c00_plain/reference.csv").read_text()
    assert old in text
    (tmp_path / "reference.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError, match=words):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "reference.csv", load_scheme(KL))


@pytest.mark.parametrize("written", ["kl2", "KL 2", "kl-2", "kl_2 [%]"])
def test_a_column_that_is_misspelled_is_named(tmp_path, written):
    frame = pd.read_csv(CASES / "c00_plain/predictions.csv").rename(columns={"kl_2": written})
    frame.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(StudyError, match=r"has a column '.*', which isn't read; call it 'kl_2'"):
        match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL))


def test_columns_that_people_keep_are_no_misspelled_ones(tmp_path):
    kept = {"age": 60, "Site": "Lund", "comment": "", "kl1": 2, "kl2": 3, "kl_reader2": 2, "split": "train", "fold": 1}
    predictions, reference = (pd.read_csv(CASES / "c00_plain" / f"{name}.csv") for name in ("predictions", "reference"))
    reference.assign(**kept).to_csv(tmp_path / "r.csv", index=False)
    predictions.assign(**{name: kept[name] for name in ("age", "Site", "split", "fold")}).to_csv(
        tmp_path / "p.csv", index=False
    )
    found, plain = match(tmp_path / "p.csv", tmp_path / "r.csv", load_scheme(KL)), load("c00_plain")
    pd.testing.assert_frame_equal(found.truth, plain.truth)
    pd.testing.assert_frame_equal(found.score, plain.score)


def test_sets_under_another_name_are_not_all_the_test_set(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/reference.csv").rename(columns={"set": "split"})
    frame.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(StudyError, match="has no column 'set', but 'split' names sets"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    frame.drop(columns="split").assign(split="test").to_csv(tmp_path / "r.csv", index=False)
    assert match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL)).rows("test").all()


def test_signs_that_look_alike_part_no_exam_from_its_scores(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/predictions.csv", dtype=str)
    frame.loc[3, "exam"], frame.loc[4, "exam"] = "\uff45\uff10003", "e0\u200b004"
    frame.to_csv(tmp_path / "p.csv", index=False)
    found = match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL))
    pd.testing.assert_frame_equal(found.score, load("c00_plain").score)


def test_signs_that_look_alike_part_no_patient(tmp_path):
    frame = pd.read_csv(CASES / "c07b_two_patients/reference.csv", dtype=str)
    frame["patient"] = [name[0] + "\u200b" * (row % 2) + name[1:] for row, name in enumerate(frame["patient"])]
    frame.to_csv(tmp_path / "r.csv", index=False)
    found = match(CASES / "c07b_two_patients/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    pd.testing.assert_frame_equal(found.exams, load("c07b_two_patients").exams)


@pytest.mark.parametrize("nobody", ["n/a", "NA", "?", "nan", "Unknown"])
def test_exams_of_nobody_are_not_one_persons(tmp_path, nobody):
    for name in ("predictions", "reference"):
        frame = pd.read_csv(CASES / f"c00_plain/{name}.csv", dtype=str)
        frame.loc[3:5, "patient"] = nobody
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(StudyError, match=r"reference\.csv: 3 exams have the patient '.*', as if one person had them"):
        match(tmp_path / "predictions.csv", tmp_path / "reference.csv", load_scheme(KL))


def test_true_and_false_are_labels_but_no_grades(tmp_path):
    frame, plain = pd.read_csv(CASES / "c00_plain/reference.csv"), load("c00_plain")
    frame.assign(kl=frame["kl"] >= 2).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(StudyError, match=r"r\.csv, line 2: '(True|False)' in the column 'kl' is no grade"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    frame.drop(columns="kl").assign(disease=frame["kl"] >= 2).to_csv(tmp_path / "r.csv", index=False)
    found = match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    pd.testing.assert_series_equal(found.truth["disease"], plain.truth["disease"])


def test_a_reference_without_a_grade_or_label_is_refused(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/reference.csv").rename(columns={"kl": "kl_grade"})
    frame.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(StudyError, match=r"r\.csv has no column named like an item or outcome of 'kl' \(e\.g\. 'kl'\)"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_somebody_read_as_a_senior_outweighs_what_they_read_before(tmp_path, order):
    study = load("c00_plain")
    exam = study.exams.loc[study.rows("test"), "exam"].iloc[0]
    lines = [f"{exam},A,reader,kl,1", f"{exam},A,senior,kl,3"]
    (tmp_path / "readers.csv").write_text("\n".join(["exam,reader,role,item,value", *(lines[i] for i in order)]))
    calls, _ = _readings(study, read_readers(tmp_path / "readers.csv", study.scheme))
    assert calls["A"].loc[0, "kl"] == 3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("e1,A,reader,KL,3", "line 3: exam e1, item 'kl', A .reader. gave '3': the reader has read it before"),
        ("e2,A,reader,kl,9", "line 3: .* gave '9': the scheme has no such grade"),
        ("e2,A,reader,kl,1.5", "line 3: .* no such grade"),
        ("e2,A,reader,kl,TRUE", "line 3: 'TRUE' in the column 'value' is no grade"),
        ("e2,a ,reader,kl,1", "line 3: .* the reader is spelled differently elsewhere"),
        (",A,reader,kl,1", "line 3: .* exam and reader can't be empty"),
        ("e2,,reader,kl,1", "line 3: .* exam and reader can't be empty"),
        ("e2,A,student,kl,1", "line 3: .* the role must be one of"),
        ("e2,A,reader,kl,two", "line 3: 'two' in the column 'value' is no number"),
    ],
)
def test_a_reading_that_cannot_be_is_named(tmp_path, line, told):
    (tmp_path / "readers.csv").write_text(f"exam,reader,role,item,value\ne1,A,Reader,kl,2\n{line}\n")
    with pytest.raises(StudyError, match=told):
        read_readers(tmp_path / "readers.csv", load_scheme(KL))


def test_readings_are_those_of_any_spelling(tmp_path):
    (tmp_path / "readers.csv").write_text("Exam;reader;role;item;value\ne1;A;Consensus;KL;2,0\ne1;A;READER;kl;3\n")
    found = read_readers(tmp_path / "readers.csv", load_scheme(KL))
    assert found[["role", "item", "value"]].values.tolist() == [["consensus", "kl", 2], ["reader", "kl", 3]]


@pytest.mark.parametrize("rows", ["", "e1,A,reader,ahlback,7\n"])
def test_readers_may_have_read_nothing_that_the_scheme_asks_for(tmp_path, rows):
    (tmp_path / "readers.csv").write_text("exam,reader,role,item,value\n" + rows)
    assert len(read_readers(tmp_path / "readers.csv", load_scheme(KL))) == len(rows.splitlines())


def test_a_label_that_its_grade_contradicts_is_named(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/reference.csv")
    frame.assign(kl_2_4=(frame["kl"] >= 2).astype(float)).to_csv(tmp_path / "r.csv", index=False)
    match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    frame.assign(kl_2_4=1).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(StudyError, match=r"r\.csv: exam e\d+ has 1 for 'kl_2_4', which its 'kl' contradicts"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))
    frame.assign(disease=(frame["kl"] >= 3).astype(float)).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(StudyError, match=r"r\.csv: exam e\d+ has 0 for 'disease', which its grades contradict;"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", load_scheme(KL))


@pytest.mark.parametrize("change", [{"kl_3": 1}, {"disease": 1}, {"kl_0_1": 0}])
def test_labels_that_no_grade_has_together_are_named(tmp_path, change):
    """Without grades an exam could be of grade 0 and of grade 3, in silence."""
    frame = pd.read_csv(CASES / "c00_plain/reference.csv")
    scheme = load_scheme(KL)
    labels = pd.concat([frame.drop(columns="kl"), scheme.derive(frame[["kl"]])], axis=1).dropna(axis=1)
    replaced = labels["exam"].iloc[5]  # none of the grades: they don't apply to a knee that was replaced
    ones = [name for name in labels if name.startswith("kl") or name == "disease"]
    labels.loc[5, ones] = 0
    labels.to_csv(tmp_path / "r.csv", index=False)
    found = match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", scheme)
    assert (found.truth.loc[found.exams["exam"] == replaced, ones] == 0).all(axis=None)
    line = labels.index[labels["kl_0"] == 1][3]
    labels.loc[line, list(change)] = list(change.values())
    labels.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(
        StudyError, match=rf"exam {labels.loc[line, 'exam']} has 1 for 'kl_0'.*no grade of 'kl' has its labels"
    ):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", scheme)


def test_one_table_for_both_is_refused():
    both = CASES / "c00_plain/predictions.csv"
    with pytest.raises(StudyError, match=r"predictions\.csv is given both as the predictions and as the reference"):
        match(both, both, load_scheme(KL))


def test_scores_of_another_grading_are_told_though_both_know_disease(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/reference.csv")
    frame.assign(jsn_medial=frame["kl"].clip(upper=3)).to_csv(tmp_path / "r.csv", index=False)
    oarsi = load_scheme("workflow/gradings/oarsi.yaml")
    with pytest.raises(StudyError, match=r"scores no grade of 'oarsi' \(e\.g\. 'jsn_medial_0'\), but has 'kl_0'"):
        match(CASES / "c00_plain/predictions.csv", tmp_path / "r.csv", oarsi)
    pd.read_csv(CASES / "c00_plain/predictions.csv")[["exam", "disease"]].to_csv(tmp_path / "p.csv", index=False)
    assert match(tmp_path / "p.csv", tmp_path / "r.csv", oarsi).score["disease"].notna().all()


def test_a_score_that_is_none_is_named(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/predictions.csv", dtype=str)
    frame.loc[6, "kl_2"] = "high"
    frame.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(StudyError, match=r"p\.csv, line 8: 'high' in the column 'kl_2' is no number"):
        match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL))


def test_decimal_commas_are_numbers(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/predictions.csv")
    frame.to_csv(tmp_path / "p.csv", index=False, sep=";", decimal=",")
    found = match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL))
    np.testing.assert_array_equal(found.score, load("c00_plain").score)


def test_one_patient_has_estimates(tmp_path):
    folder = CASES / "c07_one_patient"
    settings = StatisticsSettings(replicates=100, band_replicates=100)
    shutil.copytree(folder, tmp_path / "case")
    evaluate(
        tmp_path / "case/predictions.csv",
        tmp_path / "case/reference.csv",
        load_scheme(KL),
        settings,
        seed=1,
        workers=1,
        out=tmp_path / "out",
    )
    row = pd.read_csv(tmp_path / "out/roc.csv").set_index("outcome").loc["kl_0"]
    assert row["patients"] == 1 and row["low"] < row["auc"] < row["high"]
    assert row["high"] - row["low"] > 0.3  # one patient tells little, however many exams


def test_levels_on_different_scales_are_refused(tmp_path):
    frame = pd.read_csv(CASES / "c00_plain/predictions.csv")
    levels = [f"kl_{level}" for level in range(5)]
    one, all_ = (frame.assign(**frame[names] * 100) for names in (["kl_2"], levels))
    one.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(StudyError, match=r"p\.csv: the scores of 'kl_2' go beyond 0 to 1 and those of 'kl_0' don't"):
        match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL))
    for good in (one.assign(kl=0), all_):
        good.to_csv(tmp_path / "p.csv", index=False)
        assert match(tmp_path / "p.csv", CASES / "c00_plain/reference.csv", load_scheme(KL)).score["kl_2"].max() > 1
