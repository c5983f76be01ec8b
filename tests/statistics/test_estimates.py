"""Proportions, thresholds, predictive values, calibration, agreement: against their definitions."""

import tracemalloc

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import logit
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error, recall_score
from statsmodels.stats.proportion import proportion_confint

from analysis.statistics import grades
from analysis.statistics.calibration import calibration_row, reliability_rows
from analysis.statistics.decisions import decision_rows
from analysis.statistics.operating import _best, choose_threshold, optimism_row, prevalence_row, threshold_row
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.proportions import difference, effective, ratio, wilson
from analysis.statistics.uncertainty.resample import Resamples, patient_weights

SETTINGS = StatisticsSettings(replicates=300)


def people(n, each=1):
    return (np.arange(n) // each).astype(str).astype(object)


def sample(rng, n=200, each=1, shift=1.5):
    truth = (rng.random(n) < 0.35).astype(float)
    return make_sample(truth, 1 / (1 + np.exp(-rng.normal(size=n) - shift * truth + 0.7)), people(n, each))


def test_effective_number_counts_patients_where_exams_repeat(rng):
    flags = np.repeat(rng.random(400) < 0.3, 2)
    assert effective(flags, people(800)) == 800
    assert effective(flags, people(800, 2)) == pytest.approx(400, rel=0.02)
    assert effective(rng.random(800) < 0.3, people(800, 2)) == pytest.approx(760, rel=0.1)
    assert effective(np.ones(10, dtype=bool), people(10, 2)) == 5


def test_wilson_is_wilsons_with_the_ends_met():
    flags = np.arange(20) < 15
    low, high = proportion_confint(15, 20, method="wilson")
    assert wilson(flags, people(20), 0.95) == pytest.approx((0.75, low, high))
    assert wilson(np.ones(5, dtype=bool), people(5), 0.95)[2] == 1.0
    assert np.isnan(wilson(np.array([], dtype=bool), people(0), 0.95)).all()


def test_clustered_wilson_covers(rng):
    """Two exams of a patient that always agree: plain Wilson covers about 83 %, the clustered one 95 %."""
    covered = 0
    for _ in range(600):
        _, low, high = wilson(np.repeat(rng.random(40) < 0.7, 2), people(80, 2), 0.95)
        covered += low <= 0.7 <= high
    assert 0.92 < covered / 600 < 0.98


@pytest.mark.parametrize(("n1", "p1", "n0", "p0"), [(10, 0.9, 90, 0.2), (5, 0.95, 295, 0.1), (100, 0.9, 200, 0.05)])
def test_ratio_and_difference_cover(rng, n1, p1, n0, p0):
    covered = np.zeros(2)
    for _ in range(1000):
        first, second = (rng.binomial(n1, p1) / n1, n1), (rng.binomial(n0, p0) / n0, n0)
        for k, (found, true) in enumerate(((ratio, p1 / p0), (difference, p1 - p0))):
            estimate, low, high = found(first, second, 0.95)
            assert low <= estimate <= high
            covered[k] += low <= true <= high
    assert (covered / 1000 > 0.92).all()
    assert (covered / 1000 < 0.985).all()


def test_ratio_at_its_ends():
    assert ratio((1.0, 10), (0.0, 90), 0.95)[0::2] == (np.inf, np.inf)
    assert ratio((1.0, 10), (0.0, 90), 0.95)[1] > 10
    assert ratio((0.0, 10), (0.5, 90), 0.95)[:2] == (0.0, 0.0)
    assert ratio((1.0, 10), (1.0, 90), 0.95)[1] == pytest.approx(wilson(np.ones(10, dtype=bool), people(10), 0.95)[1])
    assert np.isnan(ratio((0.0, 10), (0.0, 90), 0.95)).all()


def test_threshold_row_is_counted(rng):
    test = sample(rng)
    row = threshold_row(test, "x", test, "test", 0.4, reason=None, settings=SETTINGS)
    positive, case = test.score >= 0.4, test.truth == 1
    assert (row["tp"], row["fp"]) == ((positive & case).sum(), (positive & ~case).sum())
    assert (row["fn"], row["tn"]) == ((~positive & case).sum(), (~positive & ~case).sum())
    assert row["sensitivity"] == row["tp"] / case.sum()
    assert row["specificity"] == row["tn"] / (~case).sum()
    assert row["ppv"] == row["tp"] / positive.sum()
    assert row["npv"] == row["tn"] / (~positive).sum()
    assert row["youden"] == pytest.approx(row["sensitivity"] + row["specificity"] - 1)
    for measure in ("sensitivity", "specificity", "youden", "ppv", "npv"):
        assert row[f"{measure}_low"] < row[measure] < row[f"{measure}_high"]


def test_a_threshold_above_every_score_has_no_predictive_value_of_a_positive(rng):
    row = threshold_row(sample(rng), "x", sample(rng), "validation", 2.0, reason=None, settings=SETTINGS)
    assert np.isnan(row["ppv"])
    assert row["reason"].startswith("no ppv")


def chosen_on_both(validation, test):
    rows = {}
    for name, chosen in (("validation", validation), ("test", test)):
        threshold, reason = choose_threshold(chosen)
        rows[name] = threshold_row(test, "x", chosen, name, threshold, reason=reason, settings=SETTINGS)
    return rows


def test_choosing_on_the_test_set_is_never_worse_there(rng):
    for _ in range(10):
        validation, test = sample(rng, 120, shift=0.5), sample(rng, 120, shift=0.5)
        rows = chosen_on_both(validation, test)
        found = optimism_row(rows, "x", test, SETTINGS, seed=1)
        assert found["difference"] >= -1e-12
        assert found["difference"] == pytest.approx(rows["test"]["youden"] - rows["validation"]["youden"])
        assert found["optimism_low"] < found["optimism"] < found["optimism_high"]


def test_optimism_is_what_new_exams_lose(rng):
    """The threshold that is best on 150 exams, on 150 and on 20,000: estimated without the latter to within a fifth."""
    lost, estimated = [], []
    everyone = sample(rng, 20000, shift=1.0)
    for _ in range(150):
        test = sample(rng, 150, shift=1.0)
        rows = chosen_on_both(test, test)
        positive, case = everyone.score >= rows["test"]["threshold"], everyone.truth == 1
        lost.append(rows["test"]["youden"] - (positive[case].mean() - positive[~case].mean()))
        found = optimism_row(rows, "x", test, SETTINGS, seed=1)
        estimated.append([found[f"optimism{end}"] for end in ("", "_low", "_high")])
    mean, low, high = np.array(estimated).T
    assert np.mean(mean) == pytest.approx(np.mean(lost), rel=0.2)
    # What a single study gains lies within the limits about as often as they say.
    assert 0.9 < np.mean((low <= lost) & (lost <= high)) < 0.99


def test_the_threshold_of_each_fold_is_procs(rng):
    for _ in range(20):
        one = sample(rng, 60, shift=1.0)
        one = make_sample(one.truth, np.round(one.score, 1), one.patients)  # ties
        order, case = np.argsort(-one.score, kind="stable"), one.truth == 1
        both = (choose_threshold(one)[0], _best(one.score[order], one.truth[order] == 1))
        # Two thresholds may be as good but for the last bit: what they are worth is the same.
        indices = [(one.score[case] >= cut).mean() - (one.score[~case] >= cut).mean() for cut in both]
        assert indices[1] == pytest.approx(indices[0])


def test_perfect_scores_are_not_optimistic(rng):
    truth = np.repeat([1.0, 0.0], 60)
    perfect = make_sample(truth, np.where(truth == 1, rng.uniform(0.8, 1, 120), rng.uniform(0, 0.2, 120)), people(120))
    found = optimism_row(chosen_on_both(perfect, perfect), "x", perfect, SETTINGS, seed=1)
    assert (found["optimism"], found["youden_held_out"]) == (0, 1)
    assert found["optimism_high"] > 0.03


def test_a_threshold_on_a_handful_of_cases_is_marked(rng):
    few = make_sample(np.r_[np.ones(9), np.zeros(100)], rng.random(109), people(109))
    rows = chosen_on_both(few, sample(rng))
    assert (rows["validation"]["too_few"], rows["test"]["too_few"]) == (True, False)
    assert (rows["validation"]["chosen_cases"], rows["validation"]["chosen_controls"]) == (9, 100)


def test_net_benefit_by_hand_and_at_another_prevalence(rng):
    test = sample(rng, 400)
    settings = StatisticsSettings(decision_thresholds=(0.2, 0.5))
    here = decision_rows(test, "x", test.truth.mean(), "here", settings).set_index("threshold")
    positive, case = test.score >= 0.2, test.truth == 1
    expected = ((positive & case).sum() - (positive & ~case).sum() * 0.25) / 400
    assert here.loc[0.2, "net_benefit"] == pytest.approx(expected)
    assert here.loc[0.2, "net_benefit_all"] == pytest.approx(case.mean() - (1 - case.mean()) * 0.25)
    assert ((here["low"] < here["net_benefit"]) & (here["net_benefit"] < here["high"])).all()
    rare = decision_rows(test, "x", 0.05, "settings", settings).set_index("threshold")
    se, fp = positive[case].mean(), positive[~case].mean()
    assert rare.loc[0.2, "net_benefit"] == pytest.approx(0.05 * se - 0.95 * 0.25 * fp)
    assert rare.loc[0.2, "standardised"] == pytest.approx(rare.loc[0.2, "net_benefit"] / 0.05)


@pytest.mark.parametrize("each", [1, 2])
def test_net_benefit_covers(each):
    generator, hits = np.random.default_rng(6), 0
    settings = StatisticsSettings(decision_thresholds=(0.3,))
    everyone = sample(generator, 200000)
    case, positive = everyone.truth == 1, everyone.score >= 0.3
    true = 0.3 * positive[case].mean() - 0.7 * positive[~case].mean() * 0.3 / 0.7
    for _ in range(300):
        once = sample(generator, 160)
        test = make_sample(np.repeat(once.truth, each), np.repeat(once.score, each), people(160 * each, each))
        row = decision_rows(test, "x", 0.3, "here", settings).iloc[0]
        hits += row["low"] <= true <= row["high"]
    assert 0.91 <= hits / 300 <= 0.985


def test_calibration_in_an_enriched_test_set_is_that_of_the_whole(rng):
    """All cases and a tenth of the controls: reweighted, the calibrated scores are calibrated again."""
    p = rng.beta(1.0, 6.0, 60000)
    truth = (rng.random(60000) < p).astype(float)
    kept = (truth == 1) | (rng.random(60000) < 0.1)
    enriched = make_sample(truth[kept], p[kept], people(int(kept.sum())))
    ones = Resamples(np.ones((len(enriched.truth), 100)), 0.95)
    row = calibration_row(enriched, "x", ones, SETTINGS, prevalence=truth.mean(), source="whole")
    assert row["raw_intercept_low"] > 1.5
    assert row["intercept"] == pytest.approx(0, abs=0.08)
    assert row["slope_low"] < 1 < row["slope_high"]
    assert row["brier"] == pytest.approx(np.mean((p - truth) ** 2), rel=0.05)
    bins = reliability_rows(enriched, "x", SETTINGS, prevalence=truth.mean(), source="whole")
    assert (bins["raw_observed"] > bins["raw_predicted"] + 0.1).sum() > 6
    assert bins["observed"].to_numpy() == pytest.approx(bins["predicted"].to_numpy(), abs=0.05)
    assert ((bins["low"] <= bins["observed"]) & (bins["observed"] <= bins["high"])).all()
    plain = calibration_row(enriched, "x", ones, SETTINGS)
    assert (plain["source"], plain["intercept"]) == ("test set", pytest.approx(plain["raw_intercept"]))


def test_predictive_values_at_the_prevalence_of_the_test_set_are_its_own(rng):
    test = sample(rng)
    row = threshold_row(test, "x", test, "test", 0.4, reason=None, settings=SETTINGS)
    same = prevalence_row(test, "x", row, test.truth.mean(), "here", level=0.95)
    assert (same["ppv"], same["npv"]) == pytest.approx((row["ppv"], row["npv"]))
    rare = prevalence_row(test, "x", row, 0.01, "settings", level=0.95)
    se, sp = row["sensitivity"], row["specificity"]
    assert rare["ppv"] == pytest.approx(se * 0.01 / (se * 0.01 + (1 - sp) * 0.99))
    assert rare["npv"] == pytest.approx(sp * 0.99 / (sp * 0.99 + (1 - se) * 0.01))
    for name in ("ppv", "npv", "lr_positive", "lr_negative"):
        assert rare[f"{name}_low"] < rare[name] < rare[f"{name}_high"]


def test_calibrated_scores_have_slope_1_and_no_intercept(rng):
    p = rng.beta(1.5, 2.5, 4000)
    exact = make_sample((rng.random(4000) < p).astype(float), p, people(4000))
    ones = Resamples(np.ones((4000, 300)), 0.95)
    row = calibration_row(exact, "x", ones, SETTINGS)
    assert row["slope_low"] < 1 < row["slope_high"]
    assert row["intercept_low"] < 0 < row["intercept_high"]
    assert row["brier"] == pytest.approx(np.mean((p - exact.truth) ** 2))
    extreme = make_sample(exact.truth, 1 / (1 + np.exp(-2 * logit(p) - 1)), people(4000))
    row = calibration_row(extreme, "x", ones, SETTINGS)
    assert row["slope"] == pytest.approx(0.5, abs=0.1)
    assert row["intercept_high"] < 0


@pytest.mark.parametrize("shape", ["a decimal", "hard calls", "steep"])
def test_calibration_at_large_expects_as_many_cases_as_there_are_with_scores_near_0_and_1(rng, shape):
    """glm, of statsmodels as of R, ends at intercepts of -8e14 with such scores, and says that it converged."""
    truth = (rng.random(150) < 0.3).astype(float)
    score = 1 / (1 + np.exp(-8 * (rng.normal(size=150) + 2 * truth - 1.5)))
    if shape == "a decimal":
        score = np.repeat([0, 0.1, 0.2, 0.4, 0.8, 0.2, 0.3, 0.4, 0.8, 0.9, 1], [11, 3, 3, 1, 1, 1, 1, 2, 2, 4, 1])
        truth = np.repeat([0.0, 1.0], [19, 11])
    elif shape == "hard calls":
        score = score.round()
    ones = Resamples(np.ones((len(truth), 100)), 0.95)
    row = calibration_row(make_sample(truth, score, people(len(truth))), "x", ones, SETTINGS)
    x = logit(np.clip(score, 1e-6, 1 - 1e-6))
    expected = 1 / (1 + np.exp(-x - row["intercept"]))
    assert expected.sum() == pytest.approx(truth.sum(), abs=1e-6)
    # The error is that of the information at the estimate.
    half = 1.959964 / np.sqrt((expected * (1 - expected)).sum())
    assert row["intercept_high"] - row["intercept"] == pytest.approx(half, rel=1e-4)
    assert row["slope_low"] < row["slope"] < row["slope_high"]


def test_one_score_in_common_gives_no_slope():
    """It had been 511, with limits of -733,000 and 734,000: how far the search went before it gave up."""
    truth = np.repeat([0.0, 1.0], 40)
    score = np.r_[np.linspace(0.1, 0.5, 40), np.linspace(0.5, 0.9, 40)]
    row = calibration_row(make_sample(truth, score, people(80)), "x", Resamples(np.ones((80, 100)), 0.95), SETTINGS)
    assert "overlap" in row["reason"]
    assert np.isnan(row["slope"])


def test_clustered_calibration_has_clustered_errors(rng):
    once = sample(rng, 150)
    twice = make_sample(np.repeat(once.truth, 2), np.repeat(once.score, 2), people(300, 2))
    apart = make_sample(twice.truth, twice.score, people(300))
    ones = Resamples(np.ones((300, 300)), 0.95)
    clustered, plain = (calibration_row(s, "x", ones, SETTINGS) for s in (twice, apart))
    assert clustered["slope"] == plain["slope"]
    width = [row["slope_high"] - row["slope_low"] for row in (clustered, plain)]
    fit = sm.Logit(once.truth, sm.add_constant(logit(once.score))).fit(disp=0)
    assert width[1] == pytest.approx((fit.conf_int()[1][1] - fit.conf_int()[1][0]) / np.sqrt(2), rel=0.01)
    assert width[0] == pytest.approx(width[1] * np.sqrt(2), rel=0.25)


def test_reliability_bins_hold_all_exams(rng):
    found = reliability_rows(sample(rng, 203), "x", SETTINGS)
    assert found["n"].sum() == 203
    assert len(found) == SETTINGS.reliability_bins
    assert ((found["low"] <= found["observed"]) & (found["observed"] <= found["high"])).all()
    tied = make_sample((rng.random(200) < 0.5).astype(float), rng.choice([0.1, 0.5, 0.9], 200), people(200))
    found = reliability_rows(tied, "x", SETTINGS)
    assert found["n"].sum() == 200
    assert list(found["predicted"]) == pytest.approx([0.1, 0.5, 0.9])
    for _, row in found.iterrows():
        assert row["observed"] == pytest.approx(tied.truth[np.isclose(tied.score, row["predicted"])].mean())


def test_measures_of_all_replicates_are_scikit_learns(rng):
    truth = rng.integers(0, 4, 80).astype(float)
    predicted = np.clip(truth + rng.integers(-1, 2, 80), 0, 4)
    weights = patient_weights(people(80, 2), 30, rng)
    found = grades.replicated(truth, predicted, 5, weights)
    for column in range(30):
        w = weights[:, column]
        drawn = np.unique(truth[w > 0])
        expected = {
            "accuracy": accuracy_score(truth, predicted, sample_weight=w),
            "balanced_accuracy": recall_score(truth, predicted, sample_weight=w, average="macro", labels=drawn),
            "mean_absolute_error": mean_absolute_error(truth, predicted, sample_weight=w),
            "quadratic_kappa": cohen_kappa_score(truth, predicted, weights="quadratic", sample_weight=w),
        }
        for name, value in expected.items():
            assert found[name][column] == pytest.approx(value, abs=1e-12), name
    assert grades.measures(truth, predicted) == pytest.approx(
        {name: values[0] for name, values in grades.replicated(truth, predicted, 5, np.ones((80, 1))).items()}
    )


def test_a_level_that_nobody_has_is_no_step_less():
    truth, predicted = np.array([0.0, 0, 2, 2, 4, 4]), np.array([0.0, 2, 2, 4, 4, 4])
    found = grades.measures(truth, predicted)["quadratic_kappa"]
    assert found == pytest.approx(cohen_kappa_score(truth, predicted, labels=range(5), weights="quadratic"))
    wider = np.where(truth == 4, 3, truth), np.where(predicted == 4, 3, predicted)  # 0, 2, 3: the last two are nearer
    assert grades.measures(*wider)["quadratic_kappa"] != pytest.approx(found)
    assert found == pytest.approx(grades.replicated(truth, predicted, 5, np.ones((6, 1)))["quadratic_kappa"][0])


def test_one_grade_only_has_no_kappa():
    twos, resamples = np.full(9, 2.0), Resamples(np.ones((9, 100)), 0.95)
    rows = grades.agreement_rows(twos, twos, 5, np.arange(9).astype(object), resamples, minimum=2)
    by_name = {row["measure"]: row for row in rows}
    assert by_name["accuracy"]["estimate"] == 1
    assert np.isnan(by_name["quadratic_kappa"]["estimate"])
    assert by_name["quadratic_kappa"]["reason"] == "all grades are the same"


def test_complete_agreement_is_not_certain():
    truth = np.repeat([0.0, 1.0, 2.0], 10)
    patients = np.arange(30).astype(object) // 2  # two exams each: 15 of them are what is known for sure
    resamples = Resamples.draw(patients, 200, 0.95, 1)
    for predicted, accuracy in ((truth, 1.0), ((truth + 1) % 3, 0.0)):
        rows = {r["measure"]: r for r in grades.agreement_rows(truth, predicted, 3, patients, resamples, minimum=10)}
        low, high = proportion_confint(15 * accuracy, 15, method="wilson")
        assert rows["accuracy"]["estimate"] == accuracy and rows["accuracy"]["method"] == "Wilson"
        assert (rows["accuracy"]["low"], rows["accuracy"]["high"]) == pytest.approx((low, high), abs=1e-12)
        balanced = rows["balanced_accuracy"]
        # Three grades of five patients each: a mean of three shares, less sure than one of fifteen patients.
        assert balanced["estimate"] == accuracy and 0 <= balanced["low"] <= accuracy <= balanced["high"] <= 1
        assert balanced["high"] - balanced["low"] > rows["accuracy"]["high"] - rows["accuracy"]["low"]
    assert np.isfinite(rows["mean_absolute_error"]["low"])  # wrong by one or by two: that varies


def test_kappa_of_a_handful_of_cases_has_no_interval():
    truth = np.zeros(300)
    truth[:4] = 1
    predicted = truth.copy()
    predicted[[3, 50]] = 0, 1
    patients = np.arange(300).astype(str).astype(object)
    resamples = Resamples.draw(patients, 200, 0.95, 1)
    for cases, told in ((4, "fewer than 10 patients with another grade than the commonest: no interval"), (20, None)):
        truth[:cases] = 1
        rows = {r["measure"]: r for r in grades.agreement_rows(truth, predicted, 2, patients, resamples, minimum=10)}
        assert rows["quadratic_kappa"]["reason"] == told and np.isnan(rows["quadratic_kappa"]["low"]) == bool(told)
        assert rows["mean_absolute_error"]["reason"] is None


@pytest.mark.parametrize("each", [1, 2])
def test_memory_does_not_grow_with_replicates_times_exams(rng, each):
    """Twice the replicates take the same memory beside the counts, which are there before."""
    n = 20_000
    truth = rng.integers(0, 5, n).astype(float)
    predicted = np.clip(truth + rng.integers(-1, 2, n), 0, 4)
    patients = people(n, each)
    peaks = []
    for replicates in (1000, 2000):
        resamples = Resamples.draw(patients, replicates, 0.95, 1)
        tracemalloc.start()
        grades.agreement_rows(truth, predicted, 5, patients, resamples, minimum=10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] and peaks[1] < n * 2000 * 8 / 2
