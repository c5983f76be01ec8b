"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path)


def _pair(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[Path, Path]]:
    pairs = [value.partition(":") for value in values]
    if not all(reference for _, _, reference in pairs):
        raise click.BadParameter("write it as SCHEME.yaml:reference.parquet")
    return [(Path(scheme), Path(reference)) for scheme, _, reference in pairs]


@click.command()
@click.option("--images", type=FILE, required=True, help="Folder of prepared images.")
@click.option("--reference", type=FILE, required=True, help="reference.parquet of the grading.")
@click.option("--grading", type=FILE, required=True, help="Its scheme, workflow/gradings/<name>.yaml.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    callback=_pair,
    metavar="SCHEME:REFERENCE",
    help="A further task that shares the core; may be repeated.",
)
@click.option("--settings", type=FILE, required=True, help="Section 'network' of the configuration.")
@click.option("--seed", type=click.IntRange(0), required=True, help="Of start, order and variations.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Threads.")
@click.option("--out", type=FILE, required=True, help="Folder for weights.safetensors and curve.csv.")
def train(
    images: Path,
    reference: Path,
    grading: Path,
    tasks: list[tuple[Path, Path]],
    settings: Path,
    seed: int,
    workers: int,
    out: Path,
) -> None:
    """Train one network; a run that was stopped goes on where it was."""
    from analysis.network.settings import NetworkSettings
    from analysis.network.training import train as run
    from analysis.settings import load

    run(images, reference, grading, tasks, load(NetworkSettings, settings), seed, workers, out)


@click.command()
@click.option("--images", type=FILE, required=True, help="Folder of prepared images.")
@click.option("--reference", type=FILE, required=True, help="reference.parquet, which says what set an exam is in.")
@click.option("--grading", type=FILE, required=True, help="The scheme.")
@click.option("--weights", type=FILE, multiple=True, required=True, help="weights.safetensors; one for each seed.")
@click.option("--settings", type=FILE, required=True, help="Section 'network' of the configuration.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Threads.")
@click.option("--out", type=FILE, required=True, help="Folder for exams, images and seeds .parquet.")
def predict(
    images: Path, reference: Path, grading: Path, weights: tuple[Path, ...], settings: Path, workers: int, out: Path
) -> None:
    """Predict the exams of the validation and test sets, averaged over the seeds."""
    from analysis.network.prediction import predict as run
    from analysis.network.settings import NetworkSettings
    from analysis.settings import load

    run(images, reference, grading, list(weights), load(NetworkSettings, settings), workers, out)


@click.command()
@click.option("--images", type=FILE, required=True, help="Folder of prepared images.")
@click.option("--reference", type=FILE, required=True, help="reference.parquet of the grading.")
@click.option("--predictions", type=FILE, required=True, help="exams.parquet written by 'predict'.")
@click.option("--grading", type=FILE, required=True, help="The scheme.")
@click.option("--weights", type=FILE, multiple=True, required=True, help="weights.safetensors; one for each seed.")
@click.option("--settings", type=FILE, required=True, help="Section 'attribution' of the configuration.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Threads.")
@click.option("--out", type=FILE, required=True, help="Folder for cases.csv, its pictures, and occlusion.csv.")
def attribute(
    images: Path,
    reference: Path,
    predictions: Path,
    grading: Path,
    weights: tuple[Path, ...],
    settings: Path,
    workers: int,
    out: Path,
) -> None:
    """Find what the network looks at: integrated gradients of its surest decisions, and occlusion."""
    from analysis.network.attribution import attribute as run
    from analysis.network.settings import AttributionSettings
    from analysis.settings import load

    run(images, reference, predictions, grading, list(weights), load(AttributionSettings, settings), workers, out)


COMMANDS: list[click.Command] = [train, predict, attribute]
