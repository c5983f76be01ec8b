"""A change of the data changes what is said: sentences are chosen by values, not typed for one study."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.manuscript.holes import plain_text
from analysis.manuscript.render import _pandoc, render
from analysis.presentation.beside import pair
from analysis.presentation.format import NONE, p_value
from analysis.presentation.markdown import Table, to_markdown
from analysis.presentation.settings import ManuscriptSettings
from analysis.presentation.tables import TABLES
from analysis.presentation.values import _noted
from analysis.presentation.values.cohort import cohort_values
from analysis.statistics.sample import NO_SCORE
from analysis.yaml_files import dump_yaml, load_yaml
from tests.presentation.conftest import SCHEMES, Made, prose
from tests.presentation.study import make_study


def values(made, folder, kind="simulated", config=None, **changes):
    """Return the values of the text after changes to files of the results, each a function of the frame.

    `config` changes the configuration, section by section.
    """
    options = dict(made.options)
    for part in ("statistics", "attribution") if changes else ():
        options[part] = shutil.copytree(made.options[part], folder / part)
    for name, change in changes.items():
        path = next(path for part in ("statistics", "attribution") if (path := options[part] / f"{name}.csv").is_file())
        change(pd.read_csv(path)).to_csv(path, index=False)
    folder.mkdir(exist_ok=True)
    return load_yaml(Made(options, made.folder).values(folder / "values.yml", kind, config))


def tell(made, folder, kind="simulated", config=None, **changes):
    """Return the manuscript's text, its values changed as by `values`."""
    values(made, folder, kind, config, **changes)
    made.stage(folder / "manuscript", values=folder / "values.yml")
    _pandoc(folder / "manuscript", "plain", "html", folder / "text.txt", "--wrap=none")
    return (folder / "text.txt").read_text().replace("’", "'")


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


def apart(number, tested=True):
    """Let the first differences to the published AUCs be significant, or none be tested."""

    def change(frame):
        p = [0.004 if i < number else 0.6 for i in range(len(frame))] if tested else float("nan")
        return frame.assign(p=p, p_holm=p, difference=-0.07, difference_low=-0.12, difference_high=-0.02)

    return change


def hide(**after):
    """Set the AUC of every outcome with a region hidden; it was 0.9 before."""

    def change(frame):
        frame["auc_occluded"] = frame["region"].map(after).fillna(0.9)
        return frame

    return change


def significant(number):
    return lambda frame: frame.assign(p_holm=[0.0004 if i < number else 1.0 for i in range(len(frame))])


@pytest.fixture(scope="module")
def turns(kl, tmp_path_factory):
    """The text as the data turn out three ways, each in several respects at once."""
    changes = {
        "first": (with_aucs(grade=0.8, group=0.9), place(0.1), apart(0), significant(0)),
        "second": (with_aucs(grade=0.9, group=0.8), place(0.85), apart(1), significant(1)),
        "third": (with_aucs(grade=0.851, group=0.852), place(0.99), apart(0, tested=False), significant(2)),
    }
    names = ("roc", "readers", "published", "subgroups")
    return {
        turn: tell(kl, tmp_path_factory.mktemp(turn), **dict(zip(names, made, strict=True)))
        for turn, made in changes.items()
    }


