"""Where an estimate doesn't exist: always a row, with an answer that is documented or a reason."""

import numpy as np
import pandas as pd
import pytest

from analysis.grading.scheme import Outcome
from analysis.statistics.calibration import calibration_row, reliability_rows
from analysis.statistics.comparisons import compare_calls, compare_paired
from analysis.statistics.decisions import decision_rows
from analysis.statistics.discrimination import METHODS, auc_row, curve_rows
from analysis.statistics.operating import choose_threshold, optimism_row, prevalence_row, threshold_row
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.subgroups import subgroup_rows
from analysis.statistics.uncertainty.resample import Resamples

SETTINGS = StatisticsSettings(replicates=200, band_replicates=100)
OUTCOME = Outcome("x", "X", "X", "finding")
RNG = np.random.default_rng(4)


def sample_of(truth, score, patients=None):
    truth, score = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    patients = np.arange(len(truth)) if patients is None else np.asarray(patients)
    return make_sample(truth, score, patients.astype(str).astype(object))


def estimate(sample, settings=SETTINGS):
    weights = np.ones((len(sample.keep), settings.replicates))
    weights[sample.keep] = Resamples.draw(sample.patients, settings.replicates, settings.level, 1).draws(np.array)
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
        chosen_on: threshold_row(sample, "x", sample, chosen_on, threshold, reason=why, settings=SETTINGS)
        for chosen_on in ("validation", "test")
    }
    assert reason in rows["test"]["reason"]
    assert reason in optimism_row(rows, "x", sample, SETTINGS, seed=1)["reason"]
    assert reason in decision_rows(sample, "x", 0.1, "settings", SETTINGS)["reason"].iloc[0]
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
def test_one_case_or_control_has_no_interval_by_proc(flip):
    truth = np.r_[1, np.zeros(40)]
    # pROC's bootstrap would draw from 1 to 35 for a single score of 35.
    row = estimate(sample_of(1 - truth if flip else truth, np.r_[35, np.arange(40)]))
    assert row["auc"] == pytest.approx((1 - 35.5 / 40) if flip else 35.5 / 40)
    assert np.isnan([row["delong_low"], row["bootstrap_low"]]).all()
    assert row["method"] == "score"
    assert row["low"] < row["auc"] < row["high"]
    assert "single" in row["warnings"]


@pytest.mark.parametrize(("auc", "end"), [(1.0, "high"), (0.0, "low")])
def test_perfect_separation_keeps_a_width(auc, end):
    truth = np.r_[np.ones(60), np.zeros(60)]
    row = estimate(sample_of(truth, truth if auc else 1 - truth))
    assert row["auc"] == row[end] == auc
    assert row["delong_low"] == row["delong_high"] == row["bootstrap_low"] == auc
    assert row["method"] == "score"
    assert 0.01 < row["high"] - row["low"] < 0.2
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


