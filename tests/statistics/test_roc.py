"""pROC through rpy2: golden values, scikit-learn, DeLong written out, R by hand, ties."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from analysis.errors import StudyError
from analysis.statistics.uncertainty import roc
from tests.statistics.conftest import run_r


def delong_by_hand(truth, scores):
    """DeLong, DeLong & Clarke-Pearson 1988, pair by pair: the AUCs and their covariance matrix."""

    def kernel(case, control):
        return 1.0 if case > control else 0.5 if case == control else 0.0

    cases = [[s for s, t in zip(score, truth, strict=True) if t == 1] for score in scores]
    controls = [[s for s, t in zip(score, truth, strict=True) if t == 0] for score in scores]
    m, n, k = len(cases[0]), len(controls[0]), len(scores)
    v10 = [[sum(kernel(x, y) for y in controls[r]) / n for x in cases[r]] for r in range(k)]
    v01 = [[sum(kernel(x, y) for x in cases[r]) / m for y in controls[r]] for r in range(k)]
    auc = [sum(v10[r]) / m for r in range(k)]
    covariance = np.zeros((k, k))
    for r in range(k):
        for s in range(k):
            s10 = sum((a - auc[r]) * (b - auc[s]) for a, b in zip(v10[r], v10[s], strict=True)) / (m - 1)
            s01 = sum((a - auc[r]) * (b - auc[s]) for a, b in zip(v01[r], v01[s], strict=True)) / (n - 1)
            covariance[r, s] = s10 / m + s01 / n
    return auc, covariance


@st.composite
def tied(draw, least=2):
    """Labels and scores of few distinct values, so that ties abound within and between classes."""
    n = draw(st.integers(2 * least, 40))
    cases = draw(st.integers(least, n - least))
    truth = np.array(draw(st.permutations([1.0] * cases + [0.0] * (n - cases))))
    values = st.sampled_from([0.0, 0.1, 0.1 + 1e-12, 0.3, 0.5, 1.0, 1e-300, -2.0])
    return truth, np.array(draw(st.lists(values, min_size=n, max_size=n)))


def test_golden_value_of_procs_own_data(tmp_path):
    printed = run_r(
        "suppressMessages(library(pROC)); data(aSAH)\n"
        "write.csv(data.frame(t = as.numeric(aSAH$outcome == 'Poor'), s = aSAH$ndka), stdout(), row.names = FALSE)",
        folder=tmp_path,
    )
    truth, score = np.array([line.split(",") for line in printed.split()[1:]], dtype=float).T
    auc, low, high, _ = roc.delong(truth, score, 0.95)
    assert (low, auc, high) == pytest.approx((0.501244999271703, 0.611957994579946, 0.722670989888189), abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(tied())
def test_auc_is_scikit_learns_with_ties(data):
    truth, score = data
    assert roc.auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(tied())
def test_delong_is_delongs(data):
    truth, score = data
    (auc,), covariance = delong_by_hand(truth, [score])
    found, low, high, variance = roc.delong(truth, score, 0.9)
    assert (found, variance) == pytest.approx((auc, covariance[0, 0]), abs=1e-12)
    half = norm.ppf(0.95) * np.sqrt(covariance[0, 0])
    assert (low, high) == pytest.approx((max(0, auc - half), min(1, auc + half)), abs=1e-9)


def test_a_bad_score_is_not_turned_round(rng):
    truth = (rng.random(80) < 0.5).astype(float)
    score = rng.normal(size=80) - 2 * truth
    values, _ = roc.intervals(truth, score, 0.95, 200, 1)
    assert values["auc"] < 0.2
    assert values["bootstrap_high"] < 0.5


@pytest.mark.parametrize(("exams", "digits"), [(60, 1), (4000, 15)])
def test_intervals_and_bands_are_those_of_a_script_by_hand(exams, digits, rng, tmp_path):
    """To the last bit, with ties and without, where pROC counts in R and where in C."""
    truth = (rng.random(exams) < 0.4).astype(float)
    score = np.round(rng.normal(size=exams) + truth, digits)
    values, warnings = roc.intervals(truth, score, 0.9, 100, 77)
    band = roc.band(truth, score, specificities=np.array([0.2, 0.85]), level=0.9, replicates=40, seed=78)
    pd.DataFrame({"t": truth, "s": score}).to_csv(tmp_path / "d.csv", index=False, float_format="%.17g")
    printed = run_r(
        "suppressMessages(library(pROC)); d <- read.csv(commandArgs(TRUE)[1], colClasses = 'numeric')\n"
        "r <- roc(d$t, d$s, levels = c(0, 1), direction = '<', quiet = TRUE); set.seed(77)\n"
        "b <- ci.auc(r, conf.level = .9, method = 'bootstrap', boot.n = 100, progress = 'none')\n"
        "set.seed(78); s <- ci.se(r, c(.2, .85), conf.level = .9, boot.n = 40, progress = 'none')\n"
        "cat(sprintf('%.17g', c(auc(r), ci.auc(r, conf.level = .9)[c(1, 3)], b[c(1, 3)], s[, c(1, 3)])))",
        tmp_path / "d.csv",
        folder=tmp_path,
    )
    assert [*values.values(), *band.ravel(order="F")] == [float(x) for x in printed.split()]
    assert warnings == []


def test_warnings_of_proc_come_along():
    truth = np.array([0.0, 0, 0, 1, 1])
    values, warnings = roc.intervals(truth, truth, 0.95, 100, 1)
    assert values["delong_low"] == values["delong_high"] == 1
    assert any("AUC == 1" in warning for warning in warnings)


def test_intervals_refuse_a_single_case():
    with pytest.raises(ValueError, match="two cases"):
        roc.intervals(np.array([0.0, 0, 0, 1]), np.array([1.0, 2, 3, 40]), 0.95, 100, 1)


@settings(max_examples=25, deadline=None)
@given(tied(least=1))
def test_curve_and_counts_are_scikit_learns(data):
    truth, score = data
    corners = roc.curve(truth, score)
    fpr, tpr, _ = roc_curve(truth, score, drop_intermediate=False)
    # pROC's corners come by rising threshold, scikit-learn's by falling.
    assert 1 - corners[::-1, 1] == pytest.approx(fpr)
    assert corners[::-1, 2] == pytest.approx(tpr)
    for threshold in (-1.0, 0.1, 0.2, 0.3, 0.6, 2.0):
        tn, fp, fn, tp = confusion_matrix(truth, score >= threshold, labels=[0, 1]).ravel()
        assert roc.counts_at(truth, score, threshold) == (tp, fn, tn, fp)


@settings(max_examples=25, deadline=None)
@given(tied(least=1))
def test_best_threshold_has_the_highest_index(data):
    truth, score = data
    threshold, specificity, sensitivity = roc.best_threshold(truth, score)
    candidates = [-np.inf, *((np.unique(score)[1:] + np.unique(score)[:-1]) / 2), np.inf]
    best = max((score[truth == 1] >= t).mean() + (score[truth == 0] < t).mean() for t in candidates)
    assert sensitivity + specificity == pytest.approx(best, abs=1e-12)
    assert (score[truth == 1] >= threshold).mean() == pytest.approx(sensitivity)


@settings(max_examples=25, deadline=None)
@given(tied(), st.randoms(use_true_random=False))
def test_paired_test_is_delongs(data, random):
    truth, first = data
    second = np.array([random.choice([0.0, 0.5, 1.0]) for _ in truth])
    (auc1, auc2), covariance = delong_by_hand(truth, [first, second])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference, low, high, p = roc.paired(truth, first, second, 0.95)
    assert difference == pytest.approx(auc1 - auc2, abs=1e-12)
    if variance > 1e-12:
        half = norm.ppf(0.975) * np.sqrt(variance)
        assert (low, high) == pytest.approx((difference - half, difference + half), abs=1e-9)
        assert p == pytest.approx(2 * norm.sf(abs(difference) / np.sqrt(variance)), abs=1e-9)


def test_multiclass_is_hand_and_tills(rng):
    grade = np.repeat([0, 1, 2, 3], [8, 12, 9, 20])
    scores = np.round(rng.random((49, 4)), 1)
    scores[np.arange(49), grade] += 0.2
    pairs = []
    for i in range(4):
        for j in range(4):
            if i != j:
                pair = (grade == i) | (grade == j)
                pairs.append(roc_auc_score(grade[pair] == i, scores[pair, i]))
    assert roc.multiclass(grade.tolist(), scores) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_an_error_of_r_is_told_in_a_sentence():
    with pytest.raises(StudyError, match="pROC refused auc"):
        roc.auc(np.zeros(5), np.arange(5.0))


def test_starting_r_leaves_the_environment_of_other_processes_alone():
    code = (
        "import os, subprocess, sys; before = os.environ.get('LD_LIBRARY_PATH');"
        "from analysis.statistics.uncertainty.roc import _r; _r();"
        "assert os.environ.get('LD_LIBRARY_PATH') == before, os.environ['LD_LIBRARY_PATH'];"
        "subprocess.run([sys.executable, '-c', 'import ssl'], check=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
