"""The learning curve: who is drawn, how long is trained, and what is told of the networks."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from analysis.__main__ import main
from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.scheme import load_scheme
from analysis.learning_curve.curve import judged, learning_curve, place
from analysis.learning_curve.settings import LearningCurveSettings
from analysis.learning_curve.subsets import subset
from analysis.network.settings import PhaseSettings
from analysis.schemas import PREDICTIONS, REFERENCE
from analysis.schemas.learning_curve import MEAN, RUNS
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.resample import Resamples, percentile, seed_for

SCHEME = load_scheme("workflow/gradings/kl.yaml")
KEYS = ["exam", "patient", "set"]
ASKED = LearningCurveSettings(exams=(20, "all"), seeds=(0, 1), starts={"random": None, "simulated": "its.safetensors"})
STATISTICS = StatisticsSettings(replicates=100)


def standard(n: int = 150) -> pd.DataFrame:
    """Two exams a patient, three patients of five in training; some of them without a label."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"exam": [f"e{i:03}" for i in range(n)], "patient": [f"p{i // 2:03}" for i in range(n)]})
    table["set"] = [("training", "training", "training", "validation", "test")[i // 2 % 5] for i in range(n)]
    kl = pd.DataFrame({"kl": rng.integers(0, 5, n).astype(float)})
    kl.loc[(table["set"] == "training") & (rng.random(n) < 0.1), "kl"] = np.nan
    return pd.concat([table, kl, SCHEME.derive(kl)], axis=1)


WHOLE = standard()
LABELLED = WHOLE[(WHOLE["set"] == "training") & WHOLE["kl"].notna()]


@settings(max_examples=10)
@given(numbers=st.lists(st.integers(1, len(LABELLED)), min_size=2, max_size=4), seed=st.integers(0, 9))
def test_each_number_holds_the_smaller_ones_and_no_patient_is_halved(numbers, seed):
    drawn: set[str] = set()
    for number in [*sorted(numbers), "all"]:
        found = subset(WHOLE, number, seed)
        training = found[found["set"] == "training"]
        assert drawn <= set(training["exam"]) <= set(LABELLED["exam"])
        drawn = set(training["exam"])
        of_them = LABELLED[LABELLED["patient"].isin(training["patient"])]
        assert set(of_them["exam"]) == drawn
        # One patient fewer would be too few.
        assert number == "all" or number <= len(drawn) < number + LABELLED["patient"].value_counts().max()
        rest = WHOLE[WHOLE["set"] != "training"].reset_index(drop=True)
        pd.testing.assert_frame_equal(found[found["set"] != "training"].reset_index(drop=True), rest)
    assert drawn == set(LABELLED["exam"])


def test_another_seed_draws_other_exams_and_the_order_of_rows_draws_none():
    first, second = (set(subset(WHOLE, 20, seed)["exam"]) for seed in (0, 1))
    assert first != second
    assert set(subset(WHOLE.sample(frac=1, random_state=2), 20, 0)["exam"]) == first


def test_more_exams_than_there_are_is_said():
    with pytest.raises(StudyError, match=rf"asks for 999 training exams, but {len(LABELLED)} have a label"):
        subset(WHOLE, 999, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"exams": [500, 250]}, "larger than the one before"),
        ({"exams": ["all", 250]}, "'all' last"),
        ({"exams": [0, 250]}, "at least 1"),
        ({"seeds": [1, 1]}, "twice"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"seeds": [2**31]}, "less than 2147483648"),
        ({"starts": {"simulated": "w.safetensors"}}, "'random' is the start at random"),
        ({"starts": {"random": "w.safetensors"}}, "leave it null"),
        ({"starts": {"random": None, "simulated": None}}, "names no file"),
        ({"starts": {"random": None, "../x": "w"}}, "needs a name"),
    ],
)
def test_settings_that_make_no_curve_are_refused(wrong, said):
    with pytest.raises(ValidationError, match=said):
        LearningCurveSettings.model_validate(wrong)


