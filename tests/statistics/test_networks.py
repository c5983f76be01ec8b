"""Networks on the same exams: every number by another way, and what can't be compared."""

import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, cohen_kappa_score, roc_auc_score
from statsmodels.stats.multitest import multipletests

from analysis.errors import StudyError
from analysis.grading.scheme import load_scheme
from analysis.manuscript.source import missing
from analysis.network.checkpoints import save_weights
from analysis.network.trained.compared import read_network
from analysis.presentation.networks import (
    Beside,
    networks_figure,
    networks_table,
    networks_values,
    pairs_table,
)
from analysis.presentation.settings import ManuscriptSettings
from analysis.statistics.networks import differences, estimates, judge
from analysis.statistics.settings import StatisticsSettings
from tests.grading.conftest import SCHEMES, invoke, run
from tests.statistics.conftest import make_numbers, run_r

SETTINGS = StatisticsSettings(replicates=200, few_cases=20)
DEPTH = [f"depth_{grade}" for grade in range(3)]
NETWORKS = {"good": 4, "noisy": 4, "poor": 6}  # filters


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder for each of three networks, as the rules lay them out: one good, one with noise upon it, one that knows less
    and lacks exams; and the reference."""
    folder, rng = tmp_path_factory.mktemp("networks"), np.random.default_rng(3)
    (folder / "fjord.yaml").write_text(SCHEMES["fjord"])
    reference, good = make_numbers(load_scheme(folder / "fjord.yaml"), rng, 600)
    reference.to_parquet(folder / "reference.parquet")
    names = [name for name in good if name not in ("exam", "patient", "set")]
    for name, noise in (("good", 0), ("noisy", 0.1), ("poor", 0.6)):
        scores = good.copy()
        scores[names] = (good[names] + rng.normal(0, noise, (600, len(names)))).clip(0, 1)
        scores.loc[scores.index[-6:], names] = np.nan if name == "poor" else 0.5
        (folder / name / "predictions").mkdir(parents=True)
        scores.to_parquet(folder / name / "predictions/exams.parquet")
        row = {"kind": "Convolution", "blocks": 1, "kernel": "–", "filters": 1, "part": "core", "parameters": 7}
        form = {"backbone": "olsson2021", "backbone_options": {}, "width": NETWORKS[name], "groups": []}
        about = {"structure": [row], "computed": {}, "settings": form, "data": name, "side": 24}
        save_weights(folder / name / "network/seed-0/weights.safetensors", {"w": torch.ones(1)}, about)
    (folder / "statistics.yaml").write_text("replicates: 100\n")
    (folder / "manuscript.yaml").write_text("figures: {dpi: 72}\n")
    return folder


@pytest.fixture(scope="module")
def scheme(files):
    return load_scheme(files / "fjord.yaml")


def predictions(files, *names):
    return {name: files / name / "predictions/exams.parquet" for name in names}


@pytest.fixture(scope="module")
def judged(files, scheme):
    return judge(predictions(files, *NETWORKS), files / "reference.parquet", scheme)


@pytest.fixture(scope="module")
def beside(judged, files, scheme):
    networks = [read_network(name, files / name, "fjord", "a fjord") for name in NETWORKS]
    tables = (estimates(judged, scheme, SETTINGS, 1), differences(judged, scheme, SETTINGS, 1))
    return Beside(networks, *tables, judged.left_out, len(set(judged.patients)), scheme, ManuscriptSettings())


@pytest.fixture(scope="module")
def exams(files):
    """The test exams that all three have scored, by network; and the reference."""
    frames = {name: pd.read_parquet(path).set_index("exam") for name, path in predictions(files, *NETWORKS).items()}
    frames["reference"] = pd.read_parquet(files / "reference.parquet").set_index("exam")
    scored = frames["poor"].index[frames["poor"]["depth_0"].notna() & (frames["poor"]["set"] == "test")]
    return {name: frame.loc[scored] for name, frame in frames.items()}


def test_equal_scores_have_no_interval_and_say_so(files, scheme, tmp_path):
    scores = pd.read_parquet(files / "good/predictions/exams.parquet").assign(depth_0=0.5)
    scores.to_parquet(tmp_path / "p.parquet")
    paths = {"good": files / "good/predictions/exams.parquet", "same": tmp_path / "p.parquet"}
    table = estimates(judge(paths, files / "reference.parquet", scheme), scheme, SETTINGS, 1)
    row = table[(table["network"] == "same") & (table["outcome"] == "depth_0")].iloc[0]
    assert row["estimate"] == 0.5
    assert row["reason"].startswith("all scores are equal")
    assert row[["low", "high", "method"]].isna().all()
    assert (table["low"].notna() != table["reason"].notna()).all()


def test_weights_of_a_seed_that_did_not_score_are_no_member(files, tmp_path):
    """As a run with other seeds leaves them in the study's folder."""
    folder = shutil.copytree(files / "good", tmp_path / "own")
    shutil.copytree(folder / "network/seed-0", folder / "network/seed-1")
    assert len(read_network("own", folder, "fjord", "a fjord").members) == 2
    pd.DataFrame({"seed": [0, 0]}).to_parquet(folder / "predictions/seeds.parquet")
    assert len(read_network("own", folder, "fjord", "a fjord").members) == 1


