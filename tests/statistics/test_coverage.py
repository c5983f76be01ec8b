"""The simulation of coverage finds what is known of the intervals."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.statistics.coverage import Scenario, draw, simulate
from analysis.statistics.settings import CoverageSettings


def simulated(scenario, **more):
    settings = CoverageSettings(**({"simulations": 150, "replicates": 300} | more))
    return {row["method"]: row for row in simulate(scenario, settings=settings, level=0.95, seed=1)}


def test_newcombes_interval_covers_where_the_others_fail():
    rows = simulated(Scenario(3, 0.95, False))
    assert set(rows) == {"delong", "bootstrap", "newcombe"}
    assert rows["delong"]["coverage"] < 0.75
    assert rows["bootstrap"]["coverage"] < 0.75
    assert rows["newcombe"]["coverage"] > 0.9


def test_only_patients_cover_in_clusters():
    rows = simulated(Scenario(116, 0.8, True))
    assert rows["patients"]["coverage"] > rows["delong"]["coverage"]
    assert rows["patients"]["width"] > 1.2 * rows["bootstrap"]["width"]
    for row in rows.values():
        assert row["coverage_low"] <= row["coverage"] <= row["coverage_high"]
        assert row["coverage"] + row["below"] + row["above"] == pytest.approx(1)


def test_scores_have_the_auc_and_the_correlation_that_they_are_drawn_with():
    settings = CoverageSettings(exams=20000, cases=(10000,), correlation=0.6)
    truth = np.repeat([1.0, 0.0], 10000)
    patients = (np.arange(20000) // 2).astype(object)
    score = draw(Scenario(10000, 0.8, True), truth, patients, settings, np.random.default_rng(1))
    shift = score[truth == 1].mean() - score[truth == 0].mean()
    assert norm.cdf(shift / np.sqrt(2)) == pytest.approx(0.8, abs=0.01)
    noise = score - truth * shift
    assert np.corrcoef(noise[::2], noise[1::2])[0, 1] == pytest.approx(0.6, abs=0.03)


def test_a_scenario_is_reproduced():
    first, second = (simulated(Scenario(13, 0.8, True), simulations=20) for _ in range(2))
    assert first == second
