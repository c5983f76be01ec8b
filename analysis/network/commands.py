"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, out, section_file, shared


def _pair(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[Path, Path]]:
    pairs = [value.partition(":") for value in values]
    if not all(reference for _, _, reference in pairs):
        raise click.BadParameter("write it as SCHEME.yaml:reference.parquet")
    return [(Path(scheme), Path(reference)) for scheme, _, reference in pairs]


@click.command()
@shared("--images")
@shared("--reference")
@shared("--grading")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    callback=_pair,
    metavar="SCHEME:REFERENCE",
    help="A further task that shares the core; may be repeated.",
)
@section_file("network")
@shared("--seed")
@shared("--workers")
@out("Folder for weights.safetensors and curve.csv.")
def train(
    *,
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
    from analysis.network.training.train import train as run
    from analysis.settings import load

    run(images, reference, grading, tasks, load(NetworkSettings, settings), seed, workers, out)


@click.command()
@shared("--images")
@shared("--reference")
@shared("--grading")
@shared("--weights", multiple=True)
@section_file("network")
@section_file("prediction", "--prediction")
@click.option(
    "--temperatures",
    "carried",
    type=FILE,
    help="temperatures.csv of a network that was trained elsewhere; else fitted.",
)
@shared("--workers")
@out("Folder for exams, images and seeds .parquet, and temperatures.csv.")
def predict(
    *, images: Path, reference: Path, grading: Path, weights: tuple[Path, ...], settings: Path, prediction: Path,
    carried: Path | None, workers: int, out: Path,
) -> None:  # fmt: skip
    """Predict the exams of the validation and test sets, averaged over the seeds."""
    from analysis.network.prediction import predict as run
    from analysis.network.settings import NetworkSettings, PredictionSettings
    from analysis.settings import load

    asked = load(PredictionSettings, prediction)
    run(images, reference, grading, list(weights), load(NetworkSettings, settings), asked, workers, out, carried)


@click.command()
@click.argument("network", type=FOLDER)
@out("Folder for seed-S/ with weights and learning curve, and for what the network's own study estimated.")
def carry(network: Path, out: Path) -> None:
    """Take over the trained network in the folder NETWORK, as `card` writes it, in place of training."""
    from analysis.network.trained.carry import carry as run

    click.echo(run(network, out))


@click.command()
@shared("--images")
@shared("--reference")
@shared("--predictions")
@shared("--grading")
@shared("--weights", multiple=True)
@section_file("attribution")
@section_file("network", "--network-settings")
@shared("--workers")
@out("Folder for cases.csv, its pictures, and occlusion.csv.")
def attribute(
    *,
    images: Path,
    reference: Path,
    predictions: Path,
    grading: Path,
    weights: tuple[Path, ...],
    settings: Path,
    network_settings: Path,
    workers: int,
    out: Path,
) -> None:
    """Find what the network looks at: integrated gradients of its surest decisions, and occlusion."""
    from analysis.network.decisions.attribution import attribute as run
    from analysis.network.decisions.settings import AttributionSettings
    from analysis.network.settings import NetworkSettings
    from analysis.settings import load

    run(
        images,
        reference,
        predictions,
        grading,
        list(weights),
        load(AttributionSettings, settings),
        load(NetworkSettings, network_settings),
        workers,
        out,
    )


COMMANDS: list[click.Command] = [train, carry, predict, attribute]
