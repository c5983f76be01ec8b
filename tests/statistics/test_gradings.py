"""Two gradings side by side: every number by another way, and what can't be compared."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from analysis.errors import StudyError
from analysis.grading.scheme import Scheme, load_scheme
from analysis.manuscript.source import missing
from analysis.presentation.gradings import Comparison, comparison_figure, comparison_table, comparison_values
from analysis.presentation.settings import ManuscriptSettings
from analysis.statistics.gradings import Graded, compare_gradings
from analysis.statistics.settings import StatisticsSettings
from tests.grading.conftest import run

SETTINGS = StatisticsSettings(replicates=200)


def graded(study, name):
    out = study / name
    reference = pd.read_parquet(out / "reference/reference.parquet")
    return Graded(load_scheme(study / f"{name}.yaml"), reference, pd.read_parquet(out / "predictions/exams.parquet"))


@pytest.fixture(scope="module")
def pair(study):
    return graded(study, "fjord"), graded(study, "delta")


@pytest.fixture(scope="module")
def table(pair):
    return compare_gradings(*pair, SETTINGS, 1)


@pytest.fixture(scope="module")
def exams(pair):
    parts = []
    for name, one in zip(("first", "second"), pair, strict=True):
        part = one.reference.merge(one.predictions[["exam", "disease"]], on="exam", how="left", suffixes=("", "_score"))
        parts.append(part.set_index("exam").add_prefix(f"{name}_"))
    return parts[0].join(parts[1])


def one(table, **where):
    found = table
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1, where
    return found.iloc[0]


@pytest.mark.parametrize("which", ["training", "validation", "test"])
def test_prevalence_and_agreement(table, exams, which):
    part = exams[exams["first_set"] == which]
    first, second = part["first_disease"], part["second_disease"]
    for name, flag in (("fjord", first), ("delta", second)):
        row = one(table, set=which, measure="prevalence", exams="all", truth=name)
        assert (row["n"], row["cases"], row["estimate"]) == (len(part), flag.sum(), pytest.approx(flag.mean()))
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(flag.sum(), len(part), method="wilson"))
    row = one(table, set=which, measure="prevalence_ratio", exams="all")
    assert row["estimate"] == pytest.approx(second.mean() / first.mean())
    assert row["low"] <= row["estimate"] <= row["high"]
    early = part[part["first_depth"] == 1]
    row = one(table, set=which, measure="prevalence", exams="early", truth="delta")
    assert row["estimate"] == pytest.approx(early["second_disease"].mean())
    cells = {
        name: one(table, set=which, measure=name)["estimate"]
        for name in ("both", "first_only", "second_only", "neither")
    }
    assert cells == {
        "both": (first * second).sum(), "first_only": (first * (1 - second)).sum(),
        "second_only": ((1 - first) * second).sum(), "neither": ((1 - first) * (1 - second)).sum(),
    }  # fmt: skip
    assert one(table, set=which, measure="kappa")["estimate"] == pytest.approx(cohen_kappa_score(first, second))


def test_discrimination(table, exams):
    test = exams[exams["first_set"] == "test"]
    healthy_or_early = test[(test["first_depth"] == 1) | (test["first_disease"] == 0)]
    truths = {
        "fjord": (test, test["first_disease"]),
        "delta": (test, test["second_disease"]),
        "early": (healthy_or_early, (healthy_or_early["first_depth"] == 1).astype(float)),
    }
    for name, (part, truth) in truths.items():
        scores = {"fjord": part["first_disease_score"], "delta": part["second_disease_score"]}
        for network, score in scores.items():
            row = one(table, measure="auc", truth=name, score=network)
            assert row["estimate"] == pytest.approx(roc_auc_score(truth, score))
            assert row["low"] < row["estimate"] < row["high"] or row["estimate"] in (0, 1)
        row = one(table, measure="auc_difference", truth=name)
        gap = roc_auc_score(truth, scores["fjord"]) - roc_auc_score(truth, scores["delta"])
        assert row["estimate"] == pytest.approx(gap)
        assert row["method"] == "score" or "fewer than 10 patients" in row["reason"]  # of so few exams
        if row["method"] == "score":
            assert row["low"] <= gap <= row["high"]
            assert (row["p"] < 0.05) == (not row["low"] <= 0 <= row["high"])


def test_own_definition(table, exams):
    test = exams[exams["first_set"] == "test"]
    gap = roc_auc_score(test["first_disease"], test["first_disease_score"]) - roc_auc_score(
        test["second_disease"], test["second_disease_score"]
    )
    row = one(table, measure="auc_difference", truth="own")
    assert row["estimate"] == pytest.approx(gap)
    assert "fewer than 10 patients" in row["reason"]
    assert np.isnan(row["p"])


def test_the_interval_of_the_ratio_covers():
    """Of 60 simulated cohorts with clustered knees, 95 % intervals hold the true ratio in 90 to 99 %."""
    scheme = "name: {0}\ntitle: T\nitems: {{a{0}: {{title: A, short: A, levels: {{0: absent, 1: present}}}}}}\n"
    scheme += "disease: {{title: D, rule: a{0} >= 1}}\n"
    schemes = [Scheme.model_validate(yaml.safe_load(scheme.format(name))) for name in "uv"]
    generator = np.random.default_rng(5)
    hits = 0
    for seed in range(60):
        ill = np.repeat(generator.normal(size=100), 2) + generator.normal(0, 0.7, 200)
        spread = np.sqrt(1 + 0.7**2)
        base = pd.DataFrame(
            {"exam": [f"e{n:03d}" for n in range(200)], "patient": np.repeat(range(100), 2).astype(str)}
        )
        parts = []
        for one_scheme, threshold in zip(schemes, (0.8, 0.2), strict=True):
            disease = (ill > threshold * spread).astype(float)
            parts.append(Graded(one_scheme, base.assign(set="training", disease=disease), base.iloc[:0]))
        row = one(compare_gradings(*parts, SETTINGS, seed), measure="prevalence_ratio", exams="all")
        hits += row["low"] <= norm.sf(0.2) / norm.sf(0.8) <= row["high"]
    assert 0.90 <= hits / 60 <= 0.99


def test_what_cannot_be_compared_is_refused(pair, study, tmp_path):
    first, second = pair
    with pytest.raises(StudyError, match="compared with itself"):
        compare_gradings(first, first, SETTINGS, 1)
    strangers = Graded(second.scheme, second.reference.assign(exam="other"), second.predictions)
    with pytest.raises(StudyError, match="no graded exam in common"):
        compare_gradings(first, strangers, SETTINGS, 1)
    path = tmp_path / "bare.yaml"
    path.write_text("name: bare\ntitle: Bare\nfindings: {ferry: {title: Ferry}}\n")
    with pytest.raises(StudyError, match="without a rule 'disease'"):
        compare_gradings(first, Graded(load_scheme(path), second.reference, second.predictions), SETTINGS, 1)


def test_exams_that_one_grading_lacks_are_told(pair):
    first, second = pair
    fewer = Graded(second.scheme, second.reference.iloc[5:], second.predictions)
    table = compare_gradings(first, fewer, SETTINGS, 1)
    row = one(table, set="training", measure="compared")
    assert row["n"] == (first.reference["set"] == "training").sum() - 5
    assert row["reason"] == "5 exams are not graded by both"


def test_a_first_scheme_without_early_disease(pair):
    table = compare_gradings(*pair[::-1], SETTINGS, 1)
    assert one(table, measure="auc_difference", truth="early")["reason"]
    assert (table.loc[table["exams"] == "early", "reason"].notna()).all()
    comparison = Comparison(table, pair[1].scheme, pair[0].scheme, ManuscriptSettings())
    assert "early" not in comparison.truths()
    assert comparison_values(comparison)["early"]["any"] is False


def test_report(table, pair):
    comparison = Comparison(table, *(part.scheme for part in pair), ManuscriptSettings())
    printed = [cell for row in comparison_table(comparison).rows for cell in row]
    assert any(cell.startswith("Early fjordosis by Fjord, test set (n = ") for cell in printed)
    assert not any("nan" in cell or "None" in cell for cell in printed)
    values = comparison_values(comparison)
    assert values["first"] == "Fjord"
    for name in ("by_first", "by_second", "early", "own"):
        chosen = [values[name][key] for key in ("first_better", "second_better", "undecided")]
        assert sum(chosen) == values[name]["tested"]
        assert values[name]["any"] or not values[name]["tested"]
    flat = list(itertools.chain.from_iterable(v.values() if isinstance(v, dict) else [v] for v in values.values()))
    assert all(isinstance(value, str | bool) for value in flat)
    section = Path("manuscript/_gradings.qmd").read_text(encoding="utf-8")
    assert list(missing(section, {"gradings": values})) == []
    figure = comparison_figure(comparison)
    labels = [tick.get_text() for axes in figure.axes for tick in axes.get_yticklabels()]
    assert "Test set" in labels


def test_command_writes_the_same_bytes_again(study, tmp_path):
    for out in ("one", "two"):
        run("compare-gradings", "--first-results", study / "fjord", "--second-results", study / "delta", "--first-grading",
            study / "fjord.yaml", "--second-grading", study / "delta.yaml", "--settings", study / "statistics.yaml",
            "--manuscript-settings", study / "manuscript.yaml", "--seed", 1, "--out", tmp_path / out)  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["gradings.csv", "gradings.png", "gradings.svg", "table.csv", "table.md", "values.yml"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_one_question_has_one_test(pair, exams):
    """Where both definitions find the same exams diseased, every comparison of the two networks for them is one."""
    first, second = pair
    disease = first.reference.set_index("exam")["disease"]
    alike = second.reference.assign(disease=second.reference["exam"].map(disease))
    settings = StatisticsSettings(replicates=200, minimum_cases=2)
    table = compare_gradings(first, Graded(second.scheme, alike, second.predictions), settings, 1)
    tests = table[table["measure"] == "auc_difference"].set_index("truth")
    assert np.isfinite(tests.loc["fjord", "p"])
    for truth in ("delta", "own"):
        assert np.isnan(tests.loc[truth, "p"]) and tests.loc[truth, "reason"].startswith("the same question as 'fjord'")
        assert tests.loc[truth, "estimate"] == pytest.approx(tests.loc["fjord", "estimate"])
    known = tests["p"].dropna()
    assert tests.loc[known.index, "p_holm"].tolist() == multipletests(known, method="holm")[1].tolist()
