"""The checks hold of a sound study, and each breaks where its own thing is broken."""

import shutil

import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.files import read_table, write_table
from tests.grading.conftest import invoke


def check(folder, grading="fjord"):
    out = folder / grading
    files = {
        "exams": folder / "selection/exams.parquet", "flow": folder / "selection/flow.csv",
        "reference": out / "reference/reference.parquet", "predictions": out / "predictions/exams.parquet",
        "statistics": out / "statistics", "grading": folder / f"{grading}.yaml", "out": out / "checks.csv",
    }  # fmt: skip
    return invoke("check", *(part for name, path in files.items() for part in (f"--{name}", path)))


@pytest.mark.parametrize("grading", ["fjord", "delta"])
def test_all_checks_hold_of_a_sound_study(study, grading):
    result = check(study, grading)
    assert result.exit_code == 0, result.exception
    table = pd.read_csv(study / grading / "checks.csv")
    assert table["holds"].all()
    assert table["detail"].notna().all()


def test_results_of_another_grading_are_not_checked(study, tmp_path):
    shutil.copytree(study, tmp_path / "study")
    shutil.copytree(study / "delta/reference", tmp_path / "study/fjord/reference", dirs_exist_ok=True)
    done = check(tmp_path / "study")
    assert isinstance(done.exception, StudyError)
    assert "doesn't have 'depth_0' of the grading 'fjord'" in str(done.exception)


def change(path, edit):
    frame = read_table(path)
    frame = edit(frame)
    write_table(frame, path)


def put(column, row, value):
    def edit(frame):
        frame.loc[frame.index[row], column] = value
        return frame

    return edit


def shift_auc(frame):
    rows = frame["auc"].notna()
    frame.loc[frame[rows].index[-1], "auc"] -= 1e-6
    return frame


EXAMS, FLOW = "selection/exams.parquet", "selection/flow.csv"
REFERENCE, PREDICTIONS = "fjord/reference/reference.parquet", "fjord/predictions/exams.parquet"
ROC, CONFUSION = "fjord/statistics/roc.csv", "fjord/statistics/confusion.csv"
THRESHOLDS = "fjord/statistics/thresholds.csv"


@pytest.mark.parametrize(
    ("file", "edit", "says"),
    [
        (EXAMS, lambda f: f.assign(patient=["p" if n in (0, 60) else p for n, p in enumerate(f["patient"])]),
         "no patient is in two sets: patient p is in 2 sets"),
        (PREDICTIONS, lambda f: f.assign(patient=["p" if n in (0, 60) else p for n, p in enumerate(f["patient"])]),
         "no patient is in two sets"),
        (FLOW, put("knees", 0, 900), "found = used + excluded"),
        (FLOW, lambda f: f.assign(code=f["code"].replace("repeat", "paediatric")), "the flow's reasons are the exams'"),
        (EXAMS, lambda f: f.iloc[:-1], "the flow has every exam"),
        (REFERENCE, put("set", 0, "test"), "every graded exam is a selected one, with its patient and set"),
        (REFERENCE, put("depth", 0, 7), "grades are levels of their item"),
        (REFERENCE, lambda f: f.assign(disease=1 - f["disease"]), "outcomes follow from the grades: 'disease' does not"),
        (PREDICTIONS, lambda f: f.iloc[1:], "every validation and test exam is predicted once"),
        (PREDICTIONS, put("disease", 3, 1.5), "scores are in 0 to 1"),
        (PREDICTIONS, put("disease", 3, None), "every label has a score"),
        (PREDICTIONS, put("depth", 3, 5), "predicted grades of 'depth' are its levels"),
        (ROC, lambda f: f[f["outcome"] != "bridge"], "every outcome has a row: 'bridge'"),
        (ROC, put("cases", 2, 9999), "cases and controls are those of the reference"),
        (ROC, shift_auc, "the AUC is the rank statistic"),
        (ROC, lambda f: f.assign(low=f["high"], high=f["low"]), "low is at most high"),
        (THRESHOLDS, lambda f: f.assign(threshold=0.0), "sensitivity and specificity follow from the threshold"),
        (CONFUSION, put("n", 0, 500), "rows of the confusion matrix|confusion matrices hold every exam"),
    ],
)  # fmt: skip
def test_what_is_broken_is_named_with_its_file(study, tmp_path, file, edit, says):
    folder = tmp_path / "copy"
    shutil.copytree(study, folder, ignore=shutil.ignore_patterns("network", "images", "delta", "tables", "figures"))
    change(folder / file, edit)
    (folder / "fjord/checks.csv").unlink(missing_ok=True)
    result = check(folder)
    assert result.exit_code != 0
    message = str(result.exception)
    assert any(part in message for part in says.split("|")), message
    assert str(folder) in message
    assert not (folder / "fjord/checks.csv").exists()