SENTENCES = {
    "merging": {
        "The mean AUC of merged grades was higher than that of single grades": {"first"},
        "The mean AUC of merged grades was not higher than that of single grades": {"second", "third"},
    },
    "readers": {
        "Its estimate is below that of every reader.": {"first"},
        "Its estimate is among those of the readers.": {"second"},
        "Its estimate is above that of every reader.": {"third"},
    },
    "published": {
        "After correction for 10 tests no difference was significant; their intervals reach from −0.12 to −0.02": {
            "first"
        },
        "After correction for 10 tests no AUC differed significantly (smallest corrected P = 0.60)": {"first"},
        "No single difference is larger than chance explains, which does not show that there is none": {"first"},
        "was significant for Kellgren-Lawrence grade 0 (−0.07, −0.12 to −0.02)": {"second"},
        "More than chance explains the difference for Kellgren-Lawrence grade 0;": {"second"},
        "For lack of intervals no difference could be tested": {"third"},
    },
    "subgroups": {
        "none was significant after correction; the smallest corrected value was P = 1.00": {"first"},
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
    assert "In 1 of 2 decisions the attributions add up" in text and "the largest error is a share of 0.11." in text
    near = tell(kl, tmp_path / "near", cases=lambda frame: frame.assign(completeness=0.0504, holds=False))
    assert "within a share of 0.05; the largest error is a share of 0.0504." in near
    assert values(kl, tmp_path / "one", cases=lambda frame: frame.iloc[:1])["decisions"]["decisions"] == "1 decision"


def test_what_hiding_the_joint_did_is_said_as_it_was(kl, tmp_path):
    text = tell(kl, tmp_path / "more", occlusion=lambda frame: frame)
    assert "the mean AUC of single grades was 0.60 instead of 0.90 in 60 test exams, and 0.80 with as much" in text
    assert "Hiding the joint lowered the AUC more than hiding as much elsewhere." in text
    assert "the mean score of an implant was 0.30 instead of 0.50 in exams with one, and was 0.45 instead" in text
    swapped = {"joint": "elsewhere", "elsewhere": "joint"}
    text = tell(kl, tmp_path / "less", occlusion=lambda frame: frame.replace({"region": swapped}))
    assert "Hiding the joint lowered the AUC no more than hiding as much elsewhere" in text
    text = tell(kl, tmp_path / "grades", occlusion=lambda frame: frame[frame["region"].isin(swapped)])
    assert "the mean score of an implant" not in text
    # Less of a gain is no loss, nor is what is gone in rounding.
    for number, after in enumerate((0.95, 0.896)):
        found = values(kl, tmp_path / str(number), occlusion=hide(joint=after, elsewhere=0.99))["occlusion"]
        assert [name for name in ("joint_more", "joint_not_more", "joint_not") if found[name]] == ["joint_not"]


def test_findings_that_nobody_read_are_not_said_to_have_been_looked_for(kl, tmp_path):
    assert "it also says whether any of 18 findings was present" in tell(kl, tmp_path / "read")
    assert [_noted(some) for some in (["Cast"], ["Staple", "Cast"])] == ["cast", "staple or cast"]
    reference = shutil.copytree(kl.options["reference"], tmp_path / "reference")
    graded = pd.read_parquet(reference / "reference.parquet")
    findings = list(kl.results.scheme.findings)
    graded.assign(**dict.fromkeys(findings, float("nan"))).to_parquet(reference / "reference.parquet")
    unread = Made({**kl.options, "reference": reference}, kl.folder)
    assert "also noted" not in tell(unread, tmp_path / "unread")
    # Nor do they stand in a table, among them those of the paper's locations.
    assert "Medial" in str(TABLES["distribution"](kl.results)) and "Staple" in str(TABLES["implants"](kl.results))
    for name in ("distribution", "location", "implants", "calibration"):
        assert not re.search("Medial|Osteonecrosis|Staple", str(TABLES[name](unread.results)))


def test_a_network_at_chance_is_not_said_to_have_a_hardest_grade(kl, tmp_path):
    text = tell(kl, tmp_path, roc=with_aucs(grade=0.5, group=0.51, disease=0.5))
    assert "For no single grade is performance better than chance shown." in text
    assert "which does not show that it is better than chance" in text
    below = tell(kl, tmp_path / "below", roc=with_aucs(grade=0.3, group=0.3, disease=0.2))
    assert "shown for no grade" in below and "shows no performance better than chance" in below
    for claim in ("The grade with the lowest AUC", "mean AUC of merged grades", "All intervals lie above one half"):
        assert claim not in text


@pytest.mark.parametrize(("hardest", "said"), [(1, "lies between the ends of the scale"), (4, "lies at an end of the scale")])  # fmt: skip
def test_the_hardest_grade_is_the_one_with_the_lowest_auc(kl, tmp_path, hardest, said):
    aucs = [0.9] * 5
    aucs[hardest] = 0.7
    text = tell(kl, tmp_path, roc=with_aucs(grade=aucs))
    assert f"The grade with the lowest AUC, Kellgren-Lawrence grade {hardest}, {said}" in text


def test_a_grade_with_too_few_cases_is_compared_with_nothing(kl, tmp_path):
    def few(frame):
        frame.loc[frame["outcome"] == "kl_2", "too_few"] = True
        return with_aucs(grade=[0.9, 0.8, 0.6, 0.8, 0.9])(frame)

    text = tell(kl, tmp_path, roc=few)
    assert "Kellgren-Lawrence grade 2" in re.search(r"say little: ([^.]*)\.", text)[1]
    assert "The grade with the lowest AUC, Kellgren-Lawrence grade 1" in text
    assert "Of single grades," not in text


def test_a_test_set_with_few_cases_concludes_nothing(kl, tmp_path):
    text = tell(kl, tmp_path, roc=lambda frame: frame.assign(too_few=True))
    assert "The test set holds too few cases for any conclusion on performance." in text
    assert "Every outcome has fewer than 10 patients with a case, or with a control" in text
    assert "mean AUC of merged grades" not in text and "The grade with the lowest AUC" not in text


def test_what_could_not_be_estimated_stands_in_no_sentence(kl, tmp_path):
    """As where the training set had no exam of some grades."""
    nothing = {"estimate": None, "low": None, "high": None}
    implants = [outcome.id for outcome in kl.results.scheme.outcomes if outcome.kind == "implant"]

    def unscored(frame):
        rows = frame["outcome"].isin(["kl_3", "kl_4", *implants])
        return frame.assign(
            reason=frame["reason"].astype(object).mask(rows, NO_SCORE), auc=frame["auc"].mask(rows), too_few=rows,
            cases=frame["cases"].mask(rows, 0), controls=frame["controls"].mask(rows, 0),
        )  # fmt: skip

    text = tell(kl, tmp_path / "none", summary=lambda frame: frame.assign(**nothing), roc=unscored)
    assert "of not estimable" not in text and "agreed with the reference" not in text
    assert "How far the network's grades agree with the reference could not be estimated." in text
    assert "gives no score, and there is no estimate, for" in text
    assert "Kellgren-Lawrence grades 3 and 4" in text and "cruciate ligament fixation" in text
    assert "the performance for implants" not in text and "the mean score of an implant" not in text
    results = Made({**kl.options, "statistics": tmp_path / "none/statistics"}, kl.folder).results
    rows = {row[0].strip(" †"): row for row in TABLES["performance"](results).rows}
    assert rows["3"][1] == rows["4"][1] == NONE and rows["3 to 4"][1] != NONE  # never "0 / 0" of those that there are
    assert TABLES["implants"](results) is None and not any(
        "Mean score" in cell for cell in TABLES["occlusion"](results).head
    )
    some = values(kl, tmp_path / "some", summary=lambda frame: frame[frame["measure"] != "quadratic_kappa"])["summary"]
    assert some["told"].startswith("a balanced accuracy of") and (some["any"], some["any_kappa"]) == (True, False)


def test_the_kind_of_cohort_chooses_its_sentences(kl, turns, tmp_path):
    said = {
        "simulated": "The cohort is simulated.",
        "public": "single knees that were cut out and processed by others",
        "clinical": "The exams come from one archive.",
    }
    for kind in said:
        text = turns["first"] if kind == "simulated" else tell(kl, tmp_path / kind, kind)
        assert {name for name, sentence in said.items() if sentence in text} == {kind}


def test_who_read_and_what_they_knew_is_said_of_each_kind_of_cohort(kl, turns, tmp_path):
    said = {
        "simulated": ("grading by simulated readers", "The simulated readers knew nothing", "reading by simulated readers"),
        "public": ("grading by human readers", "The grades are older than this network", "grades came with the images"),
        "clinical": ("grading by human readers", "What the readers knew of the network's output is not recorded."),
    }  # fmt: skip
    for kind, sentences in said.items():
        text = turns["first"] if kind == "simulated" else tell(kl, tmp_path / kind, kind)
        assert all(sentence in text for sentence in sentences), kind
        assert ("human read" in text) == (kind != "simulated")
        assert "Readers did not see" not in text


def test_how_published_grades_came_about_is_what_the_source_says(kl, tmp_path):
    facts = {
        "readers": "two experts by consensus",
        "grading": "Two experts agreed on one grade.",
        "remarks": {
            "kl": "All knees have one.",
            "tka": "A register knew the implants.",
            "jsn_medial": "Not of this grading.",
        },
    }
    text = tell(kl, tmp_path, "public", config={"cohort": facts})
    assert "grading by two experts by consensus." in text and "came with one reading of each exam, so that" in text
    assert "Two experts agreed on one grade. All knees have one. A register knew the implants." in text
    assert "Not of this grading" not in text
    assert "is not part of the data" not in text and "one visit with one to several" not in text


@pytest.mark.parametrize(("share", "said"), [(0.5, None), (1.0, "all")])
def test_exams_of_both_knees_are_counted_unless_all_are(kl, tmp_path, share, said):
    folder = shutil.copytree(kl.options["selection"], tmp_path / "selection")
    exams = pd.read_parquet(folder / "exams.parquet")
    pairs = int(len(exams) * share) // 2
    exams = exams.head(2 * pairs) if said else exams
    exams["exam"] = [
        f"v{row // 2}-{('left', 'right')[row % 2]}" if row < 2 * pairs else exam
        for row, exam in enumerate(exams["exam"])
    ]
    exams.to_parquet(folder / "exams.parquet")
    flow = cohort_values(Made({**kl.options, "selection": folder}, kl.folder).results)["flow"]
    assert flow["of_two_knees"] == (said or f"{pairs}") and flow["any_of_two_knees"]


def test_what_the_readers_knew_is_what_the_authors_say(kl, tmp_path):
    text = tell(kl, tmp_path, "clinical", config={"cohort": {"blinding": "Readers worked without the network."}})
    assert "Readers worked without the network." in text and "What the readers knew of" not in text


def test_readings_of_the_validation_set_are_said_to_choose_the_epoch_where_they_do(kl, turns, tmp_path):
    chosen = "chose the thresholds, and the epoch whose weights were kept"
    assert chosen in turns["first"]
    last = tell(kl, tmp_path, config={"network": {"training": {"keep": "last"}}})
    assert chosen not in last and "Readings of the validation set chose the thresholds;" in last


@pytest.mark.parametrize(
    ("weights", "said"),
    [("root", "inverse of the square root"), ("inverse", "the inverse of their"), ("none", "All classes weighed the same")],
)  # fmt: skip
def test_the_weights_of_classes_are_told(kl, tmp_path, weights, said):
    text = tell(kl, tmp_path, config={"network": {"training": {"class_weights": weights}}})
    assert said in text and text.count("in the loss, ") == 1 and "Neighbouring grades" not in text


@pytest.mark.parametrize(
    ("share", "said"), [("equal", None), ("deviation", "the standard deviation"), ("variance", "the variance")]
)
def test_the_shares_of_findings_are_told(kl, tmp_path, share, said):
    text = tell(kl, tmp_path, config={"network": {"training": {"findings_share": share}}})
    found = "Of the findings, rare ones weighed less" in text
    assert found == bool(said) and (said is None or f"each by {said} of its answers." in text)


def test_labels_that_neighbours_share_are_told(kl, tmp_path):
    text = tell(kl, tmp_path, config={"network": {"training": {"smoothing": 0.2}}})
    assert "Neighbouring grades got a share of 0.2 of each label." in text


def test_rules_are_told_in_the_order_in_which_they_were_applied(kl, tmp_path):
    text = tell(kl, tmp_path / "some", config={"selection": {"rules": ["repeat", "paediatric"], "repeat_days": 45}})
    assert (
        "in this order: exams within 45 days of the patient's previous one of the same knee (of any knee where the side is not known); exams of patients younger"
        in text
    )
    assert "without a readable image" not in text
    assert "to be left out" not in tell(kl, tmp_path / "none", config={"selection": {"rules": []}})


def test_coverage_is_told_of_the_interval_that_is_recommended(kl, tmp_path):
    def change(frame):
        frame.loc[frame["method"] == "reported", "coverage"] = 0.944
        frame.loc[(frame["method"] == "delong") & (frame["cases"] == 3), "coverage"] = 0.61
        return frame

    text = tell(kl, tmp_path, coverage=change)
    assert "the recommended intervals covered the true AUC in 94%, where 95% are asked for" in text
    assert "With 3 cases DeLong's intervals covered it in 61%, and bootstrap" in text
    assert "one or several exams of each patient" in text and "which is why they are not the ones" in text
    assert "Intervals for few cases are to be read with care" not in text

    def other(frame):
        frame = frame[(frame["method"] != "bootstrap") & (frame["exams_per_patient"] == 1)]
        return frame.assign(coverage=0.96)

    text = tell(kl, tmp_path / "other", coverage=other)
    assert "and one exam of each patient" in text and "DeLong's intervals covered it in 96%." in text
    text = tell(kl, tmp_path / "single", coverage=lambda frame: frame[frame["cases"] == frame["cases"].min()])
    assert "In simulated studies with 3 cases and one" in text


@pytest.mark.parametrize("name", ["coverage", "false_positives", "sample_size", "audit", "published", "readers"])
def test_a_file_that_a_run_has_not_made_leaves_its_numbers_out(kl, tmp_path, name):
    options = kl.options | {"statistics": shutil.copytree(kl.options["statistics"], tmp_path / "statistics")}
    options["statistics"].joinpath(f"{name}.csv").unlink()
    found = load_yaml(Made(options, kl.folder).values(tmp_path / "values.yml"))
    part = {"false_positives": "positives", "sample_size": "planned", "published": "original"}.get(name, name)
    assert (found[part].get("compared") or found[part])["any"] is False


def test_a_sign_says_why_the_recommended_interval_is_another(kl, tmp_path):
    assert "The recommended intervals agree with DeLong's to within rounding." in tell(kl, tmp_path / "same")

    def change(frame):
        frame["low"] = frame["delong_low"] - 0.02
        frame["few"] = frame["outcome"] == "kl_1"
        frame.loc[frame["outcome"] == "kl_2", "patients"] = 200
        return frame

    text = tell(kl, tmp_path / "other", roc=change)
    for said in ("‡ some patients have several exams", "§ few cases or controls", "¶ DeLong's interval is symmetric"):
        assert said in text, said
    signs = {row["outcome"]: pair(row, 2).signs for _, row in change(pd.read_csv(kl.options["statistics"] / "roc.csv")).iterrows()}  # fmt: skip
    assert (signs["kl_1"], signs["kl_2"], signs["kl_3"]) == ("§¶", "‡¶", "¶")


def test_intervals_that_there_are_none_of_agree_with_nothing(kl, tmp_path):
    text = tell(kl, tmp_path, roc=lambda frame: frame.assign(low=float("nan"), high=float("nan")))
    assert "No interval could be estimated." in text and "agree with DeLong's" not in text


def test_no_level_is_called_by_another(kl, tmp_path):
    """At 90 % everything of this study's is, and nothing of the published study's nor of the readers' agreement."""
    text = tell(kl, tmp_path, roc=lambda frame: frame.assign(level=0.9))
    ninety = Made({**kl.options, "statistics": tmp_path / "statistics"}, kl.folder).results
    assert "Intervals are at the level of 90%; those of the published study are at 95%; those of the readers" in text
    assert re.search(r"published study \[\d+\], with 95% confidence intervals, and of this one, with 90%", text)
    assert "P values below 0.1 are called significant" in text
    assert "before consensus, with 95% confidence intervals" in text
    assert re.search(r"Published AUCs \[\d+\] have 95% confidence intervals", text)
    assert {"DeLong's 90% CI, pROC", "Recommended 90% CI", "Published AUC (95% CI)"} <= set(
        TABLES["performance"](ninety).head
    )
    assert {"AUC, here (90% CI)", "AUC, published (95% CI)"} <= set(TABLES["published"](ninety).head)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({}, "for the prevalence of the training set"),
        ({"disease": "settings"}, "a prevalence stated in the configuration for radiographic osteoarthritis and the prevalence of the training set for all others"),
        ({None: "settings"}, "for a prevalence stated in the configuration, by Bayes"),
    ],
)  # fmt: skip
def test_the_prevalence_is_named_by_where_it_comes_from(kl, tmp_path, sources, said):
    def change(frame):
        for outcome, source in sources.items():
            frame.loc[frame["outcome"].eq(outcome) | (outcome is None), "source"] = source
        return frame

    text = tell(kl, tmp_path, prevalence=change)
    assert said in text
    assert "sensitivity and specificity as they are in the test set" in text


