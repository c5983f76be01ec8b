"""A network that was trained elsewhere: the text is one of external validation, and says when the network fails here."""

import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from analysis.files import read_table, write_table
from analysis.presentation.results import OWN
from analysis.presentation.tables import TABLES
from analysis.presentation.tables.external import cohorts, development, updating
from analysis.presentation.values.cohort import noun
from analysis.schemas import CHARACTERISTICS, EXAMS, REFERENCE
from analysis.schemas.calibration import UPDATING
from analysis.schemas.statistics import DEVELOPMENT
from tests.presentation.conftest import Made
from tests.presentation.study import write
from tests.presentation.test_prose import sound
from tests.presentation.test_sentences import tell

OUTCOMES = ("kl_0", "kl_1", "kl_3_4", "disease")


def elsewhere(kl, folder, here=0.84, whole=True, there=0.9):
    """The invented study as one that judges another's network: AUCs of `there` there and of `here` on this archive."""
    options = dict(kl.options)
    for part in ("statistics", "reference", "selection", "network"):
        options[part] = shutil.copytree(kl.options[part], folder / part)
    # There is no other prevalence where nothing was trained.
    for name in ("calibration", "cumulative_fit", "prevalence"):
        path = options["statistics"] / f"{name}.csv"
        pd.read_csv(path).assign(source=OWN).to_csv(path, index=False)
    exams = read_table(options["selection"] / "exams.parquet", EXAMS)
    used = exams["set"] != "excluded"
    exams["read_as"] = exams["set"].where(used)
    exams.loc[used, "set"] = "test"
    write_table(exams if whole else exams.drop(columns="read_as"), options["selection"] / "exams.parquet", EXAMS)
    reference = read_table(options["reference"] / "reference.parquet", REFERENCE)
    write_table(reference.assign(set="test"), options["reference"] / "reference.parquet", REFERENCE)
    (options["network"] / "development").mkdir()
    origin = {"name": "kl-0123456789", "cohort": {"title": "the archive of Harbour", "kind": "clinical"}, "seed": 1}
    origin["weights"] = {"weights/seed-0.safetensors": "ab" * 32}
    (options["network"] / "development/network.yaml").write_text(yaml.safe_dump(origin))
    theirs = [
        {"set": which, "characteristic": name, "level": level, "n": 0 if name == "cast" else 100, "count": n, "mean": mean, "sd": 10, "median": mean,
         "low_quartile": mean, "high_quartile": mean}
        for which in ("training", "test")
        for name, level, n, mean in (("exams", None, 4321, None), ("kl", "0", 50, None), ("age", None, None, 60.0), ("cast", "1", 0, None),
                                     ("view", "ap", 60, None), ("view", "lateral", 40, None))
    ]  # fmt: skip
    own = [row | {"count": 20 if row["count"] == 50 else row["count"], "mean": row["mean"] and 65.0} for row in theirs]
    own = [
        row | {"count": 100} if row["level"] == "ap" else row for row in own if row["level"] != "lateral"
    ]  # which has one view
    write(theirs, options["network"] / "development/characteristics.csv", CHARACTERISTICS)
    write(own, options["reference"] / "characteristics.csv", CHARACTERISTICS)
    rows = [
        {"outcome": name, "measure": "auc", "controls": 200, "estimate": here, "low": here - 0.05, "high": here + 0.05,
         "development_cases": 80, "development_controls": 300, "development": there, "development_low": there - 0.04,
         "development_high": there + 0.03, "development_level": 0.95, "difference": here - there, "difference_low": here - there - 0.07,
         "difference_high": here - there + 0.06, "p": 0.001, "p_holm": 0.004}
        for name in OUTCOMES
    ]  # fmt: skip
    write(rows, options["statistics"] / "development.csv", DEVELOPMENT)
    fits = [
        {"outcome": name, "update": update, "cross_fitted": update != "none", "folds": 10, "intercept": at, "intercept_low": at - 0.1,
         "intercept_high": at + 0.1, "slope": 0.8, "slope_low": 0.7, "slope_high": 0.9, "brier": 0.2 - at / 10, "brier_low": 0.1,
         "brier_high": 0.3}
        for name in OUTCOMES
        for update, at in (("none", -0.6), ("intercept", 0.0), ("intercept and slope", 0.01))
    ]  # fmt: skip
    write(fits, options["statistics"] / "updating.csv", UPDATING)
    return Made(options, kl.folder)


