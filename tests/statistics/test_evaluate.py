"""evaluate as a whole: a CSV never seen against R by hand, workers, bad input, subgroups, readers."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests

from analysis.errors import StudyError
from analysis.grading.scheme import load_scheme
from analysis.statistics import brought
from analysis.statistics.brought import read_readers
from analysis.statistics.commands import compare_command, evaluate_command
from analysis.statistics.comparisons import compare_grades, compare_paired
from analysis.statistics.data import match
from analysis.statistics.evaluate import evaluate
from analysis.statistics.settings import StatisticsSettings
from analysis.tables import read_text_table
from tests.statistics.conftest import make_numbers, run_r

FAST = StatisticsSettings(replicates=100, band_replicates=100)
SCHEME = """
name: spots
title: Spots
items:
  spot:
    title: Spot
    short: S
    levels: {0: none, 1: one, 2: many}
    groups: {1-2: [1, 2]}
findings:
  fleck: {title: Fleck}
"""


@pytest.fixture
def spots(tmp_path):
    path = tmp_path / "spots.yaml"
    path.write_text(SCHEME)
    return load_scheme(path)


def read(folder, name):
    path = folder / name
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def run(spots, rng, tmp_path, *, workers=1, n=240, each=1, **more):
    reference, predictions = make_numbers(spots, rng, n, exams_per_patient=each)
    reference.to_parquet(tmp_path / "reference.parquet")
    predictions.to_parquet(tmp_path / "predictions.parquet")
    out = tmp_path / f"out-{workers}"
    evaluate(
        tmp_path / "predictions.parquet",
        tmp_path / "reference.parquet",
        spots,
        FAST,
        seed=3,
        workers=workers,
        out=out,
        **more,
    )
    return reference, predictions, out


def test_a_csv_never_seen_gives_what_r_gives(spots, rng, tmp_path):
    """No set column, all exams are the test set; labels and scores as a stranger would write them."""
    reference, predictions = make_numbers(spots, rng, 160)
    reference.drop(columns="set").to_csv(tmp_path / "reference.csv", index=False)
    scores = predictions.drop(columns="set").round(3)
    scores.sample(frac=1, random_state=1).to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "s.yaml").write_text("replicates: 150\nband_replicates: 100\nfew_cases: 2\n")
    done = CliRunner().invoke(
        evaluate_command,
        ["--predictions", tmp_path / "scores.csv", "--reference", tmp_path / "reference.csv"]
        + ["--grading", tmp_path / "spots.yaml", "--settings", tmp_path / "s.yaml", "--seed", "9", "--out", tmp_path],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    roc = read(tmp_path, "roc.csv")
    assert set(roc["set"]) == {"test"}
    assert len(roc) == len(spots.outcomes)
    thresholds = read(tmp_path, "thresholds.csv").set_index(["outcome", "chosen_on"])
    script = """
    suppressMessages(library(pROC)); a <- commandArgs(TRUE)
    d <- merge(read.csv(a[1]), read.csv(a[2]), by = "exam", suffixes = c(".label", ".score"))
    label <- d[[paste0(a[3], ".label")]]; score <- d[[paste0(a[3], ".score")]]
    r <- roc(label, score, levels = c(0, 1), direction = "<")
    best <- coords(r, "best", ret = c("threshold", "sensitivity", "specificity"))
    seed <- as.integer(a[4]); set.seed(seed)
    b <- ci.auc(r, method = "bootstrap", boot.n = 150, progress = "none")
    cat(sprintf("%.17g", c(auc(r), ci.auc(r)[c(1, 3)], b[c(1, 3)],
                          unlist(best[which.min(best$threshold), ]))))
    """
    for _, row in roc.iterrows():
        printed = run_r(
            script, tmp_path / "reference.csv", tmp_path / "scores.csv", row["outcome"], row["seed"], folder=tmp_path
        )
        auc, *limits, threshold, sensitivity, specificity = (float(x) for x in printed.split())
        # `merge` sorts by exam, the order of the reference: the same seed draws the same exams.
        assert (row["auc"], row["delong_low"], row["delong_high"]) == (auc, *limits[:2])
        assert (row["bootstrap_low"], row["bootstrap_high"]) == tuple(limits[2:])
        assert row["method"] == "score"
        ours = thresholds.loc[(row["outcome"], "test")]
        assert (ours["threshold"], ours["sensitivity"], ours["specificity"]) == (threshold, sensitivity, specificity)
        assert "no exam" in thresholds.loc[(row["outcome"], "validation"), "reason"]


def test_the_tables_do_not_rest_on_the_number_of_workers(spots, rng, tmp_path):
    state = rng.bit_generator.state
    _, _, one = run(spots, rng, tmp_path, workers=1, each=2)
    rng.bit_generator.state = state
    _, _, two = run(spots, rng, tmp_path, workers=2, each=2)
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_tables_do_not_rest_on_the_order_of_rows(spots, rng, tmp_path):
    """pROC's bootstraps draw rows: limits had moved by 0.04 with the order in which a table was saved."""
    reference, predictions, out = run(spots, rng, tmp_path, each=2)
    tables = {"r.parquet": reference, "p.parquet": predictions}
    for seed, (name, table) in enumerate(tables.items()):
        table.sample(frac=1, random_state=seed).to_parquet(tmp_path / name)
    other = tmp_path / "other"
    evaluate(tmp_path / "p.parquet", tmp_path / "r.parquet", spots, FAST, seed=3, workers=1, out=other)
    for path in out.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