def test_the_rule_for_disease_is_told_in_words(turns):
    assert "Radiographic osteoarthritis was defined as a Kellgren-Lawrence grade of 2 or higher." in turns["first"]
    assert ">=" not in turns["first"]


def test_thresholds_that_rest_on_few_validation_cases_are_marked(kl, tmp_path):
    mark = "* threshold from fewer than 10 such validation patients"
    assert mark not in tell(kl, tmp_path / "none", thresholds=lambda frame: frame.assign(too_few=False))
    few = {"kl_1"}
    text = tell(kl, tmp_path / "one", thresholds=lambda frame: frame.assign(too_few=frame["outcome"].isin(few)))
    assert mark in text
    marked = Made({**kl.options, "statistics": tmp_path / "one/statistics"}, kl.folder).results
    assert [row[0] for row in TABLES["performance"](marked).rows if any("*" in cell for cell in row[1:])] == ["1"]
    assert [row[0] for row in TABLES["optimism"](marked).rows if any("*" in cell for cell in row[1:])] == ["1"]


def test_no_predictive_value_is_stated_at_a_threshold_that_was_chosen_on_the_test_set(kl, tmp_path):
    statistics = shutil.copytree(kl.options["statistics"], tmp_path / "statistics")
    path = statistics / "prevalence.csv"
    frame = pd.read_csv(path)
    frame.assign(chosen_on=frame["chosen_on"].mask(frame["outcome"] == "kl_0", "test")).to_csv(path, index=False)
    table = TABLES["prevalence"](Made({**kl.options, "statistics": statistics}, kl.folder).results)
    stated = {row[0]: row[-2:] for row in table.rows if len(row) > 1}
    assert stated["0"] == [NONE, NONE] and NONE not in stated["3"]


