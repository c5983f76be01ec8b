"""Rounds of active learning in the DAG: none is trained twice."""

import json
import shutil

import pandas as pd
import pytest

from tests.workflow.test_smoke import STUDY, jobs

ROUND = {"ask_round", "label_round", "train_round", "predict_round"}


def asking(**changes):
    section = {"start": 10, "batch": 5, "rounds": 1, "compare": ["margin"], "seeds": [0]} | changes
    return "active_learning", "--config", f"active_learning={json.dumps(section)}"


@pytest.fixture
def begun(smoke):
    """The smoke study with a start and one round; what later tests must not see is taken away."""
    folder = smoke.folder / STUDY / "active_learning"
    assert "train_round" not in jobs(smoke.snakemake("-n"))  # no part of the study unless asked for
    planned = jobs(smoke.snakemake("-n", *asking()))
    expected = {"ask_start": 1, "ask_round": 1, "compare_strategies": 1, "active_learning": 1}
    assert planned == expected | {"label_round": 2, "train_round": 2, "predict_round": 2, "settings": 2}
    done = smoke.snakemake(*asking())
    assert done.returncode == 0, done.stderr[-4000:]
    yield folder
    shutil.rmtree(folder)


def steps(done):
    """The steps planned, but for the files of the settings that changed."""
    return {rule: n for rule, n in jobs(done).items() if rule != "settings"}


def test_rounds(smoke, begun):
    assert jobs(smoke.snakemake("-n", *asking())) == {}
    planned = steps(smoke.snakemake("-n", *asking(rounds=2)))
    assert planned == dict.fromkeys([*ROUND, "compare_strategies", "active_learning"], 1)
    # Another strategy begins from the same start.
    planned = steps(smoke.snakemake("-n", *asking(compare=["margin", "diversity"])))
    assert planned == dict.fromkeys([*ROUND, "compare_strategies", "active_learning"], 1)
    # Where readers give the labels, nothing is trained before they have read.
    assert steps(smoke.snakemake("-n", *asking(labels="readers"))) == {"ask_start": 1, "active_learning": 1}
    queues = [
        pd.read_csv(begun / name / "queue.csv")["exam"] for name in ("start/seed-0/round-0", "margin/seed-0/round-1")
    ]
    assert [len(queue) for queue in queues] == [10, 5]
    assert not set(queues[0]) & set(queues[1])
    curve = pd.read_csv(begun / "curve/rounds.csv")
    assert curve["labelled"].tolist() == [10, 15]
    assert (begun / "curve/strategies.png").stat().st_size > 5000
