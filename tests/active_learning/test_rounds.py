"""Rounds: who may be asked for, what is hidden, and the learning curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.active_learning.curve import collect, judged, performance, stops, summarise
from analysis.active_learning.readings import label_read
from analysis.active_learning.rounds import add_unread, draw, draw_start, hide, labelled, pool
from analysis.active_learning.settings import ActiveLearningSettings
from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.scheme import load_scheme
from analysis.grading.settings import ReferenceSettings

SCHEME = load_scheme("workflow/gradings/kl.yaml")


def standard(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kl = pd.Series(rng.integers(0, 5, n).astype(float))
    table = pd.DataFrame(
        {"exam": [f"e{i:03}" for i in range(n)], "patient": [f"p{i // 2:03}" for i in range(n)], "kl": kl}
    )
    table["set"] = [("training", "training", "training", "validation", "test")[i // 2 % 5] for i in range(n)]
    return pd.concat([table[["exam", "patient", "set"]], kl.rename("kl"), SCHEME.derive(table[["kl"]])], axis=1)


@settings(max_examples=15, deadline=None)
@given(start=st.integers(1, 40), batch=st.integers(6, 30), seed=st.integers(0, 5))
def test_no_exam_is_asked_for_twice_and_none_of_other_sets(start, batch, seed):
    whole = standard()
    asked = list(draw_start(hide(whole, ()), start, np.random.default_rng(seed))["exam"])
    while left := pool(hide(whole, asked), asked):
        asked += list(draw(left, batch, np.random.default_rng(seed))["exam"])
    assert len(asked) == len(set(asked))
    assert set(asked) == set(whole.loc[whole["set"] == "training", "exam"])


def test_only_what_was_asked_for_has_labels():
    whole = standard()
    asked = whole.loc[whole["set"] == "training", "exam"].tolist()[:7]
    table = hide(whole, asked)
    training = table["set"] == "training"
    assert set(table.loc[training & labelled(table), "exam"]) == set(asked)
    rest = table.drop(columns=["exam", "patient", "set"])[training & ~table["exam"].isin(asked)]
    assert rest.isna().all(axis=None)
    kept = ~training | table["exam"].isin(asked)
    pd.testing.assert_frame_equal(table[kept], whole[kept])


def test_a_patient_of_another_set_stops_the_round():
    whole = standard()
    whole.loc[whole["exam"] == "e000", "patient"] = whole.loc[whole["set"] == "test", "patient"].iloc[0]
    with pytest.raises(StudyError, match="e000"):
        pool(hide(whole, ()), ())


def test_what_the_archive_has_read_is_counted_into_the_start():
    whole = standard()
    training = whole[whole["set"] == "training"]
    graded = whole[(whole["set"] != "training") | whole["exam"].isin(training["exam"].iloc[:10])]
    table = add_unread(graded, whole[["exam", "patient", "set"]])
    assert len(table) == len(whole)
    start = draw_start(table, 15, np.random.default_rng(0))
    assert len(start) == 5
    assert not set(start["exam"]) & set(training["exam"].iloc[:10])
    assert draw_start(table, 10, np.random.default_rng(0)).empty


def test_performance_is_the_mean_share_of_pairs_in_order():
    whole = standard()
    rng = np.random.default_rng(3)
    predictions = whole[["exam", "patient", "set"]].assign(
        **{outcome.id: rng.random(len(whole)).round(1) for outcome in SCHEME.outcomes}
    )
    shares = []
    for name in judged(SCHEME, "groups"):
        test = whole[whole["set"] == "test"]
        score = predictions.set_index("exam")[name]
        pairs = [
            (score[a] > score[b]) + 0.5 * (score[a] == score[b])
            for a in test.loc[test[name] == 1, "exam"]
            for b in test.loc[test[name] == 0, "exam"]
        ]
        shares.append(np.mean(pairs))
    found = performance(whole, predictions.sample(frac=1, random_state=1), judged(SCHEME, "groups"), "test")
    assert found == pytest.approx(np.mean(shares))
    assert performance(whole, predictions.assign(disease=np.nan), ["disease"], "test") == 0.5
    # One exam without a score had made one half of all of them.
    lacking = predictions.assign(disease=whole["disease"].where(whole["exam"] != test["exam"].iloc[0]))
    assert performance(whole, lacking, ["disease"], "test") == 1


def test_learning_curve_averages_over_seeds_and_pairs_them_with_random(tmp_path):
    whole, rng = standard(), np.random.default_rng(1)
    training = whole.loc[whole["set"] == "training", "exam"].tolist()
    truth = {}
    for seed in (0, 1, 2):
        for strategy, number in [("start", 0), ("random", 1), ("random", 2), ("margin", 1), ("margin", 2)]:
            place = tmp_path / strategy / f"seed-{seed}" / f"round-{number}"
            write_table(hide(whole, training[: 10 + 5 * number]), place / "reference.parquet")
            table = whole[whole["set"] != "training"][["exam", "patient", "set"]].reset_index(drop=True)
            for outcome in SCHEME.outcomes:
                table[outcome.id] = rng.random(len(table))
            write_table(table, place / "predictions/exams.parquet")
            truth[strategy, seed, number] = performance(whole, table, judged(SCHEME, "groups"), "test")
    found = collect(tmp_path, SCHEME, ["random", "margin"], [0, 1, 2], 2, "groups")
    assert found.groupby("round")["labelled"].unique().map(list).to_dict() == {0: [10], 1: [15], 2: [20]}
    curve = summarise(found, 0.95).set_index(["strategy", "round"])
    gains = [truth["margin", seed, 2] - truth["random", seed, 2] for seed in (0, 1, 2)]
    row = curve.loc["margin", 2]
    assert row["difference"] == pytest.approx(np.mean(gains))
    expected = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(expected))
    assert curve.loc["margin", 0]["test"] == curve.loc["random", 0]["test"]
    ends = stops(found, ActiveLearningSettings(tolerance=1.0, patience=1))
    assert (ends["stopped"] == 1).all() and (ends["labelled"] == 15).all()
    assert (stops(found, ActiveLearningSettings(patience=9))["stopped"] == 0).all()


def test_readings_of_a_round_are_of_exams_by_any_name_of_theirs(tmp_path):
    """Where an archive has no accession numbers the reading room writes the StudyInstanceUID; a slip isn't left out."""
    exams = pd.DataFrame({"exam": ["a", "b"], "patient": ["p", "q"], "set": ["training", "test"], "words": False})
    write_table(
        exams.assign(images=1, reason=None, protocol=None, side=None, age=60.0, sex=None, day=0), tmp_path / "e.parquet"
    )
    private = exams.assign(
        path="x", image="i", patient_id="1", pixel_hash="h", accession=[None, "2"], study_uid=["1.1", "1.2"]
    )
    write_table(private, tmp_path / "p.parquet")
    row = {"role": "senior", "session": "test", "item": "kl", "value": 1, "revisit": False, "time": None, "exam": "b"}
    write_table(pd.DataFrame([row | {"reader": one} for one in "MN"]), tmp_path / "r.parquet")
    files = [tmp_path / f"{name}.parquet" for name in "erp"]
    head = "exam,reader,role,session,item,value,revisit,time\n"
    (tmp_path / "read.csv").write_text(head + "1.1,S,reader,,kl,3,0,\n")
    arguments = ([tmp_path / "read.csv"], ["a"], *files, SCHEME, ReferenceSettings())
    assert label_read(*arguments).set_index("exam")["kl"].to_dict() == {"a": 3, "b": 1}
    (tmp_path / "read.csv").write_text(head + "1.1,S,reader,,kl,3,0,\n1.9,S,reader,,kl,3,0,\n")
    with pytest.raises(StudyError, match=r"line 3: exam 1\.9 has readings, but no file"):
        label_read(*arguments)
