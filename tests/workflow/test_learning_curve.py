"""The learning curve in the DAG: what is trained, and that a further number, seed or start trains its own alone."""

import json
import re

from analysis.__main__ import _commands
from tests.workflow.test_smoke import jobs

COMMANDS = {command.name: command for command in _commands()}


def plan(clone, *arguments, **changes):
    """Plan the curve of the smoke study; see `jobs`."""
    section = {"exams": [10, "all"], "seeds": [0, 1]} | changes
    return clone.snakemake("-n", *arguments, "learning_curve", "--config", f"learning_curve={json.dumps(section)}")


def test_each_start_trains_on_the_same_exams(clone, tmp_path):
    weights = tmp_path / "elsewhere.safetensors"
    weights.touch()
    done = plan(clone, "-p", starts={"simulated": str(weights)})
    planned = {rule: n for rule, n in jobs(done).items() if rule.endswith(("_curve", "_exams"))}
    # Two numbers, two seeds, two starts.
    expected = {"draw_exams": 4, "train_curve": 8, "predict_curve": 8, "draw_curve": 1, "learning_curve": 1}
    assert planned == expected
    assert not {"train", "predict", "evaluate"} & set(jobs(done))
    for name in ("draw-exams", "learning-curve"):
        line = re.search(rf"python -m analysis --log \S+ ({name} .+)", done.stdout + done.stderr)
        given = {word for word in line[1].split() if word.startswith("--")}
        needed = {option.opts[0] for option in COMMANDS[name].params if option.required}
        assert needed <= given <= {word for option in COMMANDS[name].params for word in option.opts}


def test_a_missing_start_is_named(clone):
    done = plan(clone, starts={"simulated": "nowhere.safetensors"})
    assert done.returncode != 0 and "nowhere.safetensors" in done.stdout + done.stderr
