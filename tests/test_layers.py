"""Data flows one way through the rooms of the house; pyproject.toml says which, and what an upward arrow is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip


def test_no_room_imports_from_above():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "above"),
    [
        ("grading/scheme.py", "analysis.statistics.roc"),
        ("grading/agreement.py", "analysis.presentation.format"),
        ("statistics/evaluate.py", "analysis.presentation.results"),
        ("presentation/format.py", "analysis.study.configuration"),
        ("archive/ingest.py", "analysis.network.settings"),
    ],
)
def test_a_planted_arrow_is_seen(tmp_path, room, above):
    shutil.copytree(ROOT / "analysis", tmp_path / "analysis", ignore=shutil.ignore_patterns("static", "__pycache__"))
    path = tmp_path / "analysis" / room
    path.write_text(path.read_text() + f"\n\ndef _up():\n    import {above}\n")
    done = lint(tmp_path)
    assert done.returncode == 1 and above in done.stdout.replace("\n", ""), done.stdout
