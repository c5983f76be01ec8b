"""Where an estimate doesn't exist: always a row, with an answer that is documented or a reason."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.grading.scheme import Outcome
from analysis.statistics.calibration import calibration_row, reliability_rows
from analysis.statistics.comparisons import compare_paired
from analysis.statistics.data import make_sample
from analysis.statistics.discrimination import METHODS, auc_row, curve_rows, newcombe
from analysis.statistics.operating import choose_threshold, optimism_row, prevalence_row, threshold_row
from analysis.statistics.resample import Resamples
from analysis.statistics.settings import StatisticsSettings

SETTINGS = StatisticsSettings(replicates=200, band_replicates=100)
OUTCOME = Outcome("x", "X", "X", "finding")
RNG = np.random.default_rng(4)


def sample_of(truth, score, patients=None):
    truth, score = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    patients = np.arange(len(truth)) if patients is None else np.asarray(patients)
    return make_sample(truth, score, patients.astype(str).astype(object))


def estimate(sample, settings=SETTINGS):
    weights = np.ones((len(sample.keep), settings.replicates))
    weights[sample.keep] = Resamples.draw(sample.patients, settings.replicates, settings.level, 1).weights
    resamples = Resamples(weights, settings.level)
    return auc_row(sample, OUTCOME, "test", resamples, settings=settings, seed=1)


def noisy(cases, controls):
    truth = np.r_[np.ones(cases), np.zeros(controls)]
    return truth, RNG.normal(size=cases + controls) + truth


CONTROLS = np.zeros(30)
UNESTIMABLE = {
    "no case": (CONTROLS, RNG.random(30), "no case"),
    "no control": (CONTROLS + 1, RNG.random(30), "no control"),
    "no label": (CONTROLS + np.nan, RNG.random(30), "no exam has a label"),
    "no score": (np.r_[1, CONTROLS], np.full(31, np.nan), "no exam has a score"),
    "infinite": (np.r_[1, CONTROLS], np.r_[np.inf, RNG.random(30)], "infinite scores"),
    "minus infinite": (np.r_[1, 1, CONTROLS], np.r_[-np.inf, RNG.random(31)], "infinite scores"),
    "nothing": (np.array([]), np.array([]), "no exam has a label"),
}


@pytest.mark.parametrize(("truth", "score", "reason"), UNESTIMABLE.values(), ids=UNESTIMABLE)
def test_what_cannot_be_estimated_has_a_reason(truth, score, reason):
    sample = sample_of(truth, score)
    row = estimate(sample)
    assert row["reason"] == reason
    assert np.isnan([row["auc"], row["low"], row["high"], *(row[f"{m}_low"] for m in METHODS)]).all()
    assert row["method"] is None

    threshold, why = choose_threshold(sample)
    assert np.isnan(threshold)
    assert why == reason
    rows = {
        chosen_on: threshold_row(sample, "x", chosen_on, threshold, reason=why, settings=SETTINGS)
        for chosen_on in ("validation", "test")
    }
    assert reason in rows["test"]["reason"]
    assert reason in optimism_row(rows, "x")["reason"]
    assert reason in prevalence_row(sample, "x", rows["test"], 0.1, "settings", level=0.95)["reason"]
    assert curve_rows(sample, "x", settings=SETTINGS, seed=1).empty

    calibrated = calibration_row(sample, "x", Resamples(np.ones((len(sample.keep), 200)), 0.95), SETTINGS)
    assert calibrated["reason"]
    assert np.isnan(calibrated["slope"])


def test_missing_labels_and_scores_are_left_out_and_counted():
    row = estimate(sample_of([1, 0, np.nan, 1, 0, np.nan, 0], [0.9, 0.1, 0.5, np.nan, 0.2, np.nan, 0.95]))
    assert (row["cases"], row["controls"], row["missing_label"], row["missing_score"]) == (1, 3, 2, 1)
    assert row["auc"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("flip", [False, True], ids=["one case", "one control"])
def test_one_case_or_control_has_newcombes_interval_only(flip):
    truth = np.r_[1, np.zeros(40)]
    # pROC's bootstrap would draw from 1 to 35 for a single score of 35.
    row = estimate(sample_of(1 - truth if flip else truth, np.r_[35, np.arange(40)]))
    assert row["auc"] == pytest.approx((1 - 35.5 / 40) if flip else 35.5 / 40)
    assert np.isnan([row["delong_low"], row["bootstrap_low"]]).all()
    assert row["method"] == "newcombe"
    assert row["low"] < row["auc"] < row["high"]
    assert "single" in row["warnings"]


@pytest.mark.parametrize(("auc", "end"), [(1.0, "high"), (0.0, "low")])
def test_perfect_separation_keeps_a_width(auc, end):
    truth = np.r_[np.ones(60), np.zeros(60)]
    row = estimate(sample_of(truth, truth if auc else 1 - truth))
    assert row["auc"] == row[end] == auc
    assert row["delong_low"] == row["delong_high"] == row["bootstrap_low"] == auc
    assert row["method"] == "newcombe"
    assert 0.02 < row["high"] - row["low"] < 0.2
    # pROC itself warns of an AUC of 1 only.
    assert bool(row["warnings"]) == (auc == 1)


def test_constant_scores_are_one_half_by_definition():
    sample = sample_of(np.r_[np.ones(60), np.zeros(60)], np.full(120, 0.3))
    row = estimate(sample)
    assert row["auc"] == 0.5
    assert np.isnan(row["low"])
    assert row["reason"].startswith("all scores are equal")
    threshold, reason = choose_threshold(sample)
    assert np.isnan(threshold)
    assert "Youden index above 0" in reason
    calibrated = calibration_row(sample, "x", Resamples(np.ones((120, 200)), 0.95), SETTINGS)
    assert calibrated["brier"] == pytest.approx(0.5 * 0.49 + 0.5 * 0.09)
    assert "equal" in calibrated["reason"]
    reliability = reliability_rows(sample, "x", SETTINGS)
    assert reliability[["predicted", "observed", "n"]].to_numpy() == pytest.approx(np.array([[0.3, 0.5, 120]]))


def test_which_interval_is_reported():
    few, many = sample_of(*noisy(20, 100)), sample_of(*noisy(60, 60))
    pairs = sample_of(*noisy(60, 60), patients=np.arange(120) // 2)
    assert [estimate(sample)["method"] for sample in (few, many, pairs)] == ["newcombe", "bootstrap", "patients"]
    for sample in (few, many, pairs):
        row = estimate(sample)
        assert (row["low"], row["high"]) == (row[f"{row['method']}_low"], row[f"{row['method']}_high"])
        assert np.isnan(row["patients_low"]) == (sample is not pairs)
    # Newcombe's counts patients, not exams.
    row = estimate(pairs)
    assert (row["newcombe_low"], row["newcombe_high"]) == newcombe(row["auc"], 30, 30, 0.95)


@pytest.mark.parametrize(
    ("auc", "m", "n"), [(0.9, 23, 277), (0.5, 1, 300), (0.97, 3, 3), (0.01, 60, 10), (0.999, 5, 9)]
)
def test_newcombes_limits_solve_his_equation(auc, m, n):
    for limit in newcombe(auc, m, n, 0.95):
        assert 0 <= limit <= 1
        if 0 < limit < 1:
            hanley_mcneil = (
                limit * (1 - limit)
                + ((m + n) / 2 - 1) * (limit / (2 - limit) - limit**2)
                + ((m + n) / 2 - 1) * (2 * limit**2 / (1 + limit) - limit**2)
            ) / (m * n)
            assert abs(auc - limit) == pytest.approx(norm.ppf(0.975) * np.sqrt(hanley_mcneil), rel=1e-5)


def test_newcombes_interval_is_mirrored():
    low, high = newcombe(0.8, 7, 40, 0.9)
    assert newcombe(0.2, 40, 7, 0.9) == pytest.approx((1 - high, 1 - low))
    assert newcombe(1.0, 3, 297, 0.95)[0] == pytest.approx(1 - newcombe(0.0, 297, 3, 0.95)[1])


def test_scores_outside_0_to_1_are_no_probabilities():
    sample = sample_of(*noisy(40, 40))
    row = calibration_row(sample, "x", Resamples(np.ones((80, 200)), 0.95), SETTINGS)
    assert "no probabilities" in row["reason"]
    assert np.isnan(row["brier"])
    assert reliability_rows(sample, "x", SETTINGS).empty


def test_separated_scores_have_no_slope():
    truth = np.r_[np.ones(30), np.zeros(30)]
    sample = sample_of(truth, np.r_[RNG.uniform(0.6, 0.9, 30), RNG.uniform(0.1, 0.4, 30)])
    row = calibration_row(sample, "x", Resamples.draw(sample.patients, 200, 0.95, 1), SETTINGS)
    assert "overlap" in row["reason"]
    assert row["brier_low"] < row["brier"] < row["brier_high"]


PAIRED = {
    "no case": ([0, 0, 0], [1, 2, 3], [1, 2, 3], "no case"),
    "no control": ([1, 1], [1, 2], [1, 2], "no control"),
    "missing": ([np.nan, 1], [1, 2], [1, np.nan], "no case"),
    "infinite": ([1, 0], [np.inf, 2], [1, 2], "infinite scores"),
    "one case": ([1, 0, 0], [1, 2, 3], [3, 2, 1], "single case or control"),
    "both perfect": ([1, 1, 0, 0], [4, 3, 2, 1], [4, 3, 2, 1], "don't overlap"),
}


@pytest.mark.parametrize(("truth", "first", "second", "reason"), PAIRED.values(), ids=PAIRED)
def test_comparisons_that_do_not_exist_say_why(truth, first, second, reason):
    row = compare_paired(*(np.array(values, dtype=float) for values in (truth, first, second)))
    assert reason in row["reason"]
    assert np.isnan([row["low"], row["high"], row["p"]]).all()
    assert row["method"] is None


def test_the_same_scores_do_not_differ():
    truth, score = noisy(20, 20)
    row = compare_paired(truth, score, score)
    assert row["difference"] == 0
    assert row["p"] == 1 or row["reason"]
    clustered = compare_paired(truth, score, score, patients=(np.arange(40) // 2).astype(str).astype(object))
    assert (clustered["difference"], clustered["low"], clustered["high"], clustered["p"]) == (0, 0, 0, 1)


def test_no_estimate_is_silent():
    """A table of all the cases above: whatever is missing has a reason beside it."""
    rows = [estimate(sample_of(truth, score)) for truth, score, _ in UNESTIMABLE.values()]
    rows += [estimate(sample_of(*noisy(cases, controls))) for cases in (1, 2, 60) for controls in (1, 3, 70)]
    frame = pd.DataFrame(rows)
    assert frame.loc[frame["auc"].isna() | frame["low"].isna(), "reason"].notna().all()
    assert frame.loc[frame["reason"].isna(), ["auc", "low", "high", "method"]].notna().all(axis=None)