def test_what_a_small_validation_set_loses_is_not_called_optimism(kl, tmp_path):
    text = tell(kl, tmp_path, optimism=lambda frame: frame.assign(difference=0.07, optimism=0.02))
    assert "Youden's J was 0.07 higher on average than at those of the validation set" in text
    assert "that it is tested on added 0.02 to J on average of" in text
    assert "would have overstated Youden's J by 0.02 on average" in text
    for number, gain in enumerate((0.004, -0.03)):
        text = tell(kl, tmp_path / str(number), optimism=lambda frame, gain=gain: frame.assign(optimism=gain))
        assert (
            "would not have overstated Youden's J on average." in text and "have overstated Youden's J by" not in text
        )


def test_calibration_and_decision_curves_name_their_prevalence(kl, turns, tmp_path):
    for said in (
        "Calibration is therefore stated at the prevalence of the training set",
        "shows the net benefit of acting on",
    ):
        assert said in turns["first"]
    none = tell(kl, tmp_path, decisions=lambda frame: frame.assign(net_benefit=float("nan")))
    assert "shows the net benefit of acting on" not in none


def test_more_than_two_readers_have_one_agreement(kl, tmp_path):
    """Pairs of three readers who rotate are no span that a pair with one exam stretches: alpha speaks for all."""
    reference = shutil.copytree(kl.options["reference"], tmp_path / "reference")
    frame = pd.read_csv(reference / "agreement.csv")
    overall = frame.assign(first="all", second="readers", alpha=0.81, alpha_low=0.78, alpha_high=0.84)
    gone = [column for column in frame if column.startswith(("kappa", "percent"))]
    overall[gone] = float("nan")
    pd.concat([overall, frame]).to_csv(reference / "agreement.csv", index=False)
    three = Made({**kl.options, "reference": reference}, kl.folder)
    text = tell(three, tmp_path / "text")
    assert "had a Krippendorff's alpha of 0.81 (0.78 to 0.84)" in text
    assert "quadratic weighted kappa of 0" not in text[text.index("Agreement of the readers") :][:1200]
    table = TABLES["agreement"](three.results)
    assert "Krippendorff's alpha" in table.head and any("all readers" in row[0] for row in table.rows)


