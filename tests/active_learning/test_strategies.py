"""Strategies against slow, obvious oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.active_learning.rounds import stop_round
from analysis.active_learning.strategies import DOUBT, entropy, farthest, margin, most_doubtful, severity_gap

WEIGHTS = arrays(float, st.tuples(st.integers(1, 12), st.integers(2, 6)), elements=st.floats(1e-6, 1))
POINTS = arrays(float, (14, 2), elements=st.integers(-5, 5).map(float))


def normal(weights):
    return weights / weights.sum(1, keepdims=True)


def slow_entropy(row):
    return -sum(p * math.log(p) for p in row) / math.log(len(row))


def slow_margin(row):
    first, second, *_ = sorted(row, reverse=True)
    return 1 - (first - second)


def slow_gap(row):
    return min(sum(p * abs(level - guess) for level, p in enumerate(row)) for guess in range(len(row)))


@pytest.mark.parametrize(("fast", "slow"), [(margin, slow_margin), (entropy, slow_entropy), (severity_gap, slow_gap)])
@settings(deadline=None)
@given(weights=WEIGHTS)
def test_doubt(fast, slow, weights):
    levels = normal(weights)
    assert fast(levels) == pytest.approx([slow(row) for row in levels.tolist()], abs=1e-9)


def test_a_mistake_of_two_grades_counts_twice():
    near, far = np.array([[0.5, 0.5, 0.0]]), np.array([[0.5, 0.0, 0.5]])
    assert margin(near) == margin(far)
    assert severity_gap(far) == 2 * severity_gap(near)


@settings(max_examples=60, deadline=None)
@given(weights=WEIGHTS, number=st.integers(1, 15), seed=st.integers(0, 9), name=st.sampled_from(sorted(DOUBT)))
def test_no_exam_left_out_is_more_doubtful_than_one_chosen(weights, number, seed, name):
    items = [normal(weights), normal(weights[:, ::-1] ** 2 + 1e-9)]
    doubt = [np.mean([DOUBT[name](levels)[i] for levels in items]) for i in range(len(weights))]
    chosen, worth = most_doubtful(name, items, number, np.random.default_rng(seed))
    assert len(set(chosen)) == len(chosen) == min(number, len(weights))
    assert worth == pytest.approx([doubt[i] for i in chosen])
    assert list(worth) == sorted(worth, reverse=True)
    assert max((doubt[i] for i in set(range(len(weights))) - set(chosen)), default=-1) <= worth[-1] + 1e-12
    again, _ = most_doubtful(name, items, number, np.random.default_rng(seed))
    assert again.tolist() == chosen.tolist()


@settings(max_examples=30, deadline=None)
@given(points=POINTS, known=st.integers(1, 4), number=st.integers(1, 12), seed=st.integers(0, 9))
def test_each_choice_is_the_farthest_from_all_before_it(points, known, number, seed):
    labelled, pool = points[:known].tolist(), points[known:].tolist()
    chosen, distance = farthest(points[known:], points[:known], number, np.random.default_rng(seed))
    assert len(set(chosen)) == len(chosen) == min(number, len(pool))
    for place, (i, given_) in enumerate(zip(chosen, distance, strict=True)):
        centres = labelled + [pool[j] for j in chosen[:place]]
        gaps = {k: min(math.dist(pool[k], c) for c in centres) for k in range(len(pool)) if k not in chosen[:place]}
        assert gaps[i] == pytest.approx(max(gaps.values()), abs=1e-6)
        assert given_ == pytest.approx(gaps[i], abs=1e-6)


def test_ties_are_decided_by_the_seed():
    even = [np.full((50, 3), 1 / 3)]
    first, second, other = (
        most_doubtful("entropy", even, 10, np.random.default_rng(seed))[0].tolist() for seed in (1, 1, 2)
    )
    assert first == second != other


def slow_stop(performance, tolerance, patience):
    """Walk through the rounds as a person would."""
    best, without = performance[0], 0
    for number, value in enumerate(performance):
        if number == 0:
            continue
        if value > best + tolerance:
            best, without = value, 0
        else:
            without += 1
        if without == patience:
            return number
    return None


@given(
    performance=st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=10),
    tolerance=st.sampled_from([0.0, 0.05, 0.2]),
    patience=st.integers(1, 4),
)
def test_stopping_rule(performance, tolerance, patience):
    assert stop_round(performance, tolerance, patience) == slow_stop(performance, tolerance, patience)


def test_stopping_rule_by_hand():
    assert stop_round([0.6, 0.7, 0.705, 0.709], 0.01, 2) == 3
    assert stop_round([0.6, 0.7, 0.705, 0.72], 0.01, 2) is None  # small steps add up to an improvement
    assert stop_round([0.6], 0.01, 1) is None


def test_nothing_stops_on_what_is_not_known():
    """A validation set without labels had stopped reading after as many rounds as patience has."""
    assert stop_round([np.nan] * 4, 0.01, 2) is None
    assert stop_round([np.nan, 0.7, 0.7, 0.7], 0.01, 2) is None
