"""A network of another study: its thresholds, its own estimates beside these, and its calibration, updated out of sample."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analysis.statistics.beside_published import difference
from analysis.statistics.external import Development, cross_fitted, development_rows, fold_of, updating_rows
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import ExternalSettings, StatisticsSettings
from analysis.statistics.uncertainty.resample import Resamples

SETTINGS = StatisticsSettings(replicates=100)


def sample_of(intercept, slope, n=1500, each=1, seed=0):
    """Exams whose true log odds are `intercept + slope` times those that the network states."""
    rng = np.random.default_rng(seed)
    stated = rng.normal(0, 1.5, n)
    truth = (rng.random(n) < expit(intercept + slope * stated)).astype(float)
    return make_sample(truth, expit(stated), np.array([f"p{i // each}" for i in range(n)], dtype=object))


def updated(sample, folds=10):
    development = Development(pd.DataFrame(), pd.DataFrame(), ExternalSettings(folds=folds))
    resamples = Resamples.draw(sample.patients, 100, 0.95, 1)
    rows = updating_rows(sample, "kl_0", resamples, development, SETTINGS, seed=3)
    return {row["update"]: row for row in rows}


def test_updating_mends_what_is_wrong_and_nothing_else():
    rows = updated(sample_of(-1.0, 0.5))
    assert rows["none"]["intercept_high"] < -0.3 and rows["none"]["slope_high"] < 0.7
    assert not rows["none"]["cross_fitted"] and rows["intercept"]["cross_fitted"]
    assert abs(rows["intercept"]["intercept"]) < 0.05 and rows["intercept"]["slope_high"] < 0.7
    both = rows["intercept and slope"]
    assert abs(both["intercept"]) < 0.05 and both["slope_low"] < 1 < both["slope_high"]
    assert both["brier"] < rows["intercept"]["brier"] < rows["none"]["brier"]


def test_an_exam_is_updated_by_a_fit_that_does_not_know_it():
    """Where labels are noise, a fit to the same exams would seem to help; one to others can't."""
    rng = np.random.default_rng(5)
    truth = np.repeat([1.0, 0.0], 20)
    sample = make_sample(truth, rng.random(40), np.array([f"p{i}" for i in range(40)], dtype=object))
    rows = updated(sample)
    assert rows["intercept and slope"]["brier"] >= 0.25  # that of saying one half of each
    folds = fold_of(sample.patients, 10, np.random.default_rng(1))
    one, _ = cross_fitted(sample, folds, slope=True)
    flipped = sample.truth.copy()
    held = folds == folds[0]
    flipped[held] = 1 - flipped[held]
    other, _ = cross_fitted(make_sample(flipped, sample.score, sample.patients), folds, slope=True)
    np.testing.assert_array_equal(one.score[held], other.score[held])
    assert (one.score[~held] != other.score[~held]).all()


def test_scores_near_0_and_1_are_updated_to_the_share_of_cases():
    """The intercept had run away to -1e15, and every updated score was 0."""
    rng = np.random.default_rng(2)
    truth = (rng.random(200) < 0.3).astype(float)
    score = np.where(rng.random(200) < 0.8, truth, 1 - truth)
    sample = make_sample(truth, score, np.array([f"p{i}" for i in range(200)], dtype=object))
    found, reason = cross_fitted(sample, fold_of(sample.patients, 10, rng), slope=False)
    assert reason is None
    assert found.score.mean() == pytest.approx(truth.mean(), abs=0.02)


def test_no_patient_is_in_two_folds():
    patients = np.array([f"p{i % 30}" for i in range(100)], dtype=object)
    folds = fold_of(patients, 10, np.random.default_rng(0))
    assert pd.Series(folds).groupby(patients).nunique().max() == 1 and set(folds) == set(range(10))
    assert set(fold_of(patients[:4], 10, np.random.default_rng(0))) == set(range(4))


def test_what_cannot_be_updated_says_why():
    sample = sample_of(0, 1, n=40)
    alone = make_sample(np.r_[1.0, np.zeros(39)], sample.score, sample.patients)
    row = updated(alone)["intercept"]
    assert np.isnan(row["intercept"]) and "without one of the folds there is no case" in row["reason"]


@pytest.fixture
def kl():
    from analysis.grading.scheme import load_scheme

    return load_scheme("workflow/gradings/kl.yaml")


def table(auc, low, high, cases=40):
    roc = {"set": "test", "outcome": ["kl_2_4", "kl_0_1", "kl_0"], "cases": cases, "controls": 60, "auc": auc}
    return pd.DataFrame(roc | {"low": low, "high": high, "level": 0.95, "reason": None})


def thresholds(sensitivity):
    ends = {f"{name}{end}": sensitivity for name in ("sensitivity", "specificity") for end in ("", "_low", "_high")}
    ends |= {"sensitivity_low": sensitivity - 0.1, "sensitivity_high": sensitivity + 0.1}
    return pd.DataFrame({"outcome": ["kl_2_4"], "chosen_on": "validation", "threshold": 0.3, "level": 0.95, **ends})


def test_differences_are_of_two_independent_studies(kl):
    theirs = thresholds(0.9).assign(chosen_cases=12, chosen_controls=20).set_index("outcome")
    development = Development(theirs, table(0.95, 0.91, 0.98).set_index("outcome"), ExternalSettings())
    found = development_rows(development, table(0.80, 0.72, 0.87), thresholds(0.7), kl, SETTINGS)
    found = found.set_index(["outcome", "measure"])
    row = found.loc[("kl_0", "auc")]
    gap, low, high, p = difference((0.80, 0.72, 0.87, 0.95), (0.95, 0.91, 0.98, 0.95), 0.95)
    assert (row["difference"], row["difference_low"], row["difference_high"]) == (gap, low, high)
    assert row["p"] == p < row["p_holm"] == 2 * p  # two questions: 0 to 1 and 2 to 4 are one
    assert "same question" in found.loc[("kl_2_4", "auc"), "reason"]
    assert found.loc[("kl_2_4", "sensitivity"), "difference"] == pytest.approx(-0.2)
    assert np.isnan(found.loc[("kl_2_4", "sensitivity"), "p"])
    few = development_rows(development, table(0.80, 0.72, 0.87, cases=4), thresholds(0.7), kl, SETTINGS)
    assert few["p"].isna().all() and few["difference"].notna().all()
    one_patient = table(0.80, 0.72, 0.87).assign(too_few=True)  # of many exams
    few = development_rows(development, one_patient, thresholds(0.7), kl, SETTINGS)
    assert few["p"].isna().all() and few["reason"].str.startswith("fewer than 10 patients").all()


def test_carried_thresholds_come_with_their_numbers():
    theirs = thresholds(0.9).assign(chosen_cases=12, chosen_controls=20).set_index("outcome")
    development = Development(theirs, pd.DataFrame(), ExternalSettings())
    chosen, threshold, reason = development.threshold("kl_2_4")
    assert (chosen.cases, chosen.controls, threshold, reason) == (12, 20, 0.3, None)
    chosen, threshold, reason = development.threshold("kl_4")
    assert (chosen.cases, np.isnan(threshold), reason) == (0, True, "the network carries none")