def test_a_mean_over_grades_of_one_patient_says_why_it_has_no_interval(spots, rng, tmp_path):
    """A grade of one patient is lacking in every third replicate, two of them in most."""
    reference, predictions = make_numbers(spots, rng, 240)
    rare = reference.index[reference["set"] == "test"]
    grades = pd.Series(0.0, reference.index)
    grades[rare[:2]] = [1.0, 2.0]
    reference = reference[["exam", "patient", "set"]].assign(spot=grades)
    reference.to_parquet(tmp_path / "r.parquet")
    predictions.to_parquet(tmp_path / "p.parquet")
    evaluate(tmp_path / "p.parquet", tmp_path / "r.parquet", spots, FAST, seed=3, workers=1, out=tmp_path / "out")
    table = read(tmp_path / "out", "summary.csv").set_index("measure")
    for measure in ("mean_auc_plain", "mean_auc_weighted", "hand_till"):
        assert 0 <= table.loc[measure, "estimate"] <= 1
        assert np.isnan(table.loc[measure, "low"])
        assert "lack of patients" in table.loc[measure, "reason"]
    assert (table["low"].notna() | table["reason"].notna()).all()


def test_tables_hang_together(spots, rng, tmp_path):
    reference, predictions, out = run(spots, rng, tmp_path, each=2)
    roc = read(out, "roc.csv").set_index(["set", "outcome"])
    both = reference.merge(predictions, on="exam", suffixes=("_label", ""))
    for (which, outcome), row in roc.iterrows():
        part = both[both["set"] == which]
        assert row["auc"] == pytest.approx(roc_auc_score(part[f"{outcome}_label"], part[outcome]), abs=1e-12)
        assert row["cases"] + row["controls"] == len(part)
    confusion = read(out, "confusion.csv")
    assert confusion.groupby("set")["n"].sum().to_dict() == {"validation": 80, "test": 80}
    summary = read(out, "summary.csv").set_index("measure")
    part = confusion[confusion["set"] == "test"]
    assert summary.loc["accuracy", "estimate"] == part.loc[part["truth"] == part["predicted"], "n"].sum() / 80
    rows = roc.loc["test"].loc[["spot_0", "spot_1", "spot_2", "spot_1_2"]]
    assert summary.loc["mean_auc_weighted", "estimate"] == pytest.approx(np.average(rows["auc"], weights=rows["cases"]))
    assert summary.loc["mean_auc_plain_grades", "estimate"] == pytest.approx(rows["auc"].iloc[:3].mean())
    for measure, row in summary.iterrows():
        assert row["low"] <= row["estimate"] <= row["high"], measure
    curves = read(out, "curves.parquet")
    for outcome, curve in curves.groupby("outcome"):
        curve = curve.sort_values(["specificity", "sensitivity"], ascending=[False, True])
        area = np.trapezoid(curve["sensitivity"], 1 - curve["specificity"])
        assert area == pytest.approx(roc.loc[("test", outcome), "auc"], abs=1e-9)
    prevalence = read(out, "prevalence.csv").set_index("outcome")
    training = reference.loc[reference["set"] == "training", "fleck"].mean()
    assert prevalence.loc["fleck", "prevalence"] == pytest.approx(training)