def test_all_are_judged_on_the_exams_that_all_have_scored(judged, beside, exams):
    assert len(judged.patients) == len(exams["reference"]) == 194
    assert judged.left_out == {"good": 0, "noisy": 0, "poor": 6}
    table = beside.estimates.set_index(["network", "outcome", "measure"])
    assert table.index.is_unique
    for name in judged.networks:
        grade = exams["reference"]["depth"]
        for outcome in ("depth_2", "depth_1_2", "disease"):
            row = table.loc[(name, outcome, "auc")]
            assert row["estimate"] == pytest.approx(roc_auc_score(exams["reference"][outcome], exams[name][outcome]))
            assert row["low"] < row["estimate"] < row["high"]
        chosen = exams[name][DEPTH].to_numpy().argmax(1)
        assert table.loc[(name, "depth", "accuracy"), "estimate"] == pytest.approx(accuracy_score(grade, chosen))
        kappa = cohen_kappa_score(grade, chosen, weights="quadratic")
        assert table.loc[(name, "depth", "quadratic_kappa"), "estimate"] == pytest.approx(kappa)


def test_every_pair_is_compared_and_corrected_over_all(beside):
    pairs = beside.pairs
    found = pairs.groupby(["first", "second"]).size()
    assert list(found.index) == [("good", "noisy"), ("good", "poor"), ("noisy", "poor")] and found.nunique() == 1
    tested = pairs["p"].notna()
    assert np.allclose(pairs.loc[tested, "p_holm"], multipletests(pairs.loc[tested, "p"], method="holm")[1])
    assert (tested | pairs["reason"].notna()).all()
    gap = pairs["first_value"] - pairs["second_value"]
    assert np.allclose(gap, pairs["difference"], equal_nan=True)
    for low, high in (("low", "high"), ("patients_low", "patients_high"), ("delong_low", "delong_high")):
        known = pairs[low].notna()
        assert known.any() and (pairs[low] <= gap)[known].all() and (gap <= pairs[high])[known].all()
    worst = pairs[(pairs["first"] == "good") & (pairs["second"] == "poor") & (pairs["outcome"] == "depth_0")].iloc[0]
    assert max(worst["p_holm"], worst["delong_p"], worst["patients_p"]) < 0.05 and worst["difference"] > 0


def test_delong_is_that_of_proc(beside, exams, tmp_path):
    pairs = beside.pairs
    table = pd.DataFrame(
        {"truth": exams["reference"]["depth_1"], **{n: exams[n]["depth_1"] for n in ("good", "noisy")}}
    )
    table.to_csv(tmp_path / "scores.csv", index=False)
    script = """
    suppressPackageStartupMessages(library(pROC))
    d <- read.csv("FILE")
    curves <- lapply(d[c("good", "noisy")], function(s) roc(d$truth, s, levels = c(0, 1), direction = "<"))
    test <- roc.test(curves[[1]], curves[[2]], method = "delong", paired = TRUE)
    cat(test$conf.int, test$p.value)
    """
    row = pairs[(pairs["second"] == "noisy") & (pairs["outcome"] == "depth_1")].iloc[0]
    printed = run_r(script.replace("FILE", str(tmp_path / "scores.csv")), folder=tmp_path)
    assert list(map(float, printed.split())) == pytest.approx(
        list(row[["delong_low", "delong_high", "delong_p"]]), rel=1e-4
    )


