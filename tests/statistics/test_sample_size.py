"""The width that is expected before a study is the width that simulated studies have."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.errors import StudyError
from analysis.statistics.commands import sample_size_command
from analysis.statistics.coverage import draw, layout
from analysis.statistics.sample_size import expected, needed
from analysis.statistics.uncertainty.effective import effective_numbers
from analysis.statistics.uncertainty.intervals import limits


@pytest.mark.parametrize(("cases", "auc", "size"), [(23, 0.88, 1), (100, 0.8, 2), (50, 0.95, 2)])
def test_the_expected_width_is_that_of_simulated_studies(rng, cases, auc, size):
    truth, patients = layout(cases, 300 - cases, size)
    score = draw(truth, patients, auc, 0.7, 500, rng)
    low, high = limits(*effective_numbers(truth, score, patients), 1.96)
    plan = expected(cases, 300 - cases, auc, exams_per_patient=size, correlation=0.7, level=0.95)
    assert plan["width"] == pytest.approx(np.mean(high - low), rel=0.08)


def test_the_number_needed_is_the_smallest(rng):
    options = {"exams_per_patient": 2, "correlation": 0.7, "level": 0.95}
    found = needed(0.08, 0.25, 0.9, **options)
    assert found["width"] <= 0.08 + 1e-9
    assert expected(found["cases"] - 2, found["controls"] - 6, 0.9, **options)["width"] > 0.08
    assert needed(0.08, 0.25, 0.9, **(options | {"exams_per_patient": 1}))["cases"] < found["cases"]
    with pytest.raises(StudyError, match="more than 10,000,000 exams"):
        needed(1e-5, 0.25, 0.9, **options)


def test_the_command_plans_by_hand_and_by_what_is_published(tmp_path):
    def run(*arguments):
        return CliRunner().invoke(sample_size_command, list(map(str, arguments)))

    said = run("--auc", 0.9, "--cases", 23, "--controls", 277).output
    assert said.startswith("23 cases and 277 controls, AUC 0.9: 95 % interval 0.8")
    pairs = run("--auc", 0.9, "--cases", 23, "--controls", 277, "--exams-per-patient", 2).output
    assert "effective numbers 23.0" in said and "effective numbers 1" in pairs
    assert isinstance(run("--auc", 0.9).exception, StudyError)
    both = run("--auc", 0.9, "--cases", 23, "--controls", 277, "--width", 0.1, "--prevalence", 0.1).exception
    assert isinstance(both, StudyError) and "leave out the others" in str(both)
    (tmp_path / "s.yaml").write_text("{}")
    assert run("--settings", tmp_path / "s.yaml", "--out", tmp_path / "out.csv").exit_code == 0
    table = pd.read_csv(tmp_path / "out.csv").set_index("outcome")
    assert table.loc["kl_1", ["cases", "controls", "auc"]].tolist() == [23, 277, 0.88]
    assert (table["width"] < table["clustered_width"]).all()
    assert ((table["low"] < table["auc"]) & (table["auc"] < table["high"])).all()