def test_cumulative_calibration_holds_each_grade_and_above(spots, rng, tmp_path):
    reference, predictions, out = run(spots, rng, tmp_path)
    fit = read(out, "cumulative_fit.csv").set_index("at_least")
    test = reference[reference["set"] == "test"].merge(predictions, on="exam", suffixes=("", "_score"))
    assert fit["cases"].to_dict() == {1: (test["spot"] >= 1).sum(), 2: (test["spot"] >= 2).sum()}
    training = reference.loc[reference["set"] == "training", "spot"]
    assert fit.loc[2, "prevalence"] == pytest.approx((training >= 2).mean())
    # Of grade 1 and above the group says it, of grade 2 its own outcome.
    order = (test["spot_2_score"] <= test["spot_1_2_score"]).mean()
    assert fit.loc[2, "falling"] == pytest.approx(order)
    bins = read(out, "cumulative.csv")
    assert bins.groupby("at_least")["n"].sum().to_dict() == {1: 80, 2: 80}
    brier = ((test["spot_2_score"] - test["spot_2"]) ** 2).mean()
    assert fit.loc[2, "raw_brier"] == pytest.approx(brier)


@pytest.mark.parametrize("scale", [1, 100])
def test_grades_alone_say_each_grade_and_above(spots, rng, tmp_path, scale):
    """Scores of the grades without those of the groups, as networks of others give them: it had said that no exam has a score."""
    reference, predictions = make_numbers(spots, rng, 240)
    names = ["spot_0", "spot_1", "spot_2"]
    share = predictions[names].div(predictions[names].sum(axis=1), axis=0)
    predictions[["exam", "patient", "set"]].join(scale * share).to_parquet(tmp_path / "p.parquet")
    reference.to_parquet(tmp_path / "r.parquet")
    evaluate(tmp_path / "p.parquet", tmp_path / "r.parquet", spots, FAST, seed=3, workers=1, out=tmp_path / "out")
    fit = read(tmp_path / "out", "cumulative_fit.csv").set_index("at_least")
    test = reference["set"] == "test"
    if scale == 1:
        truth = reference.loc[test, "spot"] >= 1
        assert fit.loc[1, "raw_brier"] == pytest.approx(((1 - share["spot_0"] - truth) ** 2)[test].mean())
    else:
        assert fit["reason"].str.contains("no probabilities").all()


def exams_and_images(reference, rng, tmp_path):
    n = len(reference)
    exams = reference[["exam", "patient", "set"]].assign(
        reason=None, protocol="weight_bearing", age=rng.uniform(30, 90, n), sex=rng.choice(["female", "male"], n)
    )
    exams.assign(day=0, images=1, words=True).to_parquet(tmp_path / "exams.parquet")
    views = [(exam, view) for exam in reference["exam"] for view in ("ap", "lateral")[: rng.integers(1, 3)]]
    images = pd.DataFrame(views, columns=["exam", "view"]).assign(
        image=lambda f: f["exam"] + f["view"], patient="p", series="s", side="left", protocol=None, body_part=None,
        age=50.0, sex="male", day=0, rows=9, columns=9, bits=8, photometric="MONOCHROME2", transfer_syntax="1",
        modality="DX", pixel_hash="h",
    )  # fmt: skip
    images.to_parquet(tmp_path / "images.parquet")
    return exams


