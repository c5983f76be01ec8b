"""The code keeps its form (its layers: test_layers.py), and the files that are generated from it are up to date."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["mypy"],
        ["snakemake", "--lint"],
    ],
    ids=" ".join,
)
def test_form(command):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_commands_start_without_heavy_libraries():
    code = (
        "import sys, analysis.__main__ as m; m._commands();"
        "print([n for n in ('torch', 'rpy2', 'matplotlib', 'pandas', 'cv2', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_stage_imports_no_library_of_the_tests(tmp_path):
    settings, out = tmp_path / "statistics.yaml", tmp_path / "audit.csv"
    settings.write_text("{}")
    command = [sys.executable, "-v", "-m", "analysis", "audit", "--settings", settings, "--out", out]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "import 'pandera'" in done.stderr and "import 'hypothesis" not in done.stderr


def test_config_names_every_key_with_its_meaning(tmp_path):
    from analysis.study.config_yaml import write_config
    from analysis.study.configuration import Study
    from analysis.yaml_files import load_yaml

    written = tmp_path / "config.yaml"
    write_config(Study.model_validate(load_yaml(ROOT / "config.yaml")), written)
    assert written.read_text() == (ROOT / "config.yaml").read_text(), "run: python -m analysis config"


def test_a_section_that_is_left_out_is_the_default_studys():
    from analysis.study.configuration import load_study
    from analysis.yaml_files import load_yaml

    study = load_study(load_yaml(ROOT / "config.yaml"))
    for section in ("simulate", "ingest", "images", "selection", "reference", "network", "attribution", "statistics"):
        assert getattr(study, section) == type(getattr(study, section))(), section


def test_schema_is_that_of_the_model():
    from analysis.study.configuration import Study

    committed = json.loads((ROOT / "workflow/config.schema.json").read_text())
    assert committed == json.loads(json.dumps(Study.model_json_schema())), "run: python -m analysis config"


@pytest.mark.parametrize("overlay", sorted((ROOT / "workflow/studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_overlays_are_valid(overlay):
    from snakemake.utils import update_config

    from analysis.study.configuration import load_study
    from analysis.yaml_files import load_yaml

    config = load_yaml(ROOT / "config.yaml")
    update_config(config, load_yaml(overlay))
    assert load_study(config, overlay.name).cohort.name == overlay.stem


def test_keys_for_experts_are_marked_and_stand_last():
    from pydantic import BaseModel

    from analysis.study.configuration import Study
    from analysis.yaml_files import load_yaml

    lines = [line.strip() for line in (ROOT / "config.yaml").read_text().splitlines()]
    sections = [Study.model_validate(load_yaml(ROOT / "config.yaml"))]
    marks = 0
    for section in sections:
        names, expert = list(type(section).model_fields), getattr(section, "expert", ())
        assert set(expert) <= set(names), f"{type(section).__name__}.expert names no key: {set(expert) - set(names)}"
        marks += bool(expert)
        sections += [value for name in names if isinstance(value := getattr(section, name), BaseModel)]
    assert lines.count("# ---- for experts ----") == marks > 8
    # In the file itself: nothing of a section follows what is marked in it.
    told = (ROOT / "config.yaml").read_text()
    network = told.partition("\nnetwork:\n")[2].partition("\n\n")[0]
    usual, _, expert = network.rpartition("  # ---- for experts ----\n")
    assert "\n  width: " in usual and "\n  training:\n" in usual and "  compile: " in expert
    assert usual.index("      rotation: ") < usual.index("      rotation_share: ")