def test_the_expected_width_is_told_where_it_was_worked_out(kl, turns, tmp_path):
    said = "intervals of single outcomes are expected to be 0.06 to 0.13 wide"
    assert said in turns["first"]
    assert "are expected to be" not in tell(kl, tmp_path, sample_size=lambda frame: frame.iloc[:0])


def test_aucs_that_look_alike_are_not_said_to_range(kl, tmp_path):
    alike = tell(kl, tmp_path / "alike", roc=with_aucs(location=0.7612, grade=0.8312))
    assert "The AUC was 0.76 for medial osteoarthritis, lateral osteoarthritis and patellofemoral" in alike
    assert alike.count("The AUC of each single grade was 0.83") == 2 and "single grades ranged" not in alike
    text = tell(kl, tmp_path / "spread", roc=with_aucs(location=[0.7, 0.8, 0.9]))
    assert "The AUC of locations ranged from 0.70" in text and "The AUC was" not in text


def test_a_public_cohort_with_implants_is_not_said_to_have_none(kl, tmp_path):
    facts = {"implants": True, "single_knees": False, "published_grades": False, "title": "public exams"}
    text = tell(kl, tmp_path / "with", "public", {"cohort": facts})
    for false in (
        "are not among those that were graded",
        "nothing of exams with implants",
        "cut out and processed by others",
    ):
        assert false not in text
    assert "grades came with the images" not in text
    assert "are not among those that were graded" in tell(kl, tmp_path / "without", "public")


def test_slopes_are_told_by_their_intervals(kl, tmp_path):
    def change(low, high):
        def to(frame):
            frame["slope"], frame["slope_low"], frame["slope_high"] = 1.0, 0.9, 1.1
            frame.loc[frame["outcome"] == "kl_1", ["slope", "slope_low", "slope_high"]] = (low + high) / 2, low, high
            return frame

        return to

    said = {
        "are more extreme than the data warrant, for Kellgren-Lawrence grade 1": (0.5, 0.9),
        "are less extreme than the data warrant, for Kellgren-Lawrence grade 1": (1.2, 1.9),
        "Every interval includes one.": (0.8, 1.2),
    }
    for number, ends in enumerate(said.values()):
        text = tell(kl, tmp_path / str(number), calibration=change(*ends))
        assert [sentence for sentence in said if sentence in text] == [list(said)[number]]