def test_subgroups_are_counted_and_corrected(spots, rng, tmp_path):
    reference, _ = make_numbers(spots, rng, 450)
    exams = exams_and_images(reference, rng, tmp_path)
    settings = {"replicates": 100, "subgroup_findings": ("fleck",), "age_bands": (60,), "minimum_cases": 5}
    more = {"exams": tmp_path / "exams.parquet", "images": tmp_path / "images.parquet"}
    reference, predictions = make_numbers(spots, rng, 450)
    reference.to_parquet(tmp_path / "r.parquet")
    predictions.to_parquet(tmp_path / "p.parquet")
    evaluate(
        tmp_path / "p.parquet", tmp_path / "r.parquet", spots, StatisticsSettings(band_replicates=100, **settings),
        seed=1, workers=1, out=tmp_path / "out", **more,
    )  # fmt: skip
    table = read(tmp_path / "out", "subgroups.csv")
    assert set(table["subgroup"]) == {"fleck", "view_ap", "view_lateral", "projections", "protocol", "sex", "age"}
    test = reference[reference["set"] == "test"].merge(exams[["exam", "age", "sex"]], on="exam")
    test = test.merge(predictions, on="exam", suffixes=("", "_score"))
    women = test[test["sex"] == "female"]
    row = table[(table["outcome"] == "spot_2") & (table["level"] == "female")].iloc[0]
    assert (row["n"], row["cases"]) == (len(women), women["spot_2"].sum())
    assert row["auc"] == pytest.approx(roc_auc_score(women["spot_2"], women["spot_2_score"]))
    old = test[test["age"] >= 60]
    assert table[(table["outcome"] == "spot_0") & (table["level"] == "60 and over")].iloc[0]["n"] == len(old)
    tested = table["p"].notna()
    assert tested.sum() > 5
    assert table.loc[tested, "p_holm"].to_numpy() == pytest.approx(multipletests(table["p"][tested], method="holm")[1])
    compared = table[table["against"].notna()]
    assert (compared["p"].notna() | compared["reason"].notna()).all()
    assert table[table["subgroup"] == "protocol"]["reason"].str.contains("nothing to compare").all()


def test_readers_stand_beside_the_network_on_the_same_exams(spots, rng, tmp_path):
    reference, predictions = make_numbers(spots, rng, 240)
    test = reference[reference["set"] == "test"]
    rows = []
    for reader, right in (("a", 1.0), ("b", 0.6)):
        for number, (exam, spot, fleck) in enumerate(zip(test["exam"], test["spot"], test["fleck"], strict=True)):
            if reader == "b" and number < 10:
                continue
            called = spot if rng.random() < right else (spot + 1) % 3
            rows += [(exam, reader, "senior", "spot", called), (exam, reader, "senior", "fleck", fleck)]
    pd.DataFrame(rows, columns=["exam", "reader", "role", "item", "value"]).to_parquet(tmp_path / "readers.parquet")
    reference.to_parquet(tmp_path / "r.parquet")
    predictions.to_parquet(tmp_path / "p.parquet")
    evaluate(
        tmp_path / "p.parquet", tmp_path / "r.parquet", spots, FAST, seed=1, workers=1, out=tmp_path / "out",
        readers=read_readers(tmp_path / "readers.parquet", spots),
    )  # fmt: skip
    table = read(tmp_path / "out", "readers.csv").set_index(["item", "who", "measure"])
    assert table.index.is_unique
    assert (table["n"] == 70).all()
    assert table.loc[("spot", "a", "quadratic_kappa"), "estimate"] == 1
    assert table.loc[("spot", "b", "accuracy"), "estimate"] == pytest.approx(0.6, abs=0.15)
    assert table.loc[("fleck", "b", "accuracy"), "estimate"] == 1
    assert set(table.loc["spot"].index.get_level_values("who")) == {"network", "a", "b"}
    compared = read(tmp_path / "out", "comparisons.csv")
    assert set(compared["second"]) == {"a", "b"}
    assert (compared["p"].notna() | compared["reason"].notna()).all()
    row = compared[(compared["outcome"] == "spot_0") & (compared["second"] == "b")].iloc[0]
    assert row["first_value"] - row["second_value"] == pytest.approx(row["difference"])


