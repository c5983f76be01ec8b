"""The bootstrap of patients against pROC's AUC of the exams drawn, one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.resample import (
    Resamples,
    clustered,
    patient_weights,
    percentile,
    seed_for,
    weighted_auc,
)


def names(*numbers):
    return np.array([f"p{n}" for n in numbers], dtype=object)


def test_weighted_auc_is_procs_of_the_exams_drawn(rng):
    patients = names(*np.repeat(np.arange(20), 3))
    truth = (rng.random(60) < 0.3).astype(float)
    score = np.round(rng.normal(size=60) + truth, 1)
    weights = patient_weights(patients, 40, rng)
    found = weighted_auc(truth, score, weights)
    for column in range(40):
        drawn = np.repeat(np.arange(60), weights[:, column].astype(int))
        assert found[column] == pytest.approx(roc.auc(truth[drawn], score[drawn]), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_weighted_auc_is_scikit_learns_weighted(seed, distinct):
    rng = np.random.default_rng(seed)
    truth = (rng.random(30) < 0.5).astype(float)
    score = rng.integers(0, distinct, 30).astype(float)
    weights = rng.integers(0, 3, (30, 5)).astype(float)
    for column, found in enumerate(weighted_auc(truth, score, weights)):
        w = weights[:, column]
        if w[truth == 1].sum() == 0 or w[truth == 0].sum() == 0:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(roc_auc_score(truth, score, sample_weight=w), abs=1e-12)


def test_exams_of_a_patient_are_drawn_together(rng):
    patients = names(1, 1, 2, 3, 3, 3)
    weights = patient_weights(patients, 500, rng)
    assert (weights[0] == weights[1]).all()
    assert (weights[3] == weights[4]).all()
    # As many patients as there are.
    assert (weights[0] + weights[2] + weights[3] == 3).all()
    assert weights.mean(axis=1) == pytest.approx(np.ones(6), abs=0.15)


def test_patients_draw_wider_than_exams_where_they_agree(rng):
    truth = np.repeat((rng.random(100) < 0.4).astype(float), 2)
    score = np.repeat(rng.normal(size=100), 2) + truth
    pairs, single = names(*np.repeat(np.arange(100), 2)), names(*range(200))
    widths = []
    for patients in (pairs, single):
        low, high = Resamples.draw(patients, 2000, 0.95, 1).interval(lambda w: weighted_auc(truth, score, w))
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(2), rel=0.15)


def test_bootstrap_of_single_exams_is_close_to_procs(rng):
    truth = (rng.random(300) < 0.4).astype(float)
    score = rng.normal(size=300) + truth
    low, high = Resamples.draw(names(*range(300)), 4000, 0.95, 1).interval(lambda w: weighted_auc(truth, score, w))
    values, _ = roc.intervals(truth, score, 0.95, 2000, 1)
    assert (low, high) == pytest.approx((values["bootstrap_low"], values["bootstrap_high"]), abs=0.01)


def test_replicates_without_a_case_are_left_out_until_they_are_too_many():
    assert percentile(np.array([np.nan, 1, 2, 3.0]), 0.95) == pytest.approx((1.05, 2.95))
    assert np.isnan(percentile(np.array([np.nan, np.nan, np.nan, 1, 2.0]), 0.95)).all()


def test_seeds_rest_on_names_alone():
    assert seed_for(1, "roc", "test", "a") == seed_for(1, "roc", "test", "a")
    seeds = {seed_for(s, "roc", which, o) for s in (1, 2) for which in ("validation", "test") for o in ("a", "b", "c")}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_clustered():
    assert clustered(names(1, 2, 1))
    assert not clustered(names(1, 2, 3))