def test_the_largest_optimism_is_the_one_in_the_table(kl, tmp_path):
    """Findings have thresholds as well: the text names the most of all that the table shows."""

    def change(frame):
        frame["optimism"] = 0.01
        frame.loc[frame["outcome"] == "medial", "optimism"] = 0.31
        return frame

    text = tell(kl, tmp_path, optimism=change)
    assert "and at most 0.31, for medial osteoarthritis." in text


def test_only_the_published_frequency_is_called_so(kl, turns, tmp_path):
    assert "Implants are as frequent as in the published cohort" in turns["first"]
    population = {"training_findings": {"tka": 900}}
    text = tell(kl, tmp_path, config={"simulate": {"population": population}})
    assert "as in the published cohort" not in text and "fractures are as frequent as configured" in text


def test_one_question_stands_once_in_the_tables_of_differences(kl):
    """Grades 2 to 4 and disease divide the exams as grades 0 to 1 do; a subgroup of one level compares nothing."""
    rows = TABLES["subgroups"](kl.results).rows
    headings = [row[0] for row in rows if len(row) == 1]
    assert len(headings) == len(set(headings)) < len(kl.results.outcomes("group", "disease"))
    assert any("0 to 1" in name and "2 to 4" in name and "osteoarthritis" in name for name in headings)
    assert TABLES["comparisons"](kl.results).rows == [
        ["Disease"],
        ["Radiographic osteoarthritis, senior 1", "60", "0.02 (−0.03 to 0.07)", "0.40"],
    ]


def test_the_smallest_p_of_subgroups_names_what_was_compared(kl, tmp_path):
    """Grades have comparisons as well, which no table shows: the text names the one, and where the others are."""

    def change(frame):
        rows = frame[frame["outcome"] == "kl_0_1"].assign(outcome="kl_3")
        rows["p_holm"] = [0.23, *[1.0] * (len(rows) - 1)]
        return pd.concat([frame, rows])

    found = values(kl, tmp_path, subgroups=change)["subgroups"]
    assert found["smallest_p"] == "= 0.23, for Kellgren-Lawrence grade 3 (sex: female)"
    assert found["some_unshown"] and found["merged"]


def test_the_subgroups_of_a_question_are_those_of_the_outcome_that_was_tested(tmp_path):
    """Merged grades 1 to 3 of an item of four levels ask what grade 0 asks, which comes first and is tested."""
    oarsi = Made(make_study(tmp_path / "in", SCHEMES["oarsi"]), tmp_path)
    path = oarsi.options["statistics"] / "subgroups.csv"
    frame = pd.read_csv(path)
    merged = frame["outcome"] == "jsn_medial_1_3"
    assert merged.any()
    tested = frame[merged].assign(outcome="jsn_medial_0", p_holm=0.31)
    frame.loc[merged, ["difference_low", "difference_high", "p", "p_holm"]] = float("nan")
    pd.concat([tested, frame]).to_csv(path, index=False)
    rows = TABLES["subgroups"](oarsi.results).rows
    heading = next(i for i, row in enumerate(rows) if len(row) == 1 and "narrowing 0" in row[0])
    assert "narrowing 1 to 3" in rows[heading][0] and rows[heading + 1][-1] == "0.31"
    significant = {"p_holm": 0.01, "difference": -0.12, "difference_low": -0.2, "difference_high": -0.04}
    tested.assign(**significant).iloc[:1].to_csv(path, index=False)
    found = values(oarsi, tmp_path / "values")["subgroups"]
    assert found["which"] == "medial joint space narrowing grade 0 (sex: female, −0.12, −0.20 to −0.04)"


def test_the_share_of_training_in_the_uncertainty_is_told_or_that_it_is_not_known(kl, tmp_path):
    def of(training, sampling):
        return lambda frame: frame.assign(
            seeds=3, highest=frame["lowest"] + 0.03, training_error=training, sampling_error=sampling
        )

    config = {"network": {"seeds": [0, 1, 2]}}
    text = tell(kl, tmp_path / "some", config=config, seeds=of(0.01, 0.02))
    assert "the AUCs of the same outcome lay 0.03 apart" in text
    assert "Of the uncertainty of the AUCs, as variance, about 20% is the training's own" in text
    assert "lowest and highest AUC of the 3 networks, each by itself" in text and "random start" not in text
    assert "less than 1% is the training's own" in tell(kl, tmp_path / "little", config=config, seeds=of(0.0001, 0.02))
    alone = tell(kl, tmp_path / "one", config={"network": {"seeds": [0]}}, seeds=lambda frame: frame.assign(seeds=1))
    assert "is the training's own" not in alone and "each by itself" not in alone
    assert "One network was trained; how far its random start moves an AUC is not known." in alone
    assert "What another random start of training would change is not known from one network." in alone


def test_readings_of_which_no_kappa_can_be_had_are_not_called_missing(kl, tmp_path):
    """Readers who all gave one grade have no kappa, and pairs who share few exams aren't measured: both read twice."""
    reference = shutil.copytree(kl.options["reference"], tmp_path / "reference")
    frame = pd.read_csv(reference / "agreement.csv")
    said = "could not be estimated: exams that two read are too few, or graded too much alike."
    kappas = [column for column in frame if column.startswith("kappa")]
    frame.assign(**dict.fromkeys(kappas, float("nan"))).to_csv(reference / "agreement.csv", index=False)
    text = tell(Made({**kl.options, "reference": reference}, kl.folder), tmp_path / "none")
    assert said in text and "not read twice" not in text
    overall = frame.assign(first="all", second="readers", alpha=0.81, alpha_low=0.78, alpha_high=0.84)
    gone = [column for column in frame if column.startswith(("kappa", "percent"))]
    both = pd.concat([overall, frame]).assign(**dict.fromkeys(gone, float("nan")))
    both.to_csv(reference / "agreement.csv", index=False)
    found = values(Made({**kl.options, "reference": reference}, kl.folder), tmp_path / "alpha")["agreement"]["test"]
    assert (found["twice"], found["any"], found["overall"], found["pair"]) == (True, True, True, False)
    frame.iloc[:0].to_csv(reference / "agreement.csv", index=False)
    found = values(Made({**kl.options, "reference": reference}, kl.folder), tmp_path / "unread")["agreement"]["test"]
    assert not found["twice"] and not found["any"]


