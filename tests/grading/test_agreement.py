"""Agreement against numbers worked out by hand, another library, and cases that have no number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from analysis.grading.agreement import MEASURES, measure_agreement


def ratings(table):
    """Give two readers' grades as a table counts them."""
    first, second = np.nonzero(np.asarray(table))
    return (np.repeat(grade, np.asarray(table)[first, second]) for grade in (first, second))


def test_kappa_by_hand():
    # 2 x 2: po = 70/100, pe = .6 * .5 + .4 * .5 = .5, kappa = .4.
    # Fleiss, Cohen & Everitt: (A + B - C) / (n (1 - pe)^2) with
    # A = .4 (1 - 1.1 * .6)^2 + .3 (1 - .9 * .6)^2 = .04624 + .06348 = .10972
    # B = .36 (.2 (.5 + .4)^2 + .1 (.5 + .6)^2) = .36 * .283 = .10188; C = (.4 - .5 * .6)^2 = .01
    # variance = .2016 / 25 = .008064
    found = measure_agreement(*ratings([[40, 20], [10, 30]]), highest=1)
    assert (found["n"], found["conflicts"], found["percent"]) == (100, 30, 70.0)
    assert found["kappa"] == pytest.approx(0.4)
    half = 1.959963984540054 * np.sqrt(0.008064)
    assert (found["kappa_low"], found["kappa_high"]) == pytest.approx((0.4 - half, 0.4 + half))
    # Wilson's interval of 70 of 100
    assert (found["percent_low"], found["percent_high"]) == pytest.approx((60.42, 78.11), abs=0.01)
    assert found["kappa_linear"] == found["kappa_quadratic"] == pytest.approx(0.4)  # two levels: weights change nothing


def test_weighted_kappa_by_hand():
    # Off by one costs 1/2 (linear) or 1/4 (quadratic) of off by two.
    table = [[20, 5, 0], [5, 10, 5], [0, 5, 50]]
    expected = np.outer([25, 20, 55], [25, 20, 55]) / 100
    linear = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]]) / 2
    found = measure_agreement(*ratings(table), highest=2)
    assert found["kappa_linear"] == pytest.approx(1 - 10 / (linear * expected).sum())
    assert found["kappa_quadratic"] == pytest.approx(1 - 5 / (linear**2 * expected).sum())
    assert found["kappa_linear_low"] < found["kappa_linear"] < found["kappa_linear_high"]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_kappa_is_what_scikit_learn_gives(data):
    shape = data.draw(st.integers(2, 60))
    first, second = (data.draw(arrays(int, shape, elements=st.integers(0, 3))) for _ in range(2))
    found = measure_agreement(first, second, highest=3)
    assert found["percent"] == pytest.approx(100 * np.mean(first == second))
    if len(set(first) | set(second)) == 1:
        assert "kappa" not in found
        assert "not defined" in found["reason"]
        return
    for name, weights in {"kappa": None, "kappa_linear": "linear", "kappa_quadratic": "quadratic"}.items():
        expected = cohen_kappa_score(first, second, labels=range(4), weights=weights)
        assert found[name] == pytest.approx(expected, abs=1e-12)
        assert np.isfinite(found[name])
        if f"{name}_low" in found:
            assert -1 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 1
        else:
            assert "no width" in found["reason"]


def test_kappa_s_interval_covers_as_it_says():
    """Of 200 simulated pairs of readers, 95 % intervals hold the true kappa in 88 to 99 % (binomial noise allowed for)."""
    generator = np.random.default_rng(0)
    joint = np.array([[0.30, 0.06, 0.02], [0.05, 0.20, 0.06], [0.01, 0.05, 0.25]])
    grid = np.subtract.outer(range(3), range(3)) ** 2
    chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    true = 1 - (grid * joint).sum() / (grid * chance).sum()
    hits = 0
    for _ in range(200):
        found = measure_agreement(*ratings(generator.multinomial(300, joint.ravel()).reshape(3, 3)), highest=2)
        hits += found["kappa_quadratic_low"] <= true <= found["kappa_quadratic_high"]
    assert 0.88 <= hits / 200 <= 0.99


@pytest.mark.parametrize(
    ("first", "second", "says", "has"),
    [
        ([], [], "no exam that both read", []),
        ([0, 0, 0], [0, 0, 0], "both gave only 0, so kappa is not defined", ["percent"]),
        ([0, 1, 1], [0, 1, 1], "the two never differ, so kappa's interval has no width", MEASURES),
        ([0, 0, 0, 0], [0, 1, 0, 1], "one of them gave a single level", MEASURES),
    ],
)
def test_what_cannot_be_had_has_a_reason(first, second, says, has):
    found = measure_agreement(np.array(first, int), np.array(second, int), highest=1)
    assert says in found["reason"]
    assert [name for name in MEASURES if name in found] == list(has)
