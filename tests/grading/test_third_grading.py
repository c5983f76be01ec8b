"""A grading of one's own goes from readings to estimates, tables and figures without touching Python."""

import pandas as pd

from analysis.grading.scheme import load_scheme
from tests.grading.conftest import SCHEMES, SETS, run


def test_every_stage_follows_the_invented_schemes(study):
    for name in SCHEMES:
        scheme = load_scheme(study / f"{name}.yaml")
        ids = [outcome.id for outcome in scheme.outcomes]
        reference = pd.read_parquet(study / name / "reference/reference.parquet")
        assert list(reference)[3:] == [
            *scheme.items,
            *scheme.findings,
            *scheme.sums,
            *(i for i in ids if i not in scheme.findings),
        ]
        predictions = pd.read_parquet(study / name / "predictions/exams.parquet")
        assert set(ids) | set(scheme.items) <= set(predictions)
        assert len(predictions) == SETS["validation"] + SETS["test"]
        roc = pd.read_csv(study / name / "statistics/roc.csv")
        assert list(roc.loc[roc["set"] == "test", "outcome"]) == ids
        confusion = pd.read_csv(study / name / "statistics/confusion.csv")
        assert set(confusion["item"]) == set(scheme.items)
        agreement = pd.read_csv(study / name / "reference/agreement.csv")
        assert set(agreement["item"].dropna()) == {*scheme.items, *scheme.findings, *scheme.sums, "disease"}


def test_the_network_learns_what_the_readers_saw(study):
    """Brightness is illness in these images; a network that hears the readings finds that out."""
    roc = pd.read_csv(study / "fjord/statistics/roc.csv").set_index(["set", "outcome"])
    assert roc.loc[("test", "disease"), "auc"] > 0.8


def test_the_manuscript_follows_the_invented_scheme(study):
    out = study / "fjord"
    where = [
        "--grading",
        study / "fjord.yaml",
        "--settings",
        study / "manuscript.yaml",
        "--selection",
        study / "selection",
    ]
    where += ["--statistics", out / "statistics", "--reference-folder", out / "reference"]
    run("tables", *where, "--out", out / "tables")
    run("figures", *where, "--out", out / "figures")
    scheme = load_scheme(study / "fjord.yaml")
    table = (out / "tables/performance.md").read_text()
    assert scheme.disease.title in table
    assert all(item.title in table for item in scheme.items.values())
    assert (out / "figures/confusion.svg").stat().st_size > 1000
