"""The commands of the network."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUT = click.Path(path_type=Path)

_IMAGES = click.option("--images", type=FOLDER, required=True, help="Folder of prepared images.")
_REFERENCE = click.option("--reference", type=FILE, required=True, help="reference.parquet")
_GRADING = click.option("--grading", type=FILE, required=True, help="The grading scheme.")
_SETTINGS = click.option("--settings", type=FILE, required=True, help="YAML of the section 'network'.")
_WORKERS = click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Threads.")


@click.command("train")
@_IMAGES
@_REFERENCE
@_GRADING
@click.option("--task", "tasks", multiple=True, help="A further task, SCHEME.yaml:REFERENCE.parquet; any number.")
@_SETTINGS
@click.option("--seed", type=int, default=0, show_default=True)
@_WORKERS
@click.option("--out", type=OUT, required=True, help="Folder for weights.safetensors and curve.csv.")
def train_command(
    *,
    images: Path,
    reference: Path,
    grading: Path,
    tasks: tuple[str, ...],
    settings: Path,
    seed: int,
    workers: int,
    out: Path,
) -> None:
    """Train the network, or go on where a stopped run left off."""
    from analysis.network.settings import NetworkSettings
    from analysis.network.training import train
    from analysis.settings import load

    pairs = [task.partition(":") for task in tasks]
    further = [(Path(scheme), Path(table)) for scheme, _, table in pairs]
    train(images, reference, grading, further, load(NetworkSettings, settings), seed, workers, out)


@click.command("predict")
@_IMAGES
@_REFERENCE
@_GRADING
@click.option("--weights", type=FILE, multiple=True, required=True, help="One file a member of the ensemble.")
@_SETTINGS
@_WORKERS
@click.option("--out", type=OUT, required=True, help="Folder for exams.parquet, images.parquet, seeds.parquet.")
def predict_command(
    *,
    images: Path,
    reference: Path,
    grading: Path,
    weights: tuple[Path, ...],
    settings: Path,
    workers: int,
    out: Path,
) -> None:
    """Predict the exams of validation and test set."""
    from analysis.network.prediction import predict
    from analysis.network.settings import NetworkSettings
    from analysis.settings import load

    predict(images, reference, grading, list(weights), load(NetworkSettings, settings), workers, out)


COMMANDS: list[click.Command] = [train_command, predict_command]
