"""The audit of the published tables, and published results beside this study's."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.errors import StudyError
from analysis.grading.scheme import Scheme
from analysis.statistics.audit import audit
from analysis.statistics.beside_published import compare_published, difference
from analysis.statistics.published import Published, load_published
from analysis.statistics.uncertainty import roc


@pytest.fixture(scope="module")
def olsson():
    return load_published("olsson2021")


def test_what_does_not_hold_in_the_paper(olsson):
    table = audit(olsson)
    failed = table[~table["holds"]]
    found = {(row["row"], row["check"]): row["recomputed"] for _, row in failed.iterrows()}
    assert found[("all levels of kl", "counts add up (training)")] == 5695
    assert found[("Patella", "present and absent add up (training)")] == 2522
    assert ("KL 0", "interval is symmetric about the AUC") in found
    assert found[("kl", "mean AUC over levels, plain")] == 0.878
    assert not failed["check"].str.startswith("Youden").any()
    means = table[table["check"].str.startswith("mean AUC")].set_index("check")
    assert means.loc["mean AUC over levels and merged levels, weighted by cases", "recomputed"] == 0.921
    assert means["holds"].sum() == 1
    assert table["holds"].sum() > 200


def test_92_per_cent_of_24_is_22(olsson):
    table = audit(olsson).set_index(["row", "check"])
    row = table.loc[("KL 2", "sensitivity comes from a whole count")]
    assert row["holds"]
    assert row["note"] == "22 of 24"


CHANGES = {
    "impossible per cent": ({"sensitivity": 93}, "sensitivity comes from a whole count"),
    "wrong index": ({"youden": 0.6}, "Youden's J is sensitivity + specificity - 1"),
    "wrong cases": ({"cases": 25}, "cases as in the table of counts"),
    "AUC outside": ({"auc": 0.9}, "AUC lies in its interval"),
    "AUC too high for J": ({"auc": 0.95}, "AUC is possible with J as the largest index"),
}


@pytest.mark.parametrize(("change", "check"), CHANGES.values(), ids=CHANGES)
def test_a_spoilt_row_is_found(olsson, change, check):
    rows = tuple(row.model_copy(update=change) if row.outcome == "kl_2" else row for row in olsson.performance)
    table = audit(olsson.model_copy(update={"performance": rows})).set_index(["row", "check"])
    assert not table.loc[("KL 2", check), "holds"]


def test_merged_levels_must_add_up(olsson):
    rows = tuple(row.model_copy(update={"cases": 91}) if row.outcome == "kl_0_1" else row for row in olsson.performance)
    table = audit(olsson.model_copy(update={"performance": rows})).set_index(["row", "check"])
    assert not table.loc[("KL 0 to 1", "cases are the sum of its levels"), "holds"]


def roc_of(**aucs):
    """A roc.csv with an estimate and its limits for each outcome."""
    return pd.DataFrame(
        [
            {"set": "test", "outcome": outcome, "cases": 40, "controls": 60, "auc": auc, "low": low, "high": high, "level": 0.95,
             "too_few": False, "reason": None}
            for outcome, (auc, low, high) in aucs.items()
        ]
    )  # fmt: skip


def test_published_beside_ours(olsson, kl):
    roc = roc_of(kl_0=(0.9, 0.8, 0.92), kl_3=(0.80, 0.75, 0.84), medial=(0.5, None, None))
    table = compare_published(olsson, roc, kl, 10).set_index("outcome")
    assert list(table.index) == ["kl_0", "kl_3", "medial"]
    assert table.loc["kl_0", "difference"] == pytest.approx(-0.07)
    # 0.80 (0.75 to 0.84) and 0.87 (0.83 to 0.90) overlap, and differ by 2.4 standard errors.
    row = table.loc["kl_3"]
    assert row["p"] == pytest.approx(2 * norm.sf(0.07 / np.hypot(0.04, 0.04) * 1.959964), rel=1e-6)
    assert row["p"] == pytest.approx(0.0153, abs=1e-4)
    assert table.loc["kl_0", "p_holm"] == 2 * table.loc["kl_0", "p"]  # Holm: the smaller of two
    assert -0.13 < row["difference_low"] < row["difference_high"] < 0
    assert table.loc["medial", ["difference_low", "p", "p_holm"]].isna().all()


@pytest.mark.parametrize(
    ("change", "compared"),
    [
        ({"levels": {i: f"level {i}" for i in range(4)}, "groups": {"0-1": [0, 1]}}, []),  # 3 is 3 and 4 there
        ({"groups": {"0-1": [0, 1], "2-4": [2, 3, 4]}}, ["kl_0", "kl_0_1"]),
        ({"groups": {"0 1": [0, 1, 2]}}, ["kl_0"]),
    ],
)
def test_what_is_only_called_like_a_published_outcome_is_not_compared_with_it(olsson, kl, change, compared):
    scheme = kl.model_dump()
    scheme["items"]["kl"] |= change
    found = roc_of(kl_0=(0.9, 0.8, 0.92), kl_0_1=(0.9, 0.8, 0.92))
    assert list(compare_published(olsson, found, Scheme.model_validate(scheme), 10)["outcome"]) == compared


def test_complements_are_one_question_with_one_p_value(olsson, kl):
    same = (0.9, 0.88, 0.92)
    table = compare_published(olsson, roc_of(kl_0_1=same, kl_2_4=same, kl_0_2=same), kl, 10).set_index("outcome")
    assert table["p"].notna().to_dict() == {"kl_0_1": True, "kl_0_2": True, "kl_2_4": False}
    assert table.loc["kl_2_4", "reason"] == "the same question as 'KL 0 to 1', tested there"
    assert table.loc["kl_2_4", "difference_low"] == table.loc["kl_0_1", "difference_low"]
    assert table.loc["kl_0_2", "p_holm"] == 2 * table.loc["kl_0_2", "p"]  # the smaller of two, not of three


def test_a_handful_of_cases_in_either_study_is_not_tested(olsson, kl):
    """The published study had three patellae, with an AUC of 1.00 (0.99 to 1.00)."""
    found = {"patella": (0.65, 0.5, 0.8), "kl_0": (0.9, 0.8, 0.92), "kl_3": (0.9, 0.8, 0.92)}
    roc = roc_of(**found)
    roc.loc[roc["outcome"] == "kl_3", "cases"] = 9
    table = compare_published(olsson, roc, kl, 10).set_index("outcome")
    assert table["p"].notna().to_dict() == {"kl_0": True, "kl_3": False, "patella": False}
    assert table.loc["patella", "difference"] == pytest.approx(-0.35)
    for outcome in ("patella", "kl_3"):
        assert table.loc[outcome, ["difference_low", "p_holm"]].isna().all()
        assert table.loc[outcome, "reason"].startswith("fewer than 10 cases or controls in one of the studies")


def test_many_exams_of_a_few_patients_are_not_tested_either(olsson, kl):
    """300 exams of one patient had a P value beside the published 0.97."""
    roc = roc_of(kl_0=(0.6, 0.5, 0.7), kl_3=(0.9, 0.8, 0.92))
    roc.loc[roc["outcome"] == "kl_0", "too_few"] = True
    table = compare_published(olsson, roc, kl, 10).set_index("outcome")
    assert table["p"].notna().to_dict() == {"kl_0": False, "kl_3": True}
    assert table.loc["kl_0", "reason"] == "fewer than 10 patients with a case or a control: no test"
    assert np.isnan(table.loc["kl_0", "difference_low"])


@pytest.mark.parametrize(("gap", "level"), [(0.05, 0.95), (-0.05, 0.95), (0.03, 0.9), (-0.2, 0.99)])
def test_the_interval_excludes_nought_where_the_p_value_says_so(gap, level):
    ours, theirs = (0.8 + gap, 0.75 + gap, 0.83 + gap, level), (0.8, 0.77, 0.81, 0.95)
    found, low, high, p = difference(ours, theirs, level)
    assert (low > 0 or high < 0) == (p < 1 - level)
    # Turned round, the same.
    assert difference(theirs, ours, level) == pytest.approx((-found, -high, -low, p))


def test_the_level_changes_the_interval_but_not_the_p_value():
    ninety = 1.644854 / 1.959964
    wide = difference((0.8, 0.7, 0.9, 0.95), (0.9, 0.8, 1.0, 0.95), 0.95)
    narrow = difference((0.8, 0.8 - 0.1 * ninety, 0.8 + 0.1 * ninety, 0.9), (0.9, 0.8, 1.0, 0.95), 0.9)
    assert narrow[3] == pytest.approx(wide[3], rel=1e-5)
    assert narrow[2] - narrow[1] == pytest.approx(ninety * (wide[2] - wide[1]), rel=1e-5)


def test_two_intervals_without_a_width_have_no_p_value():
    assert np.isnan(difference((1.0, 1.0, 1.0, 0.95), (0.9, 0.9, 0.9, 0.95), 0.95)[1:]).all()


def test_the_p_value_holds_its_level_when_only_intervals_are_known(rng):
    """Two studies of the same network, each known by its AUC and DeLong's interval printed to two decimals."""
    found = []
    for _ in range(1000):
        studies = []
        for cases, controls in ((60, 240), (116, 184)):
            truth = np.r_[np.ones(cases), np.zeros(controls)]
            auc, low, high, _ = roc.delong(truth, rng.normal(size=cases + controls) + 1.2 * truth, 0.95)
            studies.append((*np.round((auc, low, high), 2), 0.95))
        found.append(difference(*studies, 0.95)[3])
    share = float(np.mean(np.array(found) < 0.05))
    assert 0.03 < share < 0.07, share


def test_a_study_without_a_mean_has_none():
    empty = Published(source="x", sets={"test": 10})
    assert audit(empty).empty


def test_unknown_published_results_are_an_error():
    with pytest.raises(StudyError, match=r"statistics\.published is 'nobody'"):
        load_published("nobody")
