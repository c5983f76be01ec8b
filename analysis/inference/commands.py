"""The commands that put a trained network to use."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FOLDER, out, shared

#: Knees on one page: as many as a person looks through at a time, and a browser holds.
ON_A_PAGE = 200


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER_OR_FILES...")
@click.option(
    "--network", "folder", type=FOLDER, required=True, help="The network's folder, as the rule 'card' writes it."
)
@click.option(
    "--laterality",
    "side",
    type=click.Choice(("left", "right")),
    help="Also grade PNG and JPEG files, which show this side.",
)
@click.option(
    "--page/--no-page", default=True, show_default=True, help="Write grades.html, which takes most of the time."
)
@click.option(
    "--dicom", is_flag=True, help="Also write a structured report (TID 1500) and pictures of each knee, as DICOM."
)
@shared("--workers")
@out("Folder for grades.csv and grades.html.")
def grade(
    paths: tuple[Path, ...], folder: Path, side: str | None, page: bool, dicom: bool, workers: int, out: Path
) -> None:
    """Grade the knees in new DICOM files. Not a medical device; for research only."""
    from analysis.inference.run import run

    click.echo(run(list(paths), folder, out, side=side, page=ON_A_PAGE if page else 0, dicom=dicom, workers=workers))


COMMANDS: list[click.Command] = [grade]