@pytest.fixture(scope="module")
def text(kl, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    return sound(tell(elsewhere(kl, folder), folder / "told"))


def test_the_text_is_one_of_external_validation(text):
    for said in (
        "This is a study of the external validation of a diagnostic model, which was developed on another archive",
        "The network is kl-0123456789, named by the hash of its weights; the SHA-256 hashes of their files begin with abababababababab",
        "It was trained on another archive, the archive of Harbour, with 4,321 exams for training",
        "Thresholds were chosen on the validation set of the network's own study, by",
        "at the threshold from the validation set of the network's own study, sensitivity",
        "(300 exams); by two readers, independently, with consensus on conflicts (100 exams); or by one reader (600 exams)",
        "In the large they are too high for 4 outcomes, where the interval of the intercept excludes nought",
        "The network discriminates less well for 4 of 4 outcomes on this archive than in its own study. In the large its scores are too high for 4 outcomes",
        "After correction for 4 tests the AUC is lower here for",
        "in the network's own test set, a difference of",
        "Calibration is stated at the prevalence of the test set.",
        "Predictive values hold for the prevalence of the test set.",
        "the mean Brier score 0.199 instead of 0.260",
    ):
        assert said in text, said


def test_nothing_is_told_of_a_training(text):
    for word in ("stochastic gradient", "learning rate", "The training set has", "validation exam", "evaluate it internally",
                 "The evaluation is internal", "were split at patient level", "not to be relied on", "the test set's own", "Reweighting"):  # fmt: skip
        assert word not in text, word
    assert "told from nought" not in text  # the slopes are there


def test_a_network_that_fails_here_is_told_so(kl, tmp_path):
    made = elsewhere(kl, tmp_path, here=0.62)
    fits = pd.read_csv(made.options["statistics"] / "updating.csv")
    fits.loc[fits["update"] == "none", "slope_low"] = -0.1
    fits.to_csv(made.options["statistics"] / "updating.csv", index=False)
    told = tell(made, tmp_path / "told")
    assert told.count("not to be relied on here") == 4  # abstract, results, discussion, conclusion
    assert "The AUCs are so much lower" in told and "so low" not in told
    assert "Where the slope as it comes cannot be told from nought (4 outcomes), updated scores hardly differ" in told


def test_a_network_that_does_better_here_as_well_is_told_so_at_once(kl, tmp_path):
    made = elsewhere(kl, tmp_path)
    rows = pd.read_csv(made.options["statistics"] / "development.csv")
    rows.loc[0, "difference"] *= -1
    rows.to_csv(made.options["statistics"] / "development.csv", index=False)
    told = tell(made, tmp_path / "told")
    assert "discriminates less well for 3 and better for 1 of 4 outcomes on this archive than in its own study." in told
    assert re.search(r"the AUC is lower here for [^.]*, and higher here for ", told)


def test_the_level_of_what_the_network_brings_is_told_where_it_is_another(kl, tmp_path, text):
    """Its study's intervals at 95 % stay so, whatever level this one has."""
    assert "Intervals are at the level of 95%. P values" in text
    made = elsewhere(kl, tmp_path)
    told = tell(made, tmp_path / "told", roc=lambda frame: frame.assign(level=0.9))
    assert "; those of the network's own test set are at 95%" in told
    assert re.search(r"on this archive, with 90% [^.]* own test set, with 95% [^.]* difference, with its 90%", told)
    ninety = Made({**made.options, "statistics": tmp_path / "told/statistics"}, kl.folder).results
    assert {"AUC (90% CI)", "AUC, own test set (95% CI)", "Difference (90% CI)"} <= set(development(ninety).head)


def test_a_network_that_could_not_be_set_beside_its_own_study_has_a_conclusion(kl, tmp_path):
    made = elsewhere(kl, tmp_path)
    for name in ("development", "updating"):
        (made.options["statistics"] / f"{name}.csv").unlink()
    told = tell(made, tmp_path / "told")
    assert "Whether the network does as well here as in its own study could not be tested." in told


def test_estimates_of_too_few_cases_to_be_compared_are_pointed_to(kl, tmp_path):
    told = tell(elsewhere(kl, tmp_path), tmp_path / "told", roc=lambda frame: frame.assign(too_few=True))
    assert re.search(r"for a comparison with the network's own study; Table.\d+ gives the estimates\.", told)


def test_a_network_that_failed_in_its_own_study_does_no_worse_here(kl, tmp_path):
    found = yaml.safe_load(elsewhere(kl, tmp_path, here=0.62, there=0.65).values(tmp_path / "values.yml").read_text())
    assert found["external"]["bad"] and found["external"]["low"] and not found["external"]["much_worse"]


def test_an_archive_with_a_drawn_test_set_and_thresholds_of_its_own(kl, tmp_path):
    made = elsewhere(kl, tmp_path, whole=False)
    told = sound(tell(made, tmp_path / "told", config={"external": {"exams": "test", "thresholds": "validation"}}))
    assert "a test set was drawn to evaluate the network. A validation set was drawn for the thresholds" in told
    # The temperature alone is from there.
    assert re.findall(r"(\w+) the validation set of the network's own study", told) == ["fits"]
    assert (
        "nothing but the thresholds was fitted to this archive" in told
        and "the threshold from the validation set, " in told
    )


def test_a_study_that_trains_has_nothing_of_it(kl):
    assert [table(kl.results) for table in (development, updating, cohorts)] == [None] * 3
    listed = json.loads((kl.folder / "tables/sources.json").read_text())
    assert "performance.md" in listed and not {"development.md", "updating.md", "cohorts.md"} & listed.keys()


def test_estimates_at_the_one_prevalence_that_there_is_stand_once(kl, tmp_path):
    carried, trained = elsewhere(kl, tmp_path).results, kl.results
    widths = {
        name: [len(TABLES[name](one).head) for one in (trained, carried)]
        for name in ("calibration", "cumulative", "prevalence")
    }
    assert widths == {"calibration": [8, 7], "cumulative": [7, 6], "prevalence": [7, 4]}
    assert all(len(row) in (1, 4) for row in TABLES["prevalence"](carried).rows)


def test_cohorts_stand_side_by_side_with_standardised_differences(kl, tmp_path):
    rows = {row[0]: row[1:] for row in cohorts(elsewhere(kl, tmp_path).results).rows}
    assert rows["0"] == ["50 (50)", "50 (50)", "20 (20)", "−0.66"]  # 0.3 over the root of (0.25 + 0.16) / 2
    assert rows["Age, years"] == ["60 (60 to 60)", "60 (60 to 60)", "60 (60 to 60)", "0.50"]
    assert rows["Exams"][:3] == ["4,321"] * 3
    assert (rows["AP"], rows["Lateral"]) == (
        ["60 (60)", "60 (60)", "100 (100)", "1.15"],
        ["40 (40)", "40 (40)", "0 (0)", "−1.15"],
    )
    assert "Cast" not in rows  # which nobody read, here or there
    assert kl.results.characteristics.empty


@pytest.mark.parametrize(
    ("title", "kind", "told"),
    [
        ("simulated hospital archive", "simulated", "a simulated hospital archive"),
        ("another simulated archive", "simulated", "another simulated archive"),
        ("enlarged simulated archive", "simulated", "an enlarged simulated archive"),
        ("our hospital's archive", "clinical", "our hospital's archive"),
        ("public knee radiographs", "public", "public knee radiographs"),
    ],
)
def test_a_cohort_s_title_has_one_article_at_most(title, kind, told):
    assert noun(title, kind) == told
