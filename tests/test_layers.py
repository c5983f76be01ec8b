"""Data flows one way through the rooms of the house; pyproject.toml says which, and what an upward arrow is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip


def test_no_room_imports_from_above():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


#: A file of a room, and what it may not import.
PLANTED = {
    "grading/scheme": "analysis.statistics.uncertainty.roc",
    "grading/agreement": "analysis.presentation.format",
    "statistics/evaluate": "analysis.presentation.results",
    "presentation/format": "analysis.study.configuration",
    "archive/ingest": "analysis.network.settings",
}


def test_every_planted_arrow_is_seen(tmp_path):
    shutil.copytree(ROOT / "analysis", tmp_path / "analysis", ignore=shutil.ignore_patterns("static", "__pycache__"))
    for file, above in PLANTED.items():
        with (tmp_path / f"analysis/{file}.py").open("a") as code:
            code.write(f"\n\ndef _up():\n    import {above}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    told = "".join(done.stdout.split())  # long lines are broken
    unseen = [file for file, above in PLANTED.items() if f"analysis.{file.replace('/', '.')}->{above}" not in told]
    assert unseen == [], done.stdout