def test_few_exams_are_trained_on_for_more_epochs():
    phases = (PhaseSettings(epochs=4, learning_rate=0.1, warm_up=1), PhaseSettings(epochs=2, learning_rate=0.1))
    asked = LearningCurveSettings(steps_of=1000)
    for exams, factor in ((250, 4), (1000, 1), (2500, 1), ("all", 1)):
        found = asked.phases(phases, exams)
        assert [(p.epochs, p.warm_up) for p in found] == [(4 * factor, factor), (2 * factor, 0)]


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The files of eight networks, the better the more exams; those that started elsewhere know a little more."""
    folder = tmp_path_factory.mktemp("grown")
    write_table(WHOLE, folder / "reference.parquet", REFERENCE)
    judged_on = WHOLE[WHOLE["set"] != "training"].reset_index(drop=True)
    for seed in ASKED.seeds:
        for number in ASKED.exams:
            write_table(subset(WHOLE, number, seed), place(folder, seed, number) / "reference.parquet", REFERENCE)
            for i, start in enumerate(ASKED.starts):
                rng = np.random.default_rng([seed, i, number == "all"])
                latent = judged_on["kl"] + rng.normal(0, 2.5 - 1.5 * (number == "all") - 0.5 * i, len(judged_on))
                table = judged_on[KEYS].copy()
                for outcome in SCHEME.outcomes:
                    near = -abs(latent - np.mean(outcome.levels)) if outcome.levels else -latent
                    table[outcome.id] = 1 / (1 + np.exp(-near))
                table["kl"] = latent.round().clip(0, 4)
                file = place(folder, seed, number, start) / "predictions/exams.parquet"
                write_table(table, file, PREDICTIONS)
    return folder


@pytest.fixture(scope="module")
def curve(grown):
    return learning_curve(grown, grown / "reference.parquet", SCHEME, ASKED, STATISTICS, 3)


def truth_and_scores(grown, which, seed, number, start):
    table = pd.read_parquet(place(grown, seed, number, start) / "predictions/exams.parquet")
    both = WHOLE[WHOLE["set"] == which].merge(table, on="exam", suffixes=("", "_given"))
    return both.reset_index(drop=True)


def estimates(both):
    areas = [roc_auc_score(both[name], both[f"{name}_given"]) for name in judged(SCHEME)]
    return np.mean(areas), cohen_kappa_score(both["kl"], both["kl_given"], labels=range(5), weights="quadratic")


def test_each_network_is_judged_as_scikit_learn_does(grown, curve):
    runs, _ = curve
    RUNS.validate(runs)
    assert set(judged(SCHEME)) == {"kl_0_1", "kl_0_2", "kl_1_3", "kl_2_4", "kl_3_4"}
    means = runs[runs["of"] == MEAN].set_index(["set", "start", "asked", "seed", "measure"])["estimate"]
    assert len(means) == 2 * 2 * 2 * 2 * 2
    for which in ASKED.sets:
        for seed, number, start in ((0, 20, "random"), (1, "all", "simulated")):
            expected = estimates(truth_and_scores(grown, which, seed, number, start))
            found = [means[which, start, str(number), seed, name] for name in ("auc", "quadratic_kappa")]
            assert found == pytest.approx(expected)
    drawn = runs[runs["asked"] == "20"]["exams"]
    assert drawn.between(20, 21).all() and (runs.loc[runs["asked"] == "all", "exams"] == len(LABELLED)).all()


def test_limits_are_those_of_patients_drawn_one_by_one(grown):
    """The slow way: the exams of the drawn patients written out, and every network judged on them."""
    asked = ASKED.model_copy(update={"exams": (20,), "sets": ("test",)})
    few = STATISTICS.model_copy(update={"replicates": 25, "minimum_cases": 2})
    _, table = learning_curve(grown, grown / "reference.parquet", SCHEME, asked, few, 3)
    both = {(s, start): truth_and_scores(grown, "test", s, 20, start) for s in ASKED.seeds for start in ASKED.starts}
    patients = both[0, "random"]["patient"].to_numpy(dtype=object)
    drawn = Resamples.draw(patients, few.replicates, few.level, seed_for(3, "learning_curve", "test"))
    every = [np.arange(len(patients)), *(np.repeat(np.arange(len(patients)), n) for n in drawn.counts[drawn.which].T)]
    values = np.array(
        [[[estimates(both[s, start].iloc[rows]) for s in ASKED.seeds] for start in ASKED.starts] for rows in every]
    )  # drawn exams, starts, seeds, measures
    means = table[table["of"] == MEAN].set_index(["start", "measure"])
    for i, measure in enumerate(("auc", "quadratic_kappa")):
        single, mean = values[0, :, :, i], values[:, :, :, i].mean(axis=2)
        for j, start in enumerate(ASKED.starts):
            row = means.loc[start, measure]
            assert row["estimate"] == pytest.approx(single[j].mean())
            assert (row["lowest"], row["highest"]) == pytest.approx((single[j].min(), single[j].max()))
            assert (row["low"], row["high"]) == pytest.approx(percentile(mean[1:, j], few.level))
        gap = mean[:, 1] - mean[:, 0]
        assert row["difference"] == pytest.approx(gap[0])
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(percentile(gap[1:], few.level))
    assert means.loc["random", "difference"].isna().all()


def test_a_set_that_is_left_for_the_end_is_not_judged_on(grown):
    asked = ASKED.model_copy(update={"exams": (20,), "sets": ("validation",)})
    for table in learning_curve(grown, grown / "reference.parquet", SCHEME, asked, STATISTICS, 3):
        assert set(table["set"]) == {"validation"}


def test_what_rests_on_few_patients_has_no_limits(grown):
    asked = ASKED.model_copy(update={"exams": (20,), "sets": ("test",)})
    strict = StatisticsSettings(replicates=100, minimum_cases=1000)
    _, table = learning_curve(grown, grown / "reference.parquet", SCHEME, asked, strict, 3)
    assert table["estimate"].notna().all()
    assert table[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)


def test_an_outcome_that_was_not_learnt_ranks_nobody(grown, tmp_path):
    shutil.copytree(grown, tmp_path / "grown")
    file = place(tmp_path / "grown", 0, 20, "random") / "predictions/exams.parquet"
    scores = pd.read_parquet(file)
    write_table(scores.assign(kl_3_4=np.nan), file, PREDICTIONS)
    asked = ASKED.model_copy(update={"exams": (20,), "seeds": (0,)})
    runs, _ = learning_curve(tmp_path / "grown", grown / "reference.parquet", SCHEME, asked, STATISTICS, 3)
    of = runs[(runs["of"] == "kl_3_4") & (runs["start"] == "random")]
    assert (of["estimate"] == 0.5).all()


def test_a_network_of_too_few_exams_to_learn_from_ranks_nobody(grown, curve, tmp_path):
    """It gives no score at all, by which it can't be held against the others."""
    shutil.copytree(grown, tmp_path / "grown")
    file = place(tmp_path / "grown", 0, 20, "random") / "predictions/exams.parquet"
    scores = pd.read_parquet(file)
    write_table(
        scores.assign(**dict.fromkeys(scores.columns.difference(["exam", "patient", "set"]), np.nan)), file, PREDICTIONS
    )
    runs, _ = learning_curve(tmp_path / "grown", grown / "reference.parquet", SCHEME, ASKED, STATISTICS, 3)
    none = (runs["seed"] == 0) & (runs["asked"] == "20") & (runs["start"] == "random")
    assert set(runs.loc[none & (runs["measure"] == "auc"), "estimate"]) == {0.5}
    pd.testing.assert_frame_equal(runs[~none], curve[0][~none])


