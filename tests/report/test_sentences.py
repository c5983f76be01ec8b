"""A change of the data changes what is said: sentences are chosen by values, not typed for one study."""

import re
import shutil

import pandas as pd
import pytest

from analysis.report.render import _pandoc
from analysis.report.source import expand, substitute
from analysis.settings import load_yaml
from tests.report.conftest import Made


def tell(made, folder, kind="simulated", **changes):
    """Return the manuscript's text after changes to files of the statistics, each a function of the frame."""
    options = dict(made.options)
    if changes:
        options["statistics"] = shutil.copytree(made.options["statistics"], folder / "statistics")
    for name, change in changes.items():
        path = options["statistics"] / f"{name}.csv"
        change(pd.read_csv(path)).to_csv(path, index=False)
    values = Made(options, made.folder).values(folder / "values.yml", kind)
    made.stage(folder / "manuscript", values=values)
    text = substitute(expand(folder / "manuscript"), load_yaml(values))
    _pandoc(folder / "manuscript", text, "plain", "html", folder / "text.txt", "--wrap=none")
    return (folder / "text.txt").read_text()


def with_aucs(**given):
    """Set the AUC of every outcome of a kind, its interval 0.04 about it."""

    def change(frame):
        for kind, auc in given.items():
            rows = frame["kind"] == kind
            spread = auc if isinstance(auc, float) else pd.Series(auc, index=frame.index[rows])
            frame.loc[rows, "auc"] = spread
            frame.loc[rows, "low"], frame.loc[rows, "high"] = spread - 0.04, spread + 0.04
        return frame

    return change


def test_merging_grades_is_told_as_it_turned_out(kl, tmp_path):
    better = tell(kl, tmp_path / "better", roc=with_aucs(grade=0.8, group=0.9))
    worse = tell(kl, tmp_path / "worse", roc=with_aucs(grade=0.9, group=0.8))
    alike = tell(kl, tmp_path / "alike", roc=with_aucs(grade=0.851, group=0.852))
    assert "Merging neighbouring grades raised the mean AUC" in better
    assert "did not raise" not in better
    for text in (worse, alike):
        assert "Merging neighbouring grades did not raise the mean AUC" in text
        assert "grades raised the mean AUC" not in text


def test_a_network_at_chance_is_not_said_to_have_a_hardest_grade(kl, tmp_path):
    text = tell(kl, tmp_path, roc=with_aucs(grade=0.5, group=0.51, disease=0.5))
    assert "No single grade was told apart better than by chance." in text
    assert "which may be chance" in text
    for claim in ("Its hardest grade", "raised the mean AUC", "did not raise", "All intervals lie above one half"):
        assert claim not in text


@pytest.mark.parametrize(("hardest", "said"), [(2, "lies in the middle of the scale"), (4, "lies at an end of the scale")])  # fmt: skip
def test_the_hardest_grade_is_the_one_with_the_lowest_auc(kl, tmp_path, hardest, said):
    aucs = [0.9] * 5
    aucs[hardest] = 0.7
    text = tell(kl, tmp_path, roc=with_aucs(grade=aucs))
    assert f"Its hardest grade, Kellgren-Lawrence grade {hardest}, {said}" in text


def test_a_grade_with_too_few_cases_is_compared_with_nothing(kl, tmp_path):
    def few(frame):
        frame.loc[frame["outcome"] == "kl_2", "cases"] = 3
        return with_aucs(grade=[0.9, 0.8, 0.6, 0.8, 0.9])(frame)

    text = tell(kl, tmp_path, roc=few)
    assert "Kellgren-Lawrence grade 2" in re.search(r"say little: (.*)", text)[1]
    assert "Its hardest grade, Kellgren-Lawrence grade 1" in text
    assert "found the same grade hardest" not in text
    assert "The published study found" not in text


def test_a_test_set_with_few_cases_concludes_nothing(kl, tmp_path):
    text = tell(kl, tmp_path, roc=lambda frame: frame.assign(cases=4))
    assert "The test set holds too few cases for any conclusion on performance." in text
    assert "Every outcome has fewer than 10 cases or controls" in text
    assert "grades raised" not in text and "Its hardest grade" not in text


def test_the_kind_of_cohort_chooses_its_sentences(kl, tmp_path):
    said = {
        "simulated": "The cohort is simulated.",
        "public": "single knees cut from a research cohort",
        "clinical": "The exams come from one archive.",
    }
    for kind in said:
        text = tell(kl, tmp_path / kind, kind)
        assert {name for name, sentence in said.items() if sentence in text} == {kind}


@pytest.mark.parametrize(
    ("place", "sentence"),
    [(0.1, "below that of every reader"), (0.85, "among those of the readers"), (0.99, "above that of every reader")],
)
def test_the_network_is_placed_among_the_readers(kl, tmp_path, place, sentence):
    def move(frame):
        frame.loc[frame["who"] == "senior-1", "estimate"] = 0.8
        frame.loc[frame["who"] == "senior-2", "estimate"] = 0.9
        frame.loc[frame["who"] == "network", "estimate"] = place
        return frame

    assert f"its estimate is {sentence}" in tell(kl, tmp_path, readers=move)


def test_overlap_with_the_published_study_is_counted(kl, tmp_path):
    def overlap(*answers):
        return lambda frame: frame.assign(overlap=[answers[i % len(answers)] for i in range(len(frame))])

    assert "All intervals overlap." in tell(kl, tmp_path / "all", published=overlap(True))
    none = tell(kl, tmp_path / "none", published=overlap(False))
    assert "No interval overlaps the published one." in none
    assert "Since no interval overlaps, the two studies differ" in none
    assert "Of the pairs of intervals 5 overlap." in tell(kl, tmp_path / "some", published=overlap(True, False))


def test_one_and_many_significant_subgroups(kl, tmp_path):
    def significant(number):
        return lambda frame: frame.assign(p_holm=[0.0004 if i < number else 1.0 for i in range(len(frame))])

    assert "none was significant after correction (smallest corrected P = 1.00)" in tell(kl, tmp_path / "no")
    assert "comparisons 1 was significant after correction" in tell(kl, tmp_path / "one", subgroups=significant(1))
    assert "comparisons 2 were significant" in tell(kl, tmp_path / "two", subgroups=significant(2))
