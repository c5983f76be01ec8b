"""The whole DAG, on some 40 simulated exams."""

import hashlib
import os
import re
import shutil
import zipfile

import pandas as pd
import pytest
import yaml

from analysis.imaging.store import ImageStore

COHORT = "results/smoke"
STUDY = f"{COHORT}/kl"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def jobs(done):
    """The jobs that a dry run announces, by rule."""
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total +\d+", text, re.M | re.S)
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table.group(1), re.M)} if table else {}


def test_manuscript_in_every_format(smoke):
    folder = smoke.folder / STUDY / "manuscript"
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "simulated" in html
    assert not re.search(r"\?(meta|var|@)|\{\{<|@(fig|tbl|sec)-", re.sub(r"<script.*?</script>", "", html, flags=re.S))
    assert (folder / "index.pdf").read_bytes().startswith(b"%PDF")
    assert zipfile.is_zipfile(folder / "index.docx")


#: What rests on no training is the same to the last digit on every machine. A change of the settings, of the simulated
#: archive or of these simulations changes it: then the new hashes are those that the failing test prints.
EVERYWHERE = {
    "audit.csv": "6c9d9711886c510b7d34b48e1bf28dd63b6d4657b8322c602e76ffccfee869f0",
    "coverage.csv": "d18ffd056e1735e8da33fc84e0df0d33cbe7dc5bb319c9e05bf1fcabad28b50f",
    "false_positives.csv": "afd57bb3063ca7c664b0a04280cb77f7c976f56b5aed8270b2a780afd05d0891",
    "sample_size.csv": "4574c42f2e2f7ec6a48316983582768456f5d7dc0bb18f458c5f07a3b592074a",
    "selection/exams.parquet": "8dab52299604c0d5dc53ae28d67d06aeb56997ea08d9a8c0f7256e9cb0a27e66",
    "selection/flow.csv": "15bff10cc35fa8b326a7fbc70df0c083a7dfe3894783d285cfac6b7a8922f9bb",
    "kl/reference/reference.parquet": "35faa6d2c747101623c7e8878e1f7c4d09407b11326fdb1a8a91108f82050e92",
    "kl/reference/readers.parquet": "3d0389746994e4e56de49cf14646cf8c5ce49668df11dece5851bb549d700a95",
    "kl/reference/agreement.csv": "8f05273a42a2208ac17c7a90933f7f650fe5537e94dd2774d19e714b9a6b0b8a",
    "kl/reference/conflicts.csv": "5a83b5621931ae51142e933efc632d45ee3ae27fa075381ea7a4759e149a8caf",
}


def content(path):
    """Hash a table's rows; the bytes of Parquet also name the versions that wrote it."""
    rows = path.read_bytes() if path.suffix == ".csv" else pd.read_parquet(path).to_csv(index=False).encode()
    return hashlib.sha256(rows).hexdigest()


def test_the_page_on_results_tells_of_each(smoke):
    page = (smoke.folder / "results/README.md").read_text(encoding="utf-8")
    made = {path.name for folder in (COHORT, STUDY) for path in (smoke.folder / folder).iterdir()} - {"kl"}
    assert {name for name in made if name not in page} == set()


def test_what_rests_on_no_training_is_the_same_on_every_machine(smoke):
    assert {name: content(smoke.folder / COHORT / name) for name in EVERYWHERE} == EVERYWHERE


def test_nothing_is_made_twice(smoke):
    assert jobs(smoke.snakemake("-n")) == {}


@pytest.mark.parametrize(
    ("edited", "reruns", "stays"),
    [
        ("analysis/statistics/uncertainty/roc.py", "evaluate", "train"),
        ("analysis/cohort/words.py", "select", "ingest"),
        ("analysis/presentation/figures/style.py", "figures", "evaluate"),
    ],
)
def test_an_edit_reruns_what_rests_on_it(smoke, edited, reruns, stays):
    path = smoke.folder / edited
    text = path.read_text()
    before = path.stat()
    path.write_text(text + "\n# edited\n")
    try:
        planned = jobs(smoke.snakemake("-n"))
        assert reruns in planned and stays not in planned
    finally:
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_another_grading_shares_the_images(smoke):
    planned = jobs(smoke.snakemake("-n", "--config", "grading=oarsi"))
    assert {"reference", "train", "evaluate", "manuscript"} <= set(planned)
    assert not {"make_archive", "ingest", "prepare", "select"} & set(planned)


def test_two_gradings_are_compared_on_the_same_selection(smoke):
    """What the first grading has made is used; the other adds its own reference standard, network and scores.

    The pages of test exams rest on what is there, too.
    """
    planned = jobs(smoke.snakemake("compare_gradings", "browse", "-n"))
    compared = ("reference", "train", "predict", "compare", "manuscript_compared", "compare_gradings")
    assert planned == dict.fromkeys((*compared, "write_browse", "browse"), 1)


