"""The commands of the statistics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from analysis.statistics.settings import StatisticsSettings

_FILE = click.Path(dir_okay=False, path_type=Path)
_SETTINGS = click.option("--settings", type=_FILE, required=True, help="YAML of the section 'statistics'.")
_SEED = click.option("--seed", type=int, default=1, show_default=True, help="Seed of all resampling.")
_WORKERS = click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; each starts one R."
)


_PREDICTIONS = "CSV or Parquet: exam, patient, [set], scores."
_REFERENCE = click.option(
    "--reference", type=_FILE, required=True, help="CSV or Parquet: exam, patient, [set], grades or labels."
)
_GRADING = click.option("--grading", type=_FILE, required=True, help="The grading scheme.")
_CSV = click.option("--out", type=_FILE, required=True, help="The CSV to write.")


@click.command("evaluate")
@click.option("--predictions", type=_FILE, required=True, help=_PREDICTIONS)
@_REFERENCE
@_GRADING
@click.option("--exams", type=_FILE, help="Table of exams: subgroups by age, sex and protocol.")
@click.option("--images-index", "images", type=_FILE, help="Index of images: subgroups by projection.")
@click.option("--readers", type=_FILE, help="Independent readings, to put readers beside the network.")
@_SETTINGS
@_SEED
@_WORKERS
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the tables.")
def evaluate_command(*, grading: Path, settings: Path, **options: Any) -> None:
    """Estimate everything about a network's predictions, with uncertainty."""
    from analysis.grading.scheme import load_scheme
    from analysis.statistics.evaluate import evaluate

    evaluate(scheme=load_scheme(grading), settings=_load(settings), **options)


@click.command("compare")
@click.option("--first", type=_FILE, required=True, help=_PREDICTIONS)
@click.option("--second", type=_FILE, required=True, help="Another network's, or settings', of the same exams.")
@click.option("--names", nargs=2, default=("first", "second"), show_default=True, help="What to call them.")
@_REFERENCE
@_GRADING
@_SETTINGS
@_SEED
@_CSV
def compare_command(*, grading: Path, settings: Path, **options: Any) -> None:
    """Compare the AUCs of two networks, or settings, on the same exams."""
    from analysis.grading.scheme import load_scheme
    from analysis.statistics.comparisons import compare_predictions

    compare_predictions(scheme=load_scheme(grading), settings=_load(settings), **options)


@click.command("coverage")
@_SETTINGS
@_SEED
@_WORKERS
@_CSV
def coverage_command(*, settings: Path, **options: Any) -> None:
    """Simulate how often each kind of interval covers the true AUC."""
    from analysis.statistics.coverage import run_coverage

    run_coverage(_load(settings), **options)


@click.command("audit")
@_SETTINGS
@_CSV
def audit_command(*, settings: Path, out: Path) -> None:
    """Hold the published tables against themselves."""
    from analysis.statistics.audit import run_audit

    run_audit(_load(settings), out)


def _load(settings: Path) -> StatisticsSettings:
    from analysis.settings import load
    from analysis.statistics.settings import StatisticsSettings

    return load(StatisticsSettings, settings)


COMMANDS: list[click.Command] = [evaluate_command, compare_command, coverage_command, audit_command]
