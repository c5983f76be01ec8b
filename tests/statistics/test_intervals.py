"""The interval that is reported, and the difference of two: against their definitions."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from analysis.statistics.sample import make_sample
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.effective import Clusters, covariance, effective_numbers, mean_variance, placements
from analysis.statistics.uncertainty.intervals import compare, correlation_of, estimate, interval, variance


def people(n, each=1):
    return (np.arange(n) // each).astype(str).astype(object)


def study(rng, cases=30, controls=60, shift=1.0):
    truth = np.r_[np.ones(cases), np.zeros(controls)]
    return truth, rng.normal(size=cases + controls) + shift * truth


@pytest.mark.parametrize(("auc", "m", "n"), [(0.9, 23, 277), (0.5, 1, 300), (0.97, 3, 3), (0.01, 60, 10)])
def test_the_limits_lie_as_many_of_their_own_errors_away(auc, m, n):
    for limit in interval(auc, m, n, 0.95):
        assert 0 <= limit <= 1
        if 0 < limit < 1:
            error = np.sqrt(variance(np.array(limit), np.array(m), np.array(n)))
            assert abs(auc - limit) == pytest.approx(norm.ppf(0.975) * error, rel=1e-5)


def test_the_interval_is_mirrored_and_has_a_width_at_the_ends():
    low, high = interval(0.8, 7, 40, 0.9)
    assert interval(0.2, 40, 7, 0.9) == pytest.approx((1 - high, 1 - low))
    low, high = interval(1.0, 3, 297, 0.95)
    assert 0.5 < low < 0.8 and high == 1
    # A single case and control are a single draw: Wilson's interval of one.
    assert interval(1.0, 1, 1, 0.95)[0] == pytest.approx(1 / (1 + norm.ppf(0.975) ** 2), rel=1e-4)


@pytest.mark.parametrize("auc", [0.5, 0.8, 0.99])
@pytest.mark.parametrize("correlation", [-0.35, 0.0, 0.5, 0.9])
def test_the_covariance_is_that_of_a_bivariate_normal(auc, correlation):
    both = multivariate_normal(cov=[[1, correlation], [correlation, 1]]).cdf([norm.ppf(auc)] * 2)
    assert covariance(auc, correlation) == pytest.approx(both - auc**2, abs=1e-4)


def test_the_variance_is_what_simulated_scores_have(rng):
    truth = np.r_[np.ones(5), np.zeros(12)]
    scores = rng.normal(size=(40000, 17)) + np.sqrt(2) * norm.ppf(0.85) * truth
    aucs = placements(truth, scores)[0].mean(axis=-1)
    assert variance(np.array(0.85), np.array(5.0), np.array(12.0)) == pytest.approx(aucs.var(), rel=0.03)


def test_placements_have_procs_auc_and_variance(rng):
    truth, score = study(rng)
    score = np.round(score, 1)  # ties
    cases, controls = placements(truth, score)
    auc, *_, expected = roc.delong(truth, score, 0.95)
    assert cases.mean() == pytest.approx(auc, abs=1e-12) and controls.mean() == pytest.approx(auc, abs=1e-12)
    alone = [Clusters(people(len(part))) for part in (cases, controls)]
    assert mean_variance(cases, alone[0]) + mean_variance(controls, alone[1]) == pytest.approx(expected, abs=1e-12)


def test_effective_numbers_are_those_of_the_exams_where_patients_have_one(rng):
    truth, _ = study(rng, 200, 200)
    scores = rng.normal(size=(200, 400)) + truth
    _, cases, controls = effective_numbers(truth, scores, people(400))
    assert np.median(cases) == pytest.approx(200, rel=0.1)
    assert np.median(controls) == pytest.approx(200, rel=0.1)


def test_exams_that_say_the_same_count_once(rng):
    truth, score = study(rng, 60, 60)
    alone = estimate(truth, score, people(120))
    thrice = estimate(np.repeat(truth, 3), np.repeat(score, 3), people(360, 3))
    assert thrice[0] == pytest.approx(alone[0], abs=1e-12)
    # A little less than once, for the correlation is estimated.
    assert 0.9 * alone[1] < thrice[1] < 1.05 * alone[1]


def test_two_patients_know_nearly_nothing(rng):
    """One with 150 cases, one with 150 controls: it had been .990 (.989 to .991)."""
    truth = np.repeat([1.0, 0.0], 150)
    score = rng.normal(size=300) + 3.3 * truth
    auc, cases, controls = estimate(truth, score, np.repeat(["a", "b"], 150).astype(object))
    assert auc > 0.95 and (cases, controls) == (1, 1)
    low, high = interval(auc, cases, controls, 0.95)
    assert low < 0.3 and high > 0.99


def test_many_cases_have_delongs_width(rng):
    truth = np.r_[np.ones(400), np.zeros(600)]
    score = rng.normal(size=1000) * (1 + truth) + 1.5 * truth  # cases vary twice as much as controls
    _, low, high, _ = roc.delong(truth, score, 0.95)
    ours = interval(*estimate(truth, score, people(1000)), 0.95)
    assert ours[1] - ours[0] == pytest.approx(high - low, rel=0.05)


def test_a_difference_and_its_p_value_agree(rng):
    first, second = (0.95, 20.0, 50.0), (0.80, 60.0, 80.0)
    difference, low, high, p = compare(first, second, 0.0, 0.95)
    assert difference == pytest.approx(0.15) and (p < 0.05) == (low > 0)
    assert compare(first, second, 0.0, 1 - p)[1] == pytest.approx(0, abs=1e-4)
    assert compare(second, first, 0.0, 0.95)[1:3] == pytest.approx((-high, -low))
    assert compare(first, second, 0.5, 0.95)[3] < p


def test_a_small_part_without_overlap_is_no_finding():
    """13 cases with an AUC of 1.00 beside .92 of 150: it had been .08 (.04 to .13), P = .007."""
    _, low, high, p = compare((1.0, 13.0, 40.0), (0.92, 150.0, 150.0), 0.0, 0.95)
    assert low < 0 < high and p > 0.05


def test_the_correlation_of_two_scores_is_delongs(rng):
    truth, one = study(rng, 300, 300)
    two = one + rng.normal(size=600)
    variances = [roc.delong(truth, score, 0.95)[3] for score in (one, two)]
    difference, low, high, _ = roc.paired(truth, one, two, 0.95)
    total = ((high - low) / 2 / norm.ppf(0.975)) ** 2
    delong = (sum(variances) - total) / 2 / np.sqrt(np.prod(variances))
    ours = correlation_of((truth, one, people(600)), (truth, two, people(600)))
    assert ours == pytest.approx(delong, abs=0.02)
    ends = compare(estimate(truth, one, people(600)), estimate(truth, two, people(600)), float(ours), 0.95)
    assert ends[:3] == pytest.approx((difference, low, high), abs=0.006)


def test_other_patients_are_not_correlated(rng):
    truth, score = study(rng)
    other = np.array([f"other {i}" for i in range(90)], dtype=object)
    assert correlation_of((truth, score, people(90)), (truth, score, other)) == 0


def test_the_order_of_exams_and_the_scale_of_scores_change_nothing(rng):
    truth, score = study(rng)
    patients = people(90, 3)
    order = rng.permutation(90)
    expected = estimate(truth, score, patients)
    assert estimate(truth[order], score[order], patients[order]) == pytest.approx(expected)
    assert estimate(truth, np.exp(score), patients) == pytest.approx(expected)
    sample = make_sample(truth, score, patients)
    assert sample.fewest == 10
