"""The commands of the statistics."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)
_SETTINGS = click.option("--settings", type=_FILE, required=True, help="YAML of the section 'statistics'.")
_SEED = click.option("--seed", type=int, default=1, show_default=True, help="Seed of all resampling.")
_WORKERS = click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; each starts one R."
)


@click.command("evaluate")
@click.option("--predictions", type=_FILE, required=True, help="CSV or Parquet: exam, patient, [set], scores.")
@click.option("--reference", type=_FILE, required=True, help="CSV or Parquet: exam, patient, [set], labels.")
@click.option("--grading", type=_FILE, required=True, help="The grading scheme.")
@_SETTINGS
@_SEED
@_WORKERS
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the tables.")
def evaluate_command(
    *, predictions: Path, reference: Path, grading: Path, settings: Path, seed: int, workers: int, out: Path
) -> None:
    """Estimate everything about a network's predictions, with uncertainty."""
    from analysis.grading.scheme import load_scheme
    from analysis.settings import load
    from analysis.statistics.evaluate import evaluate
    from analysis.statistics.settings import StatisticsSettings

    evaluate(
        predictions,
        reference,
        load_scheme(grading),
        load(StatisticsSettings, settings),
        seed=seed,
        workers=workers,
        out=out,
    )


COMMANDS: list[click.Command] = [evaluate_command]