def test_readers_who_all_gave_one_grade_are_not_called_missing_beside_the_network(kl, tmp_path):
    """Their kappa doesn't exist, but they read independently, and the table has their other measures."""

    def alike(frame):
        kappa = (frame["measure"] == "quadratic_kappa") & (frame["who"] != "network")
        return frame.assign(estimate=frame["estimate"].mask(kappa))

    text = tell(kl, tmp_path / "alike", readers=alike)
    assert "By a weighted kappa the network could not be compared with the readers" in text
    assert "The network and the readers against the reference, with 95%" in text
    assert "Without independent readings" not in text
    unread = tell(kl, tmp_path / "unread", readers=lambda frame: frame.iloc[:0])
    assert "Without independent readings" in unread and "By a weighted kappa" not in unread


def test_temperatures_are_told_or_that_the_validation_set_was_too_small(kl, turns, tmp_path):
    assert "and more certain below; it was 0.84 for the grades and 1.25 for findings." in turns["first"]
    small = tmp_path / "temperatures.csv"
    pd.read_csv(kl.options["temperatures_file"]).assign(temperature=1.0).to_csv(small, index=False)
    text = tell(Made({**kl.options, "temperatures_file": small}, kl.folder), tmp_path / "small")
    assert "too small for a temperature" in text and "makes scores less certain" not in text


def test_a_network_is_placed_beside_the_readers_item_by_item(tmp_path):
    """Last on one item and first on another is not among the readers, though the mean of the items is."""
    oarsi = Made(make_study(tmp_path / "in", SCHEMES["oarsi"]), tmp_path)
    items = list(oarsi.results.scheme.items)

    def change(frame):
        frame["estimate"] = frame["who"].map({"network": 0.85, "senior-1": 0.8, "senior-2": 0.9})
        own = frame["who"] == "network"
        frame.loc[own & (frame["item"] == items[0]), "estimate"] = 0.1
        frame.loc[own & (frame["item"] == items[1]), "estimate"] = 0.99
        return frame

    found = values(oarsi, tmp_path / "out", readers=change)["readers"]
    assert found["mixed"] and not (found["below"] or found["within"] or found["above"])
    said = "below that of every reader for 1, among those of the readers for 4 and above that of every reader for 1"
    assert found["places"] == f"{said} of 6 items"


def test_ensembles_and_films_that_are_cut_are_told_as_such(kl, tmp_path):
    config = {"network": {"seeds": [0, 1, 2]}, "ingest": {"cut": {"single": "knee"}}}
    text = tell(kl, tmp_path, config=config)
    for said in (
        "An ensemble of 3 residual convolutional networks saw all images",
        "An ensemble of 3 networks trained on",
        "in the results, the network is this ensemble",
        "Of a frontal film of one knee, a square of 140 mm about the joint was used.",
        "it was not located in other images.",
    ):
        assert said in text
    assert "The joint was not located," not in text


def test_most_is_more_than_half(kl, tmp_path):
    def change(lower, higher):
        signs = [-0.1] * lower + [0.1] * higher
        return lambda frame: frame.assign(difference=signs + [0.002] * (len(frame) - len(signs)))

    names = ("mostly_lower", "mostly_higher", "even")
    for number, (lower, higher, said) in enumerate(
        ((6, 4, "mostly_lower"), (2, 6, "mostly_higher"), (3, 3, "even"), (4, 3, None))
    ):
        found = values(kl, tmp_path / str(number), published=change(lower, higher))["original"]["compared"]
        assert [name for name in names if found[name]] == ([said] if said else []), (lower, higher)
    # What is gone in rounding is the same, complements count once, and few cases not at all where there are more.
    assert (found["n"], found["sides"]) == ("8 outcomes", "lower for 4, higher for 3 and the same for 1")
    assert found["spread"] == " (from −0.10 to 0.10)"
    assert values(kl, tmp_path / "all", published=change(10, 0))["original"]["compared"]["sides"] == "lower for all"


def test_captions_cite_the_published_results_that_the_study_names(kl, tmp_path):
    published = tmp_path / "theirs.yaml"
    text = Path("analysis/statistics/olsson2021.yaml").read_text(encoding="utf-8")
    published.write_text(text.replace("source: olsson2021", "source: tiulpin2018"), encoding="utf-8")
    tell(kl, tmp_path, config={"statistics": {"published": str(published)}})
    source = (tmp_path / "manuscript/manuscript.qmd").read_text(encoding="utf-8")
    for caption in ("AUC of the published study", "Checks of the published tables", "of cases of the published study"):
        assert f"{caption} [@tiulpin2018]" in source


