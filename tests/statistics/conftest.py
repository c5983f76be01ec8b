"""Numbers to estimate from: scores and labels of a grading, drawn at random, and R beside it."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.grading.scheme import Scheme, load_scheme
from tests.grading.conftest import study  # noqa: F401


def run_r(script: str, *arguments: object, folder: Path) -> str:
    """Run a script of its own by Rscript; what it prints."""
    path = folder / "script.R"
    path.write_text(script)
    done = subprocess.run(
        ["Rscript", "--vanilla", str(path), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_numbers(
    scheme: Scheme, rng: np.random.Generator, n: int, *, exams_per_patient: int = 1, noise: float = 0.7
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reference and predictions: grades at random, scores that follow them with noise."""
    names = [f"exam-{i:04d}" for i in range(n)]
    base = pd.DataFrame({"exam": names, "patient": [f"patient-{i // exams_per_patient:04d}" for i in range(n)]})
    thirds = np.arange(n) * 3 // n
    base["set"] = np.array(["training", "validation", "test"])[thirds]
    drawn = {name: rng.integers(0, len(item.levels), n).astype(float) for name, item in scheme.items.items()}
    drawn |= {name: (rng.random(n) < 0.2).astype(float) for name in scheme.findings}
    grades = pd.DataFrame(drawn)
    labels = scheme.derive(grades)
    scores = {}
    for outcome in scheme.outcomes:
        scores[outcome.id] = 1 / (1 + np.exp(1 - 2 * labels[outcome.id] - rng.normal(0, 2 * noise, n)))
    reference = pd.concat([base, grades, labels.drop(columns=list(scheme.findings))], axis=1)
    return reference, pd.concat([base, pd.DataFrame(scores)], axis=1)


@pytest.fixture(scope="session")
def kl() -> Scheme:
    return load_scheme("workflow/gradings/kl.yaml")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20210824)
