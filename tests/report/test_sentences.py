"""A change of the data changes what is said: sentences are chosen by values, not typed for one study."""

import re
import shutil

import pandas as pd
import pytest

from analysis.manuscript.render import _pandoc
from analysis.report.tables import TABLES
from tests.report.conftest import Made


def tell(made, folder, kind="simulated", config=None, **changes):
    """Return the manuscript's text under a configuration, after changes to results, each a function of the frame."""
    options = dict(made.options)
    for part in ("statistics", "attribution") if changes else ():
        options[part] = shutil.copytree(made.options[part], folder / part)
    for name, change in changes.items():
        path = next(path for part in ("statistics", "attribution") if (path := options[part] / f"{name}.csv").is_file())
        change(pd.read_csv(path)).to_csv(path, index=False)
    values = Made(options, made.folder).values(folder / "values.yml", kind, config)
    made.stage(folder / "manuscript", values=values)
    _pandoc(folder / "manuscript", "plain", "html", folder / "text.txt", "--wrap=none")
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


def place(network):
    """Put the network's agreement somewhere beside two readers at 0.8 and 0.9."""
    where = {"network": network, "senior-1": 0.8, "senior-2": 0.9}
    return lambda frame: frame.assign(estimate=frame["who"].map(where))


def overlap(*answers):
    return lambda frame: frame.assign(overlap=[answers[i % len(answers)] for i in range(len(frame))])


def significant(number):
    return lambda frame: frame.assign(p_holm=[0.0004 if i < number else 1.0 for i in range(len(frame))])


@pytest.fixture(scope="module")
def turns(kl, tmp_path_factory):
    """The text as the data turn out three ways, each in several respects at once."""
    changes = {
        "first": (with_aucs(grade=0.8, group=0.9), place(0.1), overlap(True), significant(0)),
        "second": (with_aucs(grade=0.9, group=0.8), place(0.85), overlap(False), significant(1)),
        "third": (with_aucs(grade=0.851, group=0.852), place(0.99), overlap(True, False), significant(2)),
    }
    names = ("roc", "readers", "published", "subgroups")
    return {
        turn: tell(kl, tmp_path_factory.mktemp(turn), **dict(zip(names, made, strict=True)))
        for turn, made in changes.items()
    }


SENTENCES = {
    "merging": {
        "Merging neighbouring grades raised the mean AUC": {"first"},
        "Merging neighbouring grades did not raise the mean AUC": {"second", "third"},
    },
    "readers": {
        "its estimate is below that of every reader": {"first"},
        "its estimate is among those of the readers": {"second"},
        "its estimate is above that of every reader": {"third"},
    },
    "published": {
        "All intervals overlap.": {"first"},
        "No interval overlaps the published one.": {"second"},
        "Since no interval overlaps, the two studies differ": {"second"},
        "Where intervals overlap, the two studies do not contradict": {"first", "third"},
        "Of the pairs of intervals 5 overlap.": {"third"},
    },
    "subgroups": {
        "none was significant after correction (smallest corrected P = 1.00)": {"first"},
        "comparisons 1 was significant after correction": {"second"},
        "comparisons 2 were significant after correction": {"third"},
    },
}


@pytest.mark.parametrize("subject", SENTENCES)
def test_sentences_follow_the_data(turns, subject):
    for sentence, wanted in SENTENCES[subject].items():
        assert {turn for turn, text in turns.items() if sentence in text} == wanted, sentence


def test_attributions_that_do_not_add_up_are_owned_up_to(kl, tmp_path):
    text = tell(kl, tmp_path / "some", cases=lambda frame: frame)
    assert "In 1 of 2 decisions the attributions add up" in text and "the largest error is 11% of that change" in text
    text = tell(kl, tmp_path / "all", cases=lambda frame: frame.assign(holds=True))
    assert "The attributions of all 2 decisions add up" in text


def test_what_hiding_the_joint_did_is_said_as_it_was(kl, tmp_path):
    text = tell(kl, tmp_path / "more", occlusion=lambda frame: frame)
    assert "the mean AUC of single grades was 0.60 instead of 0.90 in 60 test exams, and 0.80 with as much" in text
    assert "Hiding the joint cost more than hiding as much elsewhere" in text
    assert "the mean score of an implant was 0.30 instead of 0.50 in exams with one, and 0.45 instead of 0.50" in text
    swapped = {"joint": "elsewhere", "elsewhere": "joint"}
    text = tell(kl, tmp_path / "less", occlusion=lambda frame: frame.replace({"region": swapped}))
    assert "Hiding the joint cost no more than hiding as much elsewhere" in text
    text = tell(kl, tmp_path / "grades", occlusion=lambda frame: frame[frame["region"].isin(swapped)])
    assert "the mean score of an implant" not in text


def test_findings_that_nobody_read_are_not_said_to_have_been_looked_for(kl, tmp_path):
    assert "and looked for 18 findings" in tell(kl, tmp_path / "read")
    reference = shutil.copytree(kl.options["reference"], tmp_path / "reference")
    graded = pd.read_parquet(reference / "reference.parquet")
    findings = list(kl.results.scheme.findings)
    graded.assign(**dict.fromkeys(findings, float("nan"))).to_parquet(reference / "reference.parquet")
    unread = Made({**kl.options, "reference": reference}, kl.folder)
    assert "looked for" not in tell(unread, tmp_path / "unread")
    # Nor do they stand in a table, among them those of the paper's locations.
    assert "Medial" in str(TABLES["distribution"](kl.results)) and "Staple" in str(TABLES["implants"](kl.results))
    for name in ("distribution", "location", "implants", "calibration"):
        assert not re.search("Medial|Osteonecrosis|Staple", str(TABLES[name](unread.results)))


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


def test_the_kind_of_cohort_chooses_its_sentences(kl, turns, tmp_path):
    said = {
        "simulated": "The cohort is simulated.",
        "public": "single knees cut from a research cohort",
        "clinical": "The exams come from one archive.",
    }
    for kind in said:
        text = turns["first"] if kind == "simulated" else tell(kl, tmp_path / kind, kind)
        assert {name for name, sentence in said.items() if sentence in text} == {kind}