def test_one_kind_of_interval_is_reported_of_effective_numbers():
    few, many = sample_of(*noisy(20, 100)), sample_of(*noisy(60, 60))
    pairs = sample_of(np.repeat(few.truth, 2), np.repeat(few.score, 2), patients=np.arange(240) // 2)
    for sample in (few, many, pairs):
        row = estimate(sample)
        assert row["method"] == "score"
        assert (row["low"], row["high"]) == (row["score_low"], row["score_high"])
        assert np.isnan(row["patients_low"]) == (sample is not pairs)
    # Two exams that say the same are worth one.
    alone, paired = estimate(few), estimate(pairs)
    assert paired["effective_cases"] == pytest.approx(alone["effective_cases"], rel=0.1)


def test_a_brier_score_without_spread_has_no_interval():
    """0 (0 to 0) had claimed to be certain, and so had whatever one patient's exams gave."""
    truth = np.r_[np.ones(60), np.zeros(60)]
    for score, patients in ((truth, np.arange(120)), (np.where(truth, 0.6, RNG.random(120)), np.zeros(120))):
        sample = sample_of(truth, score, patients)
        row = calibration_row(sample, "x", Resamples.draw(sample.patients, 200, 0.95, 1), SETTINGS, prevalence=0.3)
        assert row["brier"] == pytest.approx(0.3 * np.mean((score[:60] - 1) ** 2) + 0.7 * np.mean(score[60:] ** 2))
        assert np.isnan([row["brier_low"], row["brier_high"], row["raw_brier_low"], row["raw_brier_high"]]).all()
        assert row["reason"]


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


def test_a_part_of_equal_scores_is_not_compared():
    """Its AUC is one half by definition; it had an interval, and a P value beside the others."""
    truth, score = noisy(40, 60)
    part = np.arange(100) % 3 == 0
    sample = sample_of(truth, np.where(part, 0.5, score))
    groups = pd.DataFrame({"cast": np.where(part, "with", "without")})
    rows = {row["level"]: row for row in subgroup_rows(sample, "x", groups, SETTINGS)}
    assert rows["with"]["auc"] == 0.5
    assert np.isnan([rows["with"][name] for name in ("low", "high", "difference_low", "p")]).all()
    assert "all scores of a part are equal" in rows["with"]["reason"]
    assert rows["without"]["low"] < rows["without"]["auc"] < rows["without"]["high"]


PAIRED = {
    "no case": ([0, 0, 0], [1, 2, 3], [1, 2, 3], "no case"),
    "no control": ([1, 1], [1, 2], [1, 2], "no control"),
    "missing": ([np.nan, 1], [1, 2], [1, np.nan], "no exam has a label"),
    "infinite": ([1, 0], [np.inf, 2], [1, 2], "infinite scores"),
    "one case": ([1, 0, 0], [1, 2, 3], [3, 2, 1], "fewer than 2 patients with a case or a control"),
    "one score": ([1, 1, 0, 0], [4, 3, 2, 1], [1, 1, 1, 1], "all scores are equal"),
}


@pytest.mark.parametrize(("truth", "first", "second", "reason"), PAIRED.values(), ids=PAIRED)
def test_comparisons_that_do_not_exist_say_why(truth, first, second, reason):
    row = compare_paired(
        *(np.array(values, dtype=float) for values in (truth, first, second)), StatisticsSettings(minimum_cases=2)
    )
    assert reason in row["reason"]
    assert np.isnan([row["low"], row["high"], row["p"]]).all()
    assert row["method"] is None


def test_the_same_scores_do_not_differ():
    truth, score = noisy(20, 20)
    for patients in (np.arange(40), np.arange(40) // 2):
        for same in (score, truth):  # with overlap, and without
            row = compare_paired(truth, same, same, StatisticsSettings(), patients=patients.astype(str).astype(object))
            assert (row["difference"], row["p"]) == (0, pytest.approx(1))
            assert row["low"] < 0 < row["high"]


def test_few_cases_beside_readers_are_not_tested():
    """Four cases, all missed by the network and found by the reader: it had been P < .001."""
    truth = np.r_[np.ones(4), np.zeros(296)]
    patients = np.arange(300).astype(object)
    row = compare_calls(truth, np.zeros(300), truth, StatisticsSettings(), patients=patients)
    assert row["difference"] == -0.5
    assert np.isnan([row["low"], row["high"], row["p"]]).all()
    assert "fewer than 10 patients" in row["reason"]


def test_no_estimate_is_silent():
    """A table of all the cases above: whatever is missing has a reason beside it."""
    rows = [estimate(sample_of(truth, score)) for truth, score, _ in UNESTIMABLE.values()]
    rows += [estimate(sample_of(*noisy(cases, controls))) for cases in (1, 2, 60) for controls in (1, 3, 70)]
    frame = pd.DataFrame(rows)
    assert frame.loc[frame["auc"].isna() | frame["low"].isna(), "reason"].notna().all()
    assert frame.loc[frame["reason"].isna(), ["auc", "low", "high", "method"]].notna().all(axis=None)
