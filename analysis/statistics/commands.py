"""The commands of the statistics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.options import FILE, NEW_FILE, out, section_file, shared

if TYPE_CHECKING:
    from analysis.statistics.settings import StatisticsSettings

_SETTINGS = section_file("statistics")
_SEED = shared("--seed", default=1, show_default=True)
_WORKERS = shared("--workers")

_REFERENCE = shared("--reference")
_GRADING = shared("--grading")
_CSV = out("The CSV to write.", NEW_FILE)


@click.command("evaluate")
@shared("--predictions")
@_REFERENCE
@_GRADING
@shared("--exams", required=False)
@shared("--images-index", "images", required=False)
@click.option("--readers", type=FILE, help="Independent readings, to put readers beside the network.")
@_SETTINGS
@_SEED
@_WORKERS
@out("Folder for the tables.")
def evaluate_command(*, grading: Path, settings: Path, **options: Any) -> None:
    """Estimate everything about a network's predictions, with uncertainty."""
    from analysis.grading.scheme import load_scheme
    from analysis.statistics.evaluate import evaluate

    evaluate(scheme=load_scheme(grading), settings=_load(settings), **options)


@click.command("compare")
@click.option("--first", type=FILE, required=True, help="Predictions by exam, as of evaluate.")
@click.option("--second", type=FILE, required=True, help="Another network's, or settings', of the same exams.")
@click.option("--names", nargs=2, default=("first", "second"), show_default=True, help="What to call them.")
@_REFERENCE
@_GRADING
@_SETTINGS
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


@click.command("false-positives")
@_SETTINGS
@_SEED
@_WORKERS
@_CSV
def false_positives_command(*, settings: Path, **options: Any) -> None:
    """Simulate how often the tests of a difference find one that isn't there."""
    from analysis.statistics.false_positives import run_false_positives

    run_false_positives(_load(settings), **options)


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


COMMANDS: list[click.Command] = [
    evaluate_command,
    compare_command,
    coverage_command,
    false_positives_command,
    audit_command,
]
