"""Agreement against numbers worked out by hand, another library, and cases that have no number."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from analysis.grading.agreement import MEASURES, measure_agreement, tabulate_agreement
from analysis.grading.overall import measure_alpha, without_each
from analysis.grading.scheme import load_scheme
from analysis.grading.settings import ReferenceSettings


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


def test_exams_that_say_the_same_count_once():
    """Each patient read twice alike: the interval of half as many exams, but for Student's t."""
    generator = np.random.default_rng(3)
    first = generator.integers(0, 4, 200)
    second = np.clip(first + generator.integers(-1, 2, 200), 0, 3)
    once = measure_agreement(first, second, highest=3)
    patients = np.repeat(np.arange(200), 2).astype(str)
    twice = measure_agreement(np.repeat(first, 2), np.repeat(second, 2), highest=3, patients=patients)
    assert (twice["n"], twice["patients"]) == (400, 200)
    assert (twice["percent_low"], twice["percent_high"]) == pytest.approx(
        (once["percent_low"], once["percent_high"]), abs=0.1
    )
    for name in ("kappa", "kappa_linear", "kappa_quadratic"):
        assert twice[name] == pytest.approx(once[name])
        widths = [row[f"{name}_high"] - row[f"{name}_low"] for row in (once, twice)]
        assert widths[1] == pytest.approx(widths[0], rel=0.02)


def test_clustered_kappa_covers():
    """Both knees of 60 patients, whom a reader gets right or wrong together: plain intervals cover about 83 %."""
    generator = np.random.default_rng(8)

    def read(count):
        truth = generator.integers(0, 3, count)
        calls = [np.where(generator.random(count) < 0.75, truth, generator.integers(0, 3, count)) for _ in range(2)]
        return [np.repeat(call, 2) for call in calls]

    true = measure_agreement(*read(400000), highest=2)["kappa_quadratic"]
    patients = np.repeat(np.arange(60), 2).astype(str)
    hits = np.zeros(2)
    for _ in range(300):
        calls = read(60)
        for k, people in enumerate((patients, None)):
            found = measure_agreement(*calls, highest=2, patients=people)
            hits[k] += found["kappa_quadratic_low"] <= true <= found["kappa_quadratic_high"]
    assert 0.91 <= hits[0] / 300 <= 0.985
    assert hits[1] / 300 < 0.90


#: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
OBSERVED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
    [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
]


def test_alpha_is_krippendorffs_own_example():
    found = measure_alpha(np.array(OBSERVED).T, np.arange(12).astype(str), highest=5)
    assert found["alpha"] == pytest.approx(0.815, abs=5e-4)
    assert found["alpha"] == pytest.approx(0.815387503754881, abs=1e-12)  # kripp.alpha of R's package irr 0.84
    assert found["n"] == 11  # one unit was seen by one observer
    assert found["alpha_low"] < found["alpha"] < found["alpha_high"]


def pairwise_alpha(grades):
    """Alpha by its definition: the mean distance of two readings of an exam over that of any two readings."""
    exams = [[value for value in row if not np.isnan(value)] for row in grades]
    exams = [row for row in exams if len(row) > 1]
    pooled = [value for row in exams for value in row]

    def distance(a, b):
        low, high = min(a, b), max(a, b)
        between = sum(low <= value <= high for value in pooled)
        return (between - (pooled.count(a) + pooled.count(b)) / 2) ** 2

    seen = sum(sum(distance(a, b) for a, b in itertools.permutations(row, 2)) / (len(row) - 1) for row in exams)
    expected = sum(distance(a, b) for a, b in itertools.permutations(pooled, 2)) / (len(pooled) - 1)
    return 1 - seen / expected


@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_that_of_its_definition(seed):
    """R's package irr is not in Debian; so beside Krippendorff's example, pair by pair on any readings."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 5, (25, 1))
    grades = np.clip(truth + generator.integers(-2, 3, (25, 2 + seed % 3)), 0, 4).astype(float)
    grades[generator.random(grades.shape) < 0.25] = np.nan
    found = measure_alpha(grades, np.arange(25).astype(str), highest=4)
    assert found["alpha"] == pytest.approx(pairwise_alpha(grades), abs=1e-12)


def test_alpha_without_each_patient_is_the_library_s_without_their_exams():
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 5, (40, 1))
    grades = np.clip(truth + generator.integers(-1, 2, (40, 3)), 0, 4).astype(float)
    grades[generator.random((40, 3)) < 0.2] = np.nan
    patients = (np.arange(40) // 2).astype(str)
    several = (~np.isnan(grades)).sum(axis=1) > 1
    left_out = without_each(grades[several], patients[several], 4)
    for name, value in zip(np.unique(patients[several]), left_out, strict=True):
        part = measure_alpha(grades[patients != name], patients[patients != name], highest=4)
        assert value == pytest.approx(part["alpha"], abs=1e-12)


@pytest.mark.parametrize(
    ("grades", "says"),
    [
        ([[1, np.nan], [np.nan, 2]], "no exam that two read"),
        ([[1, 1], [1, 1]], "alpha is not defined"),
        ([[1, 1], [2, 2]], "never differ"),
    ],
)
def test_alpha_that_cannot_be_had_has_a_reason(grades, says):
    assert says in measure_alpha(np.array(grades, float), np.array(["a", "b"]), highest=2)["reason"]


def test_rotating_readers_have_one_coefficient_and_small_pairs_none():
    """Three readers, two an exam; the pair with four exams in common had been "0.00 to 0.90"."""
    generator = np.random.default_rng(4)
    kl = load_scheme("workflow/gradings/kl.yaml")
    rows = []
    for number in range(84):
        pair = ("A", "B") if number < 40 else ("A", "C") if number < 80 else ("B", "C")
        truth = int(generator.integers(0, 5))
        for reader in pair:
            value = int(np.clip(truth + generator.integers(-1, 2), 0, 4))
            rows.append((f"e{number:02d}", f"p{number // 2}", "test", reader, "kl", value))
    readers = pd.DataFrame(rows, columns=["exam", "patient", "set", "reader", "item", "value"])
    reference = readers.drop_duplicates("exam")[["exam", "set"]].assign(kl=2.0, disease=1.0)
    table = tabulate_agreement(readers, reference, kl, ReferenceSettings(minimum_pair=10))
    said = table.set_index("set")["reason"]
    assert said["training"].startswith("one reading an exam") and said["validation"] == "no exam in this set"
    table = table[table["item"] == "kl"].set_index(["first", "second"])
    assert table.loc[("all", "readers"), "n"] == 84
    assert 0.5 < table.loc[("all", "readers"), "alpha"] < 1
    assert 0 < table.loc[("A", "B"), "kappa"] < 1
    small = table.loc[("B", "C")]
    assert small["n"] == 4 and np.isnan(small["kappa"]) and "fewer than 10 exams" in small["reason"]
