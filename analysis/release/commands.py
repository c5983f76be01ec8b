"""The commands that take a network out of its study."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, NEW_FILE, out, shared


@click.command()
@shared("--images")
@shared("--images-index", "index")
@shared("--reference")
@click.option("--characteristics", type=FILE, required=True, help="characteristics.csv of characterise.")
@shared("--predictions")
@shared("--grading")
@shared("--weights", multiple=True)
@click.option("--network", type=FOLDER, required=True, help="Folder with seed-S/curve.csv.")
@click.option("--statistics", type=FOLDER, required=True, help="Folder with roc.csv and thresholds.csv.")
@click.option("--tables", type=FOLDER, required=True, help="Folder with the tables as markdown.")
@shared("--config")
@click.option("--values", type=FILE, required=True, help="values.yml")
@click.option("--citation", type=FILE, default=Path("CITATION.cff"), show_default=True, help="CITATION.cff")
@out("Folder for the weights and all that belongs to them.")
def card(config: Path, values: Path, weights: tuple[Path, ...], **paths: Path) -> None:
    """Write the trained network as a folder that is complete by itself, with a model card."""
    from analysis.release.card import write_card
    from analysis.yaml_files import load_yaml

    write_card(config=load_yaml(config), values=load_yaml(values), weights=list(weights), **paths)


@click.command()
@click.argument("network", type=FOLDER)
@click.option("--onnx", "file", type=NEW_FILE, required=True, help="The ONNX file to write.")
def export(network: Path, file: Path) -> None:
    """Write the network in the folder NETWORK as ONNX: the images of one exam in, its scores out."""
    from analysis.network import load
    from analysis.release.onnx import export as run

    run(load(network), file)


COMMANDS: list[click.Command] = [card, export]
