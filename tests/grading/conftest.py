"""A small study by schemes that no code has heard of, from readings to estimates, made once by the commands."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner, Result

from analysis.__main__ import main
from analysis.cohort.selection import flow
from analysis.cohort.settings import SelectionSettings
from analysis.files import write_table
from analysis.schemas import EXAMS, PREPARED, READINGS

SCHEMES = {
    "fjord": """\
name: fjord
title: Fjord
items:
  depth: {title: Depth, short: D, levels: {0: none, 1: shallow, 2: deep}, groups: {1-2: [1, 2]}}
  width: {title: Width, short: W, levels: {0: narrow, 1: wide}}
sums:
  size: {title: Size, short: S, items: [depth, width]}
disease: {title: Fjordosis, rule: depth >= 2 or depth + width >= 2}
early: {title: Early fjordosis, rule: depth == 1}
findings:
  bridge: {title: Bridge, kind: implant}
  ferry: {title: Ferry}
""",
    "delta": """\
name: delta
title: Delta
items:
  mud: {title: Mud, short: M, levels: {0: none, 1: some, 2: much}}
disease: {title: Deltosis, rule: mud >= 1}
""",
}
#: The study, once it is made; a session fixture that several conftests import would be made for each.
MADE: list[Path] = []
SETS = {"training": 48, "validation": 24, "test": 40}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=True)


def run(*arguments: object) -> Result:
    result = invoke(*arguments)
    assert result.exit_code == 0, f"{arguments}: {result.output} {result.exception}"
    return result


def make_cohort(folder: Path) -> None:
    """Write exams, readings and images; how bright an image is says how ill the exam."""
    generator = np.random.default_rng(1)
    names = np.repeat(list(SETS), list(SETS.values()))
    exams = pd.DataFrame({"exam": [f"e{i:03d}" for i in range(len(names))], "set": names})
    exams["patient"] = [f"p{i:03d}" for i in generator.permutation(len(exams))]
    exams = exams.assign(reason=None, protocol="other", age=60.0, sex=None, day=0, images=1, words=False)
    left_out = exams.iloc[:3].assign(
        exam=["x0", "x1", "x2"], patient=["q0", "q1", "q2"], set="excluded", reason="repeat"
    )
    write_table(pd.concat([exams, left_out]), folder / "selection/exams.parquet", EXAMS)
    write_table(flow(pd.concat([exams, left_out]), SelectionSettings()), folder / "selection/flow.csv")

    severity = generator.uniform(0, 1, len(exams))
    pixels = np.clip(255 * (severity[:, None, None] + generator.normal(0, 0.05, (len(exams), 32, 32))), 0, 255)
    (folder / "images").mkdir(parents=True)
    np.save(folder / "images/pixels-0.npy", pixels.astype(np.uint8))
    images = {"image": exams["exam"] + "-1", "exam": exams["exam"], "shard": 0, "row": range(len(exams))}
    write_table(
        pd.DataFrame(images).assign(view="ap", side="left", burned_in="no"), folder / "images/rows-0.parquet", PREPARED
    )

    truth = {
        "depth": 3 * severity,
        "width": 2 * severity,
        "mud": 3.6 * severity,
        "bridge": 2 * severity,
        "ferry": 1.5 * severity,
    }
    highest = {"depth": 2, "width": 1, "mud": 2, "bridge": 1, "ferry": 1}
    readings = []
    for position, (exam, name) in enumerate(zip(exams["exam"], names, strict=True)):
        for item, top in highest.items():
            seen = [int(np.clip(truth[item][position] + generator.normal(0, 0.2), 0, top)) for _ in range(3)]
            who = [("A", "reader")] if name == "training" else [("A", "reader"), ("B", "reader")]
            who = [("M", "senior"), ("N", "senior")] if name == "test" else who
            readings += [(exam, *one, item, value) for one, value in zip(who, seen[1:], strict=False)]
            if len(who) == 2 and seen[1] != seen[2]:
                readings.append((exam, "both", "consensus", item, seen[0]))
    table = pd.DataFrame(readings, columns=["exam", "reader", "role", "item", "value"])
    write_table(table.assign(session=None, revisit=False, time=None), folder / "index/readings.parquet", READINGS)


def make_study(folder: Path) -> Path:
    """Make the study: <grading>/reference, network, predictions, statistics of each invented scheme."""
    make_cohort(folder)
    phase = {"epochs": 4, "learning_rate": 0.05}
    network = {
        "width": 4, "tasks": [], "seeds": [0],
        "groups": [{"blocks": 1, "filters": 1, "part": "image"}, {"blocks": 1, "filters": 1}],
        "training": {"phases": [phase], "optimiser": "sgd"},
    }  # fmt: skip
    sections = {
        "reference": {},
        "network": network,
        "prediction": {},
        "statistics": {"replicates": 100},
        "manuscript": {},
    }
    for name, values in sections.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values))
    for name, text in SCHEMES.items():
        scheme, out = folder / f"{name}.yaml", folder / name
        scheme.write_text(text)
        common = ["--grading", scheme, "--settings"]
        reference = ["--reference", out / "reference/reference.parquet"]
        images = ["--images", folder / "images"]
        run("reference", "--exams", folder / "selection/exams.parquet", "--readings", folder / "index/readings.parquet",
            *common, folder / "reference.yaml", "--out", out / "reference")  # fmt: skip
        run("agreement", "--readers", out / "reference/readers.parquet", *reference, *common, folder / "reference.yaml",
            "--level", 0.95, "--out", out / "reference/agreement.csv")  # fmt: skip
        run(
            "train", *images, *reference, *common, folder / "network.yaml", "--seed", 0, "--out", out / "network/seed-0"
        )
        run("predict", *images, *reference, *common, folder / "network.yaml", "--prediction",
            folder / "prediction.yaml", "--weights", out / "network/seed-0/weights.safetensors", "--out", out / "predictions")  # fmt: skip
        run("evaluate", "--predictions", out / "predictions/exams.parquet", *reference, *common,
            folder / "statistics.yaml", "--readers", out / "reference/readers.parquet", "--seed", 1,
            "--out", out / "statistics")  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study; other subjects' tests use the same one."""
    if not MADE:
        MADE.append(make_study(tmp_path_factory.mktemp("study")))
    return MADE[0]
