"""What a job asks for grows with what it has before it, and with each attempt."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.settings import parse
from analysis.study.configuration import Study
from analysis.study.resources import OTHER, RATES, UNKNOWN, images, needed, rows, share

ROOT = Path(__file__).parents[2]


def study(**more):
    return parse(Study, {"cohort": {"name": "x", "title": "x"}, "grading": "kl", **more}, "test")


@pytest.mark.parametrize("rule", [*RATES, "figures"])
def test_more_images_and_a_further_attempt_ask_for_more(rule):
    small, large = needed(rule, study(), 100), needed(rule, study(), 100_000)
    assert large.mem_mb >= small.mem_mb and large.runtime >= small.runtime
    if rule not in ("coverage", "false_positives"):  # simulations, which read no images
        assert large.mem_mb > small.mem_mb and large.runtime > small.runtime
    again = needed(rule, study(), 100, attempt=3)
    assert again == (3 * small.mem_mb, 3 * small.runtime)


def test_a_hundred_thousand_files_are_a_morning_on_one_core_and_less_on_eight():
    assert 240 <= needed("ingest", study(), 100_000).runtime <= 600
    assert needed("ingest", study(), 100_000, threads=8).runtime < 90
    parted = study(archive={"source": "folder", "folder": "/"}, ingest={"shards": 10})
    part = images("read_headers", parted, {}, files=100_000)
    assert part == 10_000 and needed("read_headers", parted, part, threads=8).runtime < 20
    whole = images("ingest", parted, {}, files=100_000)
    assert whole == 100_000 and needed("ingest", parted, whole, threads=8).runtime < 20


def test_training_grows_with_the_network_and_is_shorter_on_gpus():
    plain = needed("train", study(), 5000, threads=8)
    wide = needed("train", study(network={"width": 64}), 5000, threads=8)
    large = needed("train", study(images={"size": 256}), 5000, threads=8)
    assert min(wide.runtime, large.runtime) > 2 * plain.runtime and min(wide.mem_mb, large.mem_mb) > plain.mem_mb
    assert needed("train", study(network={"width": 64}), 5000, threads=8, gpus=1).runtime < wide.runtime / 5
    # The paper's batch leaves 18 GB of activations in bfloat16.
    assert (
        needed("train", study(network={"width": 64, "band": [0.3, 0.8]}), 5000, threads=8).runtime < 0.6 * wide.runtime
    )
    papers = study(network={"width": 64, "training": {"batch": 256}}, images={"size": 256})
    assert 36_000 < needed("train", papers, 14_000).mem_mb < 45_000


def test_scoring_asks_for_less_time_than_training_and_a_round_for_what_its_twin_does():
    trained, scored = (needed(rule, study(), 50_000) for rule in ("train", "predict"))
    assert scored.runtime < trained.runtime / 3
    assert (needed("train_round", study(), 50_000), needed("predict_round", study(), 50_000)) == (trained, scored)


@pytest.mark.parametrize(
    ("networks", "cores", "shares"),
    [
        (1, 1, [1]),
        (1, 8, [4]),
        (2, 2, [1, 1]),
        (3, 1, [1, 1, 1]),  # one after the other
        (3, 2, [0, 0, 0]),
        (4, 2, [1, 1, 1, 1]),
        (5, 2, [1, 1, 0, 0, 0]),
        (5, 3, [0, 0, 0, 0, 0]),
        (3, 8, [2, 2, 2]),
    ],
)
def test_networks_share_the_cores_and_none_is_left_over(networks, cores, shares):
    assert [share(position, networks, cores) for position in range(networks)] == shares


def test_images_are_counted_in_the_tables_a_rule_reads(tmp_path):
    paths = []
    for shard, n in enumerate((3, 4)):
        pd.DataFrame({"image": range(n)}).to_parquet(tmp_path / f"rows-{shard}.parquet")
        paths += [str(tmp_path / f"pixels-{shard}.npy"), str(tmp_path / f"rows-{shard}.parquet")]
    given = {"prepared": paths, "images": str(tmp_path / "none.parquet")}
    assert images("train", study(), given) == 7
    one = str(tmp_path / "rows-1.parquet")
    assert images("prepare", study(images={"shards": 2}), {"images": one}) == 2
    assert images("check", study(), {"exams": one}) == 4
    assert rows([one, str(tmp_path / "none.parquet")]) is None
    assert images("train", study(), {}) == images("tables", study(), {"images": "none.parquet"}) == UNKNOWN


def test_files_are_counted_or_known_from_the_simulation():
    assert images("ingest", study(), {}, files=123) == 123
    asked = study().simulate
    assert images("ingest", study(), {}) == 3 * (asked.training + asked.validation + asked.test)
    assert images("ingest", study(archive={"source": "folder", "folder": "/"}), {}) == UNKNOWN


def test_every_rate_is_of_a_rule_and_every_rule_asks():
    """A rule that was renamed would fall back to what other steps need, in silence."""
    texts = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = dict(re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *(?:use )?rule |\Z)", texts, re.M | re.S))
    assert set(RATES) <= set(blocks) and OTHER not in RATES.values()
    asking = {name for name, block in blocks.items() if "**NEEDED" in block}
    assert {name for name, block in blocks.items() if "python -m" in block} == asking