def test_a_public_cohort_of_single_knees_that_says_nothing_of_its_patients(kl, tmp_path):
    """No exam is left out, each has one image, no age, no sex and no finding, and no subgroup divides the exams."""
    options = dict(kl.options)
    for part in ("selection", "reference", "index"):
        options[part] = shutil.copytree(kl.options[part], tmp_path / part)
    exams = pd.read_parquet(options["selection"] / "exams.parquet")
    exams = exams[exams["set"] != "excluded"].assign(images=1, age=float("nan"), sex=None)
    exams.to_parquet(options["selection"] / "exams.parquet")
    graded = pd.read_parquet(options["reference"] / "reference.parquet")
    findings = list(kl.results.scheme.findings)
    graded.assign(**dict.fromkeys(findings, float("nan")), kl_level=0).to_parquet(
        options["reference"] / "reference.parquet"
    )
    pd.DataFrame({"kind": ["found", "indexed"], "code": None, "n": [1000, 1000]}).to_csv(
        options["index"] / "counts.csv", index=False
    )
    alike = lambda frame: frame[frame["level"].isin(["female", "under 65", "with"])]  # noqa: E731
    text = tell(Made(options, kl.folder), tmp_path / "text", "public", subgroups=alike)
    for said in (
        "None of 1,000 exams was left out (Figure",
        "An exam is one knee at one visit.",
        "The archive held 1,000 files, all of them radiographs that could be used.",
        "convolutional networks saw the one image of each exam and no text.",
        "The patient's age at 1,000 exams is not known, so that none of them was left out as that of a child.",
        "Neither age nor sex of the patients is known.",
        "Subgroups were not compared: the test exams do not differ",
        "Subgroups were not compared, so that nothing is known of fairness.",
    ):
        assert said in text, said
    for false in (
        "several images.", "all images of an exam", "joined by their maximum", "Each other outcome was learnt", "in subgroups",
        "AUC by subgroup", "Not part of this run", "Subgroups were compared", "printed as one was planned",
    ):  # fmt: skip
        assert false not in text, false


def test_what_stands_in_a_text_of_few_cases_is_referred_to(kl, tmp_path):
    few = {"roc": lambda frame: frame.assign(too_few=True), "calibration": lambda frame: frame.assign(slope=None)}
    tell(kl, tmp_path, **few)
    text = (tmp_path / "manuscript/manuscript.qmd").read_text()
    assert "No calibration slope could be estimated" in text
    stands, referred = (set(re.findall(rf"{sign}((?:tbl|fig)-[\w-]+)", text)) for sign in (r"\{#", "@"))
    assert len(stands) > 20 and stands - referred == set()


def test_every_figure_and_table_is_referred_to():
    text = prose()
    made = set(re.findall(r"::: \{#((?:fig|tbl)-[\w-]+)", text))
    assert len(made) > 30
    assert made - set(re.findall(r"@((?:fig|tbl)-[\w-]*\w)", text)) == set()


def test_a_long_heading_takes_no_room_from_the_cells():
    """It is set in two lines; the cells of the other columns, such as 0.087 (0.074 to 0.102), stay in one."""
    table = Table(
        ["", "Brier score", "Intercept, test set as it is (95% CI)"], [["0", "0.087 (0.074 to 0.102)", "0.55"]]
    )
    first, brier, intercept = (len(cell.strip()) for cell in to_markdown(table).splitlines()[1].strip("|").split("|"))
    assert first < intercept < brier


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0496, "< 0.05"), (0.05, "0.050"), (0.0504, "0.050"), (0.00996, "< 0.01"), (0.0004, "< 0.001"), (0.1999, "< 0.2"), (0.36, "0.36")],
)  # fmt: skip
def test_no_p_value_is_lifted_to_a_level_by_rounding(value, said):
    assert p_value(value) == said


def test_no_word_of_the_authors_vanishes_as_a_tag(kl, tmp_path):
    said = "Films of <pilot> knees, of R&D and of p < 0.05"
    text = tell(kl, tmp_path, config={"cohort": {"description": f"{said}, at <https://example.org>."}})
    assert f"{said}, at https://example.org." in text


def test_names_of_cohort_and_authors_are_taken_literally(kl, tmp_path):
    odd = "<b> *2* $x$ and $y$ [mm] _x_"
    author = {"name": f"Ann {odd}", "affiliation": f"Ward {odd}", "email": "_a_@example.org"}
    settings = load_yaml(kl.options["settings"]) | {"authors": [author]}
    (tmp_path / "settings.yaml").write_text(dump_yaml(settings))
    made = Made(kl.options | {"settings": tmp_path / "settings.yaml"}, kl.folder)
    made.values(tmp_path / "values.yml", config={"cohort": {"title": f"archive {odd}"}})
    made.stage(tmp_path / "manuscript", values=tmp_path / "values.yml")
    for path in render(tmp_path / "manuscript", ManuscriptSettings(formats=("html", "docx")), "pandoc"):
        text = plain_text(path)
        for told in (f"an archive {odd}", f"Ann {odd}", f"Ward {odd}", "_a_@example.org"):
            assert told in text, (path.name, told)


def test_titles_of_a_grading_are_taken_literally(kl, tmp_path):
    text = kl.options["grading"].read_text(encoding="utf-8")
    text = text.replace("title: Kellgren-Lawrence grade", "title: Width <b> *2* mm_x_ grade")
    (tmp_path / "gradings").mkdir()
    (tmp_path / "gradings/kl.yaml").write_text(text, encoding="utf-8")
    options = kl.options | {"grading": tmp_path / "gradings/kl.yaml"}
    told = tell(Made(options, kl.folder), tmp_path / "told")
    assert "for width <b> *2* mm_x_ grade" in told
