"""The simulations: what is reported covers, the tests keep their level, and the scores are drawn as is said."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.statistics.coverage import Scenario, delong, draw, layout, simulate
from analysis.statistics.false_positives import Part
from analysis.statistics.false_positives import simulate as simulate_test
from analysis.statistics.settings import CoverageSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.effective import effective_numbers
from analysis.statistics.uncertainty.intervals import correlation_of, difference_limits, limits


def simulated(scenario, **more):
    settings = CoverageSettings(**({"simulations": 1000, "bootstrap_simulations": 0, "replicates": 300} | more))
    return {row["method"]: row for row in simulate(scenario, settings=settings, level=0.95, seed=1)}


@pytest.mark.parametrize("size", [1, 2, 10])
@pytest.mark.parametrize("auc", [0.65, 0.95, 0.99])
@pytest.mark.parametrize("cases", [3, 25, 150])
def test_the_reported_interval_covers(cases, auc, size):
    """About 95 %; a simulation of 1,000 studies is itself known to within 1.4 percentage points."""
    row = simulated(Scenario(cases, auc, size))["reported"]
    assert 0.925 < row["coverage"] < 0.98
    assert row["coverage"] + row["below"] + row["above"] == pytest.approx(1)
    assert row["coverage_low"] <= row["coverage"] <= row["coverage_high"]


def test_procs_intervals_fail_where_that_is_said():
    rows = simulated(Scenario(3, 0.95, 1), bootstrap_simulations=150)
    assert set(rows) == {"reported", "delong", "bootstrap"}
    assert rows["delong"]["coverage"] < 0.75
    assert rows["bootstrap"]["coverage"] < 0.75
    rows = simulated(Scenario(116, 0.8, 2), bootstrap_simulations=150)
    assert rows["patients"]["coverage"] > rows["delong"]["coverage"] + 0.03
    assert rows["patients"]["width"] > 1.2 * rows["bootstrap"]["width"]
    assert rows["reported"]["width"] == pytest.approx(rows["patients"]["width"], rel=0.1)
    assert (rows["patients"]["simulations"], rows["reported"]["simulations"]) == (150, 1000)


def test_delong_of_all_studies_at_once_is_procs(rng):
    truth, patients = layout(20, 60, 1)
    score = np.round(draw(truth, patients, 0.9, 0.0, 30, rng), 1)
    low, high = delong(truth, score, norm.ppf(0.975))
    for study, *ends in zip(score, low, high, strict=True):
        assert ends == pytest.approx(roc.delong(truth, study, 0.95)[1:3], abs=1e-12)


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("auc", [0.85, 0.95, 0.99])
@pytest.mark.parametrize("cases", [5, 13, 25, 50])
@pytest.mark.parametrize("test", ["subgroups", "networks", "readers"])
def test_no_difference_is_found_where_there_is_none(test, cases, auc, size):
    settings = CoverageSettings(test_simulations=400)
    row = simulate_test(Part(test, cases, auc, size), settings=settings, level=0.95, seed=2)
    # Of 400 studies 20 are expected at most; 33 come up once in 500 such simulations.
    assert row["rejected"] <= 33 / 400
    assert row["rejected_001"] <= 4 / 400


@pytest.mark.parametrize(("cases", "auc"), [(5, 0.95), (10, 0.95), (13, 0.95), (10, 0.85), (13, 0.99)])
def test_p_below_a_thousandth_is_as_rare_with_few_cases(cases, auc):
    settings = CoverageSettings(test_simulations=8000)
    row = simulate_test(Part("subgroups", cases, auc, 1), settings=settings, level=0.95, seed=3)
    # Of 8,000 studies 8 are expected; 18 come up once in 500. By a normal quantile it were 23 of 10 cases at 0.95.
    assert row["rejected_001"] <= 18 / 8000


def test_parts_that_share_patients_keep_their_level(rng):
    """One knee of 25 patients with disease and of 75 without in each part, and others in the larger."""
    truth = np.r_[np.ones(50), np.zeros(150), np.ones(30), np.zeros(60)]
    patients = np.r_[np.arange(200) // 2, 100 + np.arange(90)].astype(object)
    first = np.r_[np.arange(200) % 2 == 0, np.zeros(90, dtype=bool)]
    score = draw(truth, patients, 0.85, 0.7, 600, rng)
    parts = [(truth[keep], score[:, keep], patients[keep]) for keep in (first, ~first)]
    ends = [effective_numbers(*part) for part in parts]
    found = [(auc, *limits(auc, cases, controls, 1.96)) for auc, cases, controls in ends]
    low, high = difference_limits(found[0], found[1], correlation_of(*parts))
    # Without the correlation of the two parts it would be 0.4 %.
    assert 0.015 < ((low > 0) | (high < 0)).mean() < 0.075


def test_scores_have_the_auc_and_the_correlation_that_they_are_drawn_with():
    truth, patients = layout(10000, 10000, 2)
    score = draw(truth, patients, 0.8, 0.6, 1, np.random.default_rng(1))[0]
    shift = score[truth == 1].mean() - score[truth == 0].mean()
    assert norm.cdf(shift / np.sqrt(2)) == pytest.approx(0.8, abs=0.01)
    noise = score - truth * shift
    assert np.corrcoef(noise[::2], noise[1::2])[0, 1] == pytest.approx(0.6, abs=0.03)


def test_a_scenario_is_reproduced():
    first, second = (simulated(Scenario(13, 0.8, 2), simulations=50, bootstrap_simulations=20) for _ in range(2))
    assert first == second