def test_what_cannot_be_compared_is_refused(files, scheme, beside, tmp_path):
    reference = files / "reference.parquet"
    with pytest.raises(StudyError, match="two networks at least"):
        judge(predictions(files, "good"), reference, scheme)
    none = pd.read_parquet(files / "good/predictions/exams.parquet")
    none[[outcome.id for outcome in scheme.outcomes]] = np.nan
    none.to_parquet(tmp_path / "none.parquet")
    with pytest.raises(StudyError, match=r"No test exam of .* is scored by all of good, none"):
        judge(predictions(files, "good") | {"none": tmp_path / "none.parquet"}, reference, scheme)
    for name in ("good", "other"):
        one = pd.read_parquet(files / "good/predictions/exams.parquet")
        one.assign(patient=one["exam"] if name == "other" else "everybody").to_parquet(tmp_path / f"{name}.parquet")
    pd.read_parquet(reference).drop(columns="patient").to_parquet(tmp_path / "reference.parquet")
    with pytest.raises(
        StudyError, match=r"good\.parquet and .*other\.parquet don't have the same patients; give them in"
    ):
        judge(
            {name: tmp_path / f"{name}.parquet" for name in ("good", "other")}, tmp_path / "reference.parquet", scheme
        )
    with pytest.raises(StudyError, match="'good' and 'good' are one network"):
        replace(beside, networks=[*beside.networks[:1], *beside.networks[:1]])
    with pytest.raises(StudyError, match="holds no weights of 'other'"):
        read_network("other", tmp_path, "fjord", "a fjord")


def test_report(beside, judged):
    printed = [cell for table in (networks_table(beside), pairs_table(beside)) for row in table.rows for cell in row]
    assert "First: “good”; second: “poor”" in printed and "D: quadratic kappa (194)" in printed
    assert "Olsson et al. 2021, 6 filters" in printed and "a fjord" in printed
    assert not any("nan" in cell or "None" in cell for cell in printed)
    unlearnt = beside.pairs["measure"].eq("accuracy") & beside.pairs["first"].eq("good")
    fewer = pairs_table(replace(beside, pairs=beside.pairs.assign(n=beside.pairs["n"].mask(unlearnt, 0)))).rows
    assert len(pairs_table(beside).rows) - len(fewer) == unlearnt.sum() > 0
    values = networks_values(beside)
    assert values["architectures"] and not values["same_data"] and values["same_members"] and values["alone"]
    assert (
        values["some_differ"]
        and not values["none_differ"]
        and re.search(
            "“good” above “poor” in D 0, .* and W: accuracy \\(by 0.1[0-9] to 0.2[0-9], largest P = 0.0",
            values["which"],
        )
    )
    assert values["n"] == "194" and values["patients"] == str(len(set(judged.patients)))
    assert values["left_outs"] == "6 by “poor”"
    assert all(isinstance(value, str | bool) for value in values.values())
    section = Path("manuscript/_networks.qmd").read_text(encoding="utf-8")
    assert list(missing(section, {"networks": values})) == []
    figure = networks_figure(beside)
    labels = [tick.get_text().replace("\n", " ") for tick in figure.axes[0].get_yticklabels()]
    assert labels == list(beside.shown.values()) and len(labels) > 8


def test_two_tables_without_a_study_are_compared(files, tmp_path):
    tables = itertools.chain(*zip(("--first", "--second"), predictions(files, "good", "poor").values(), strict=True))
    rest = ["--reference", files / "reference.parquet", "--grading", files / "fjord.yaml", "--settings", files / "statistics.yaml"]  # fmt: skip
    done = run("compare", *tables, *rest, "--names", "one", "two", "--out", tmp_path / "pairs.csv")
    assert f"6 test exams have no score in {files / 'poor/predictions/exams.parquet'} and take no part." in done.output
    assert set(pd.read_csv(tmp_path / "pairs.csv")["n"].dropna()) == {194}


def test_command_writes_the_same_bytes_again(files, tmp_path):
    named = list(itertools.chain.from_iterable(("--compared", name, files / name) for name in ("good", "poor")))
    rest = ["--cohort-title", "a fjord", "--reference", files / "reference.parquet", "--grading", files / "fjord.yaml",
            "--settings", files / "statistics.yaml", "--manuscript-settings", files / "manuscript.yaml", "--seed", 1]  # fmt: skip
    for out in ("one", "two"):
        run("compare-networks", *named, *rest, "--out", tmp_path / out)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [
        *("compared.csv", "compared.md", "networks.csv", "networks.png", "networks.svg", "pairs.csv"),
        *("table.csv", "table.md", "values.yml"),
    ]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    done = invoke("compare-networks", *named, "--compared", "poor", files / "good", *rest, "--out", tmp_path / "three")
    assert "Two networks have one name" in str(done.exception)
