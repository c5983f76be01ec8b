"""Kappa of many tables at once is statsmodels' kappa of each."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.grading.kappa import kappa


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@pytest.mark.parametrize("levels", [2, 3, 5])
def test_kappa_and_its_variance_are_those_of_statsmodels(weights, levels):
    rng = np.random.default_rng(3)
    tables = rng.integers(0, 30, (40, levels, levels))
    tables[:10] *= np.eye(levels, dtype=int) * 5 + (rng.random((10, levels, levels)) < 0.3)
    tables[:, 0, 0] += 1
    tables[:, 1, 1] += 1
    values, influence = kappa(tables, weights)
    variances = (influence**2 * tables).sum(axis=(1, 2)) / tables.sum(axis=(1, 2)) ** 2
    for table, value, variance in zip(tables, values, variances, strict=True):
        found = cohens_kappa(table, wt=weights)
        assert value == pytest.approx(found.kappa, abs=1e-12)
        assert variance == pytest.approx(found.var_kappa, abs=1e-12)


def test_there_is_no_kappa_where_both_gave_one_level_or_nothing():
    values, _ = kappa(np.array([[[0, 0], [0, 7]], [[0, 0], [0, 0]], [[3, 1], [0, 0]]]))
    assert np.isnan(values[:2]).all()
    assert values[2] == 0
