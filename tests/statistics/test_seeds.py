"""The networks of an ensemble, each by itself."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import logit
from sklearn.metrics import roc_auc_score

from analysis.errors import StudyError
from analysis.statistics.calibration import slopes_before
from analysis.statistics.data import match
from analysis.statistics.seeds import seed_rows
from analysis.statistics.settings import StatisticsSettings

ROC = pd.DataFrame([{"set": "test", "outcome": "kl_3", "auc": 0.8, "low": 0.7, "high": 0.9, "level": 0.95}])


@pytest.fixture
def trained(kl, tmp_path, rng):
    """A study of 60 test exams, the scores of three networks, and the true grades."""
    exams = [f"e{i}" for i in range(60)]
    grade = rng.integers(0, 5, 60)
    pd.DataFrame({"exam": exams, "patient": exams, "set": "test", "kl": grade}).to_csv(tmp_path / "r.csv", index=False)
    scores = (grade == 3) * 0.3 + rng.random((3, 60)) * 0.7
    pd.DataFrame({"exam": exams, "kl_3": scores.mean(0)}).to_csv(tmp_path / "p.csv", index=False)
    members = pd.DataFrame({"exam": exams * 3, "outcome": "kl_3", "seed": np.repeat([0, 1, 2], 60)})
    members["score"] = scores.ravel()
    return match(tmp_path / "p.csv", tmp_path / "r.csv", kl), members, grade == 3


def test_each_network_is_estimated_by_itself(trained):
    study, members, truth = trained
    shuffled = members.sample(frac=1, random_state=1)
    (row,) = seed_rows(study, shuffled, ROC).to_dict("records")
    aucs = [roc_auc_score(truth, part["score"]) for _, part in members.groupby("seed")]
    assert row["outcome"] == "kl_3" and row["seeds"] == 3
    assert (row["lowest"], row["highest"]) == pytest.approx((min(aucs), max(aucs)))
    assert row["training_error"] == pytest.approx(np.std(aucs, ddof=1) / np.sqrt(3))
    assert row["sampling_error"] == pytest.approx(0.1 / 1.959964)


def test_one_network_has_no_spread(trained):
    study, members, _ = trained
    (row,) = seed_rows(study, members[members["seed"] == 1], ROC).to_dict("records")
    assert row["seeds"] == 1 and row["lowest"] == row["highest"]
    assert np.isnan(row["sd"]) and np.isnan(row["training_error"])


def test_outcomes_that_nothing_learnt_or_that_have_no_auc_have_no_row(trained):
    study, members, _ = trained
    assert not len(seed_rows(study, members.assign(score=np.nan), ROC))
    assert not len(seed_rows(study, members, ROC.assign(auc=np.nan)))


def test_slopes_before_calibration_are_those_of_the_networks_mean(trained):
    study, members, truth = trained
    settings = StatisticsSettings(minimum_cases=5)
    (row,) = slopes_before(study, members.sample(frac=1, random_state=1), settings).to_dict("records")
    mean = members.groupby("exam", sort=False)["score"].mean().to_numpy()
    fit = sm.Logit(truth.astype(float), sm.add_constant(logit(mean))).fit(disp=0)
    assert row["outcome"] == "kl_3" and row["uncalibrated_slope"] == pytest.approx(fit.params[1], rel=1e-4)
    assert row["uncalibrated_slope_low"] < row["uncalibrated_slope"] < row["uncalibrated_slope_high"]
    assert not len(slopes_before(study, members.assign(score=np.nan), settings))
    assert not len(slopes_before(study, members.assign(score=members["score"] * 40), settings))  # no probabilities
    assert not len(slopes_before(study, members, StatisticsSettings(minimum_cases=50)))


def test_networks_that_score_other_exams_are_refused(trained):
    study, members, _ = trained
    with pytest.raises(StudyError, match="don't score the same exams for 'kl_3'; predict again"):
        seed_rows(study, members.iloc[:-1], ROC)


def test_the_mean_of_single_networks_moves_as_the_average_of_their_scores_does(rng):
    """What the error of training rests on: ensembles drawn anew spread by that of single networks over root three."""
    cases, controls = 60, 240
    signal = np.r_[rng.normal(1.2, 1, cases), rng.normal(0, 1, controls)]

    def auc(score):
        return (score[:cases, None] > score[cases:]).mean()

    single, averaged = [], []
    for _ in range(400):
        scores = signal + 0.6 * rng.normal(size=(3, len(signal)))
        single.append(np.var([auc(score) for score in scores], ddof=1))
        averaged.append(auc(scores.mean(0)))
    assert np.std(averaged, ddof=1) == pytest.approx(np.sqrt(np.mean(single) / 3), rel=0.2)
