"""The learning curve in the manuscript, where it was run."""

import dataclasses
import shutil

import pandas as pd
import pytest

from analysis.files import write_table
from analysis.presentation.figures.style import save, style
from analysis.presentation.learning_curve import draw, learning_curve_figure, learning_curve_table, tabulate
from analysis.presentation.markdown import write_table_files
from analysis.presentation.values.learning_curve import learning_curve_values
from analysis.schemas.learning_curve import CURVE
from tests.presentation.study import study_config
from tests.presentation.test_sentences import tell

SHARED = {"set": "validation", "patients": 9, "seeds": 3, "n": 99, "level": 0.95, "replicates": 2000, "seed": 1}


def rows(start, asked, exams, auc, kappa, gain=float("nan")):
    limits = {"difference": gain, "difference_low": gain - 0.01, "difference_high": gain + 0.01}
    return [
        SHARED | {"start": start, "asked": asked, "exams": exams, "measure": measure, "of": of, "estimate": value}
        | {"low": value - 0.04, "high": value + 0.03, "lowest": value - 0.02, "highest": value + 0.02} | limits
        for measure, of, value in (("auc", "kl_2_4", auc), ("auc", "mean", auc), ("quadratic_kappa", "mean", kappa))
    ]  # fmt: skip


CURVES = {
    "random": rows("random", "250", 251, 0.71, 0.42) + rows("random", "all", 5202, 0.93, 0.81),
    "simulated": rows("simulated", "250", 251, 0.75, 0.47, 0.04) + rows("simulated", "all", 5202, 0.93, 0.8, 0.0),
}


@pytest.fixture
def told(kl, tmp_path):
    """What has a study's options, and a learning curve beside its results."""

    def make(*starts):
        folder = tmp_path / "-".join(starts)
        table = pd.DataFrame([row for start in starts for row in CURVES[start]])[list(CURVE.columns)]
        write_table(table, folder / "curve/curve.csv", CURVE)
        for name in ("tables", "figures"):
            shutil.copytree(kl.folder / name, folder / name, dirs_exist_ok=True)
        mine = dataclasses.replace(kl, options=kl.options | {"learning_curve": folder / "curve"}, folder=folder)
        with style(mine.results.settings.figures):
            save(learning_curve_figure(mine.results), folder / "figures", "learning_curve")
        write_table_files(learning_curve_table(mine.results), folder / "tables", "learning_curve")
        return mine

    return make


def test_the_text_tells_of_it_and_of_the_start_that_was_compared(told, tmp_path):
    config = study_config(changes={"learning_curve": {"steps_of": 1000}})
    text = tell(told("random", "simulated"), tmp_path, config=config)
    for sentence in (
        "by the number of exams that it was trained on: 251 and 5,202.",
        "for each number 3 networks learnt the grading alone, and each network had a draw of its own.",
        "Networks of fewer than 1,000 exams took as many steps as those of 1,000.",
        "With 251 exams the mean AUC of merged grades in the validation set was 0.71 (0.67 to 0.74) and the quadratic weighted "
        "kappa 0.42 (0.38 to 0.45); with 5,202 they were 0.93 (0.89 to 0.96) and 0.81 (0.77 to 0.84).",
        "so that these estimates are somewhat optimistic.",
        "was for simulated 0.04 (0.03 to 0.05) with 251 and 0.00 (−0.01 to 0.01) with 5,202 exams.",
    ):
        assert sentence in text, sentence


def test_values_table_and_figure_by_start(told):
    one, two = (told(*starts).results for starts in (("random",), ("random", "simulated")))
    values = [learning_curve_values(results, {})["learning_curve"] for results in (one, two)]
    assert [value["started"] for value in values] == [False, True]
    longer = [
        learning_curve_values(one, {"learning_curve": {"steps_of": steps}})["learning_curve"]["longer"]
        for steps in (1000, 100)
    ]
    assert longer == [True, False]
    assert values[0].keys() == values[1].keys() == learning_curve_values(told_none(one), {})["learning_curve"].keys()
    tables = [tabulate(results.by_exams, results.settings) for results in (one, two)]
    assert [len(table.head) for table in tables] == [5, 7]
    assert tables[1].rows[0] == ["Validation set, start at random"]
    assert tables[1].rows[4] == [
        "251", "0.75 (0.71 to 0.78)", "0.73 to 0.77", "0.04 (0.03 to 0.05)", "0.47 (0.43 to 0.50)", "0.45 to 0.49",
        "0.04 (0.03 to 0.05)",
    ]  # fmt: skip
    left, right = draw(two.by_exams, two.settings).axes
    assert [len(axes.get_lines()) for axes in (left, right)] == [2, 2]
    assert left.get_ylabel() == "AUC, validation set" and right.get_ylabel() == "Quadratic kappa, validation set"


def told_none(results):
    return dataclasses.replace(results, learning_curve=None)