def test_another_seed_trains_itself_alone(smoke):
    planned = jobs(smoke.snakemake("-n", "--config", "network={seeds: [0, 7]}"))
    assert planned["train"] == 1 and "predict" in planned and "select" not in planned
    assert "train" not in jobs(smoke.snakemake("-n", "--config", "prediction={mirrored: true}"))


def test_another_level_of_confidence_trains_nothing(smoke):
    planned = jobs(smoke.snakemake("-n", "--config", "statistics={level: 0.9}"))
    assert {"agreement", "evaluate", "manuscript"} <= set(planned)
    assert not {"ingest", "select", "reference", "train", "predict"} & set(planned)


def test_a_grading_is_untouched_when_another_is_removed(smoke):
    path = smoke.folder / "workflow/gradings/oarsi.yaml"
    aside = path.rename(smoke.folder / "oarsi.yaml")
    try:
        planned = jobs(smoke.snakemake("-n", "--config", "compare=null"))
        assert "values" in planned and not {"ingest", "select", "reference", "train", "predict", "evaluate"} & set(
            planned
        )
    finally:
        aside.rename(path)


def test_a_layout_reruns_no_estimate(smoke):
    path = smoke.folder / "analysis/presentation/tables/performance.py"
    text, before = path.read_text(), path.stat()
    path.write_text(text + "\n# another layout\n")
    try:
        planned = jobs(smoke.snakemake("-n"))
        assert "tables" in planned
        assert set(planned) <= {
            "tables",
            "figures",
            "values",
            "card",
            "check_privacy",
            "manuscript",
            "provenance",
            "all",
        }
    finally:
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_network_leaves_in_a_folder_of_its_own(smoke):
    from analysis.network import load

    folder = smoke.folder / STUDY / "card"
    network = load(folder)
    page = (folder / "README.md").read_text(encoding="utf-8")
    block, text = page.split("---\n", 2)[1:]
    about = yaml.safe_load(block)
    assert about["model-index"][0]["name"] == network.name in text
    assert {metric["type"] for metric in about["model-index"][0]["results"][0]["metrics"]} == {"roc_auc"}
    assert text.count("Not a medical device; for research only.") == 1
    assert not re.search(r"\b(nan|None|True|False|inf)\b|\{\{|\{%", text)
    assert not re.search(r"\|\n[^|\n]", text)  # a line that follows a table at once is a row of it
    for digest_of in (folder / "weights").glob("*"):
        assert digest(digest_of) in text
    predicted = pd.read_parquet(smoke.folder / STUDY / "predictions/exams.parquet")
    store = ImageStore(smoke.folder / COHORT / "images")
    shown = [store.rows[store.rows["exam"] == exam] for exam in predicted["exam"]]
    images, sides = [list(store[rows.index]) for rows in shown], [rows["side"].iloc[0] for rows in shown]
    # Their precision is the processor's: bfloat16 where it has that.
    apart = network.score(images, sides)[network.outcomes] - predicted[network.outcomes]
    assert apart.abs().max().max() < 0.02


def test_counts_add_up(smoke):
    exams = pd.read_parquet(smoke.folder / COHORT / "selection/exams.parquet")
    assert exams.groupby("patient")["set"].agg(lambda sets: len(set(sets) - {"excluded"})).max() == 1
    assert exams.loc[exams["set"] == "excluded", "reason"].notna().all()
    reference = pd.read_parquet(smoke.folder / STUDY / "reference/reference.parquet")
    assert set(reference["exam"]) <= set(exams.loc[exams["set"] != "excluded", "exam"])


def test_a_network_that_is_not_there_stops_the_dag(clone):
    done = clone.snakemake("-n", "--config", "network={backbone: 'nets.own:build'}")
    assert done.returncode != 0
    assert "network.backbone is 'nets.own:build', but there is no module 'nets.own'" in done.stdout + done.stderr


@pytest.mark.parametrize("inside", [True, False])
def test_somebodys_own_network_is_an_input_of_its_training(clone, tmp_path, monkeypatch, inside):
    """Its file is found through the setting alone, in this folder or in a package elsewhere."""
    folder = clone.folder / "nets" if inside else tmp_path / "nets"
    folder.mkdir()
    (folder / "own.py").write_text("from torch import nn\n\n\ndef build():\n    return nn.Conv2d(1, 8, 5, 5)\n")
    if not inside:
        (folder / "__init__.py").write_text("")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    try:
        done = clone.snakemake("--filegraph", "--config", "network={backbone: 'nets.own:build'}")
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    named = "nets/own.py" if inside else f"{folder}/own.py"
    _, *parts = re.split(r'<font point-size="18">(\w+)</font>', done.stdout)
    rules = {rule for rule, files in zip(parts[::2], parts[1::2], strict=True) if f">{named}<" in files}
    assert {"train", "predict", "attribute"} <= rules and not {"prepare", "evaluate", "figures"} & rules