def test_compare_two_networks(spots, rng, tmp_path):
    reference, predictions = make_numbers(spots, rng, 240)
    worse = predictions.copy()
    worse["spot_0"] = rng.permutation(worse["spot_0"])
    for name, frame in (("r", reference), ("a", predictions), ("b", worse)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "s.yaml").write_text("{}")
    done = CliRunner().invoke(
        compare_command,
        ["--first", tmp_path / "a.parquet", "--second", tmp_path / "b.parquet", "--names", "old", "new"]
        + ["--reference", tmp_path / "r.parquet", "--grading", tmp_path / "spots.yaml"]
        + ["--settings", tmp_path / "s.yaml", "--out", tmp_path / "c.csv"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    table = read(tmp_path, "c.csv")
    graded = table[table["measure"] != "auc"]
    assert list(graded["measure"]) == ["accuracy", "quadratic_kappa"] * graded["outcome"].nunique()
    gap = graded["first_value"] - graded["second_value"]
    assert (
        np.allclose(gap, graded["difference"])
        and ((graded["low"] <= gap) & (gap <= graded["high"]) | graded["reason"].notna()).all()
    )
    table = table[table["measure"] == "auc"].set_index("outcome")
    assert table.loc["spot_0", "p"] < 0.01
    assert table.loc["spot_0", "low"] > 0
    assert (table.drop(index="spot_0")["difference"] == 0).all()
    test = (reference["set"] == "test").to_numpy()
    direct = compare_paired(
        *(frame.loc[test, "spot_0"].to_numpy(dtype=float) for frame in (reference, predictions, worse)),
        StatisticsSettings(),
    )
    assert (direct["difference"], direct["p"]) == tuple(table.loc["spot_0", ["difference", "p"]])


def test_grades_of_two_networks_are_compared_on_the_same_exams(rng):
    n = 400
    truth = rng.integers(0, 5, n).astype(float)
    good = np.where(rng.random(n) < 0.8, truth, np.clip(truth + 1, 0, 4))
    bad = np.where(rng.random(n) < 0.5, truth, rng.integers(0, 5, n)).astype(float)
    patients = np.array([f"p{i // 2}" for i in range(n)], dtype=object)
    settings = StatisticsSettings(replicates=300)
    rows = {row["measure"]: row for row in compare_grades(truth, good, bad, 5, patients, settings, seed=1)}
    for row in rows.values():
        assert 0 < row["low"] < row["difference"] < row["high"] and row["p"] < 0.01
    assert rows["accuracy"]["first_value"] == (truth == good).mean()
    twin = np.where(rng.random(n) < 0.5, good, np.where(rng.random(n) < 0.8, truth, np.clip(truth + 1, 0, 4)))
    alike = {row["measure"]: row for row in compare_grades(truth, good, twin, 5, patients, settings, seed=1)}
    assert all(row["low"] < 0 < row["high"] and row["p"] > 0.05 for row in alike.values())
    same = compare_grades(truth, good, good, 5, patients, settings, seed=1)
    assert all("same grades" in row["reason"] and row["difference"] == 0 for row in same)
    few = compare_grades(truth[:6], good[:6], bad[:6], 5, patients[:6], settings, seed=1)
    assert all("no test" in row["reason"] and np.isnan(row["p"]) for row in few)


def spoil(column, value):
    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[0, column] = value
        return frame

    return change


BAD = {
    "an exam twice": ("p", lambda f: pd.concat([f, f.iloc[:1]]), "exam-0000 twice"),
    "no exam in common": ("p", lambda f: f.assign(exam="x" + f["exam"]), "no exam in common"),
    "no exam column": ("p", lambda f: f.drop(columns="exam"), "lacks the column 'exam'"),
    "no outcome": ("p", lambda f: f[["exam", "patient", "set"]], "no column named like an outcome"),
    "a word for a score": ("p", spoil("spot_0", "high"), "'high' in the column 'spot_0' is no number"),
    "another patient": ("p", spoil("patient", "someone"), "another patient"),
    "another set": ("p", spoil("set", "test"), "another set"),
    "a label of 2": ("r", spoil("spot_1", 2.0), "has 2 for 'spot_1'"),
    "a grade of 9": ("r", spoil("spot", 9.0), "has 9 for 'spot'"),
    "only training": ("r", lambda f: f[f["set"] == "training"], "no exam in the set"),
}


@pytest.mark.parametrize(("which", "change", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_a_sentence(spots, rng, tmp_path, which, change, message):
    reference, predictions = make_numbers(spots, rng, 30)
    frames = {"r": reference, "p": predictions}
    frames[which] = change(frames[which])
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(StudyError, match=message):
        match(tmp_path / "p.csv", tmp_path / "r.csv", spots)


def test_an_exam_without_prediction_is_counted(spots, rng, tmp_path):
    reference, predictions = make_numbers(spots, rng, 90)
    reference.to_parquet(tmp_path / "r.parquet")
    predictions.iloc[:-7].to_parquet(tmp_path / "p.parquet")
    sample = match(tmp_path / "p.parquet", tmp_path / "r.parquet", spots).sample("test", "spot_0")
    assert (len(sample.truth), sample.missing_score) == (23, 7)


def test_what_takes_no_part_is_counted_and_told(spots, rng, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        brought, "read_text_table", lambda path, **more: seen.append(path) or read_text_table(path, **more)
    )
    reference, predictions = make_numbers(spots, rng, 240)
    for table in (reference, predictions):
        table.loc[table["exam"] == "exam-0239", "patient"] = "patient-0000"
    reference[reference["exam"] != "exam-0200"].to_csv(tmp_path / "reference.csv", index=False)
    predictions.loc[predictions["exam"] == "exam-0201", "spot_0"] = np.nan
    predictions[predictions["exam"] != "exam-0199"].to_csv(tmp_path / "predictions.csv", index=False)
    readings = [
        "exam,reader,role,item,value",
        "exam-0201,A,reader,spot,1",
        "exam-0201,A,reader,spots,1",
        "e1,A,reader,spot,0",
    ]
    (tmp_path / "readers.csv").write_text("\n".join(readings))
    (tmp_path / "settings.yaml").write_text("replicates: 100\nband_replicates: 100\n")
    files = {"predictions": tmp_path / "predictions.csv", "reference": tmp_path / "reference.csv"}
    files |= {"grading": tmp_path / "spots.yaml", "settings": tmp_path / "settings.yaml", "out": tmp_path / "out"}
    files["readers"] = tmp_path / "readers.csv"
    done = CliRunner().invoke(evaluate_command, [f"--{name}={path}" for name, path in files.items()])
    assert not done.exception, done.exception
    assert seen.count(files["readers"]) == 1
    assert f"1 of the exams in {files['predictions']} are not in {files['reference']}" in done.stderr
    assert "'exam-0200'" in done.stderr
    assert f"2 of the exams in {files['reference']} lack scores in {files['predictions']}" in done.stderr
    assert (
        f"1 of the readings in {files['readers']} are of items that 'spots' doesn't have and take no part (such as 'spots')"
        in done.stderr
    )
    assert (
        f"1 of the readings in {files['readers']} are of exams without a reference and take no part (such as 'e1')"
        in done.stderr
    )
    assert f"2 of the exams in {files['reference']} are of patients who are in another set as well" in done.stderr
    assert set(read(tmp_path / "out", "roc.csv")["missing_reference"]) == {1}


def test_a_misspelt_outcome_of_the_prevalence_is_refused(spots, tmp_path):
    (tmp_path / "settings.yaml").write_text("prevalence: {spot_1_3: 0.2}\n")
    for name in ("predictions", "reference"):
        (tmp_path / f"{name}.csv").write_text("exam\n")
    files = {name: tmp_path / f"{name}.csv" for name in ("predictions", "reference")}
    files |= {"grading": tmp_path / "spots.yaml", "settings": tmp_path / "settings.yaml", "out": tmp_path / "out"}
    done = CliRunner().invoke(evaluate_command, [f"--{name}={path}" for name, path in files.items()])
    assert isinstance(done.exception, StudyError)
    assert "statistics.prevalence: 'spot_1_3' is no outcome of any grading" in str(done.exception)
    assert "did you mean 'spot_1_2'" in str(done.exception)