def test_networks_that_score_other_exams_are_refused(grown, tmp_path):
    shutil.copytree(grown, tmp_path / "grown")
    file = place(tmp_path / "grown", 1, "all", "random") / "predictions/exams.parquet"
    scores = pd.read_parquet(file)
    write_table(scores.assign(exam=scores["exam"].replace("e006", "other")), file, PREDICTIONS)
    with pytest.raises(StudyError, match="don't score the same exams"):
        learning_curve(tmp_path / "grown", grown / "reference.parquet", SCHEME, ASKED, STATISTICS, 3)


def test_by_the_commands_to_the_figure(grown, tmp_path):
    reference = str(grown / "reference.parquet")
    drawn = tmp_path / "reference.parquet"
    words = ["draw-exams", "--reference", reference, "--training-exams", "20", "--seed", "0", "--out", str(drawn)]
    assert " training exams of " in CliRunner().invoke(main, words, catch_exceptions=False).output
    pd.testing.assert_frame_equal(pd.read_parquet(drawn), pd.read_parquet(place(grown, 0, 20) / "reference.parquet"))
    wrong = CliRunner().invoke(main, [*words[:4], "some", *words[5:]])
    assert wrong.exit_code == 2 and "a number of exams, or all" in wrong.output
    sections = {"settings": ASKED, "statistics-settings": STATISTICS}
    options = []
    for name, section in sections.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(section.model_dump(mode="json")))
        options += [f"--{name}", str(tmp_path / f"{name}.yaml")]
    (tmp_path / "manuscript.yaml").write_text("{figures: {dpi: 80}}")
    options += ["--manuscript-settings", str(tmp_path / "manuscript.yaml"), "--grading", "kl", "--seed", "3"]
    out = tmp_path / "curve"
    words = ["learning-curve", "--runs", str(grown), "--reference", reference, *options, "--out", str(out)]
    CliRunner().invoke(main, words, catch_exceptions=False)
    assert {path.name for path in out.iterdir()} == {
        "runs.csv", "curve.csv", *(f"learning-curve.{ending}" for ending in ("svg", "png", "md", "csv")),
    }  # fmt: skip
    assert (out / "learning-curve.png").stat().st_size > 5000
    table = pd.read_csv(out / "learning-curve.csv")
    assert len(table) == 8 and table.shape[1] == 7
    assert table.iloc[0, 0] == "Validation set, start at random: 20" or table.iloc[0, 0].endswith(": 21")
