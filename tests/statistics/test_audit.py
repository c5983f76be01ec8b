"""The audit of the published tables, and published results beside this study's."""

import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.statistics.audit import audit
from analysis.statistics.published import Published, compare_published, load_published


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


def test_published_beside_ours(olsson, kl):
    roc = pd.DataFrame(
        {"set": "test", "outcome": ["kl_0", "kl_2", "medial"], "cases": 9, "auc": [0.9, 0.85, 0.5],
         "low": [0.8, 0.87, None], "high": [0.92, 0.9, None], "reason": None}
    )  # fmt: skip
    table = compare_published(olsson, roc, kl).set_index("outcome")
    assert list(table.index) == ["kl_0", "kl_2", "medial"]
    assert table.loc["kl_0", "difference"] == pytest.approx(-0.07)
    assert table["overlap"].tolist() == [False, False, None]


def test_a_study_without_a_mean_has_none():
    empty = Published(source="x", sets={"test": 10})
    assert audit(empty).empty


def test_unknown_published_results_are_an_error():
    with pytest.raises(StudyError, match=r"statistics\.published is 'nobody'"):
        load_published("nobody")
