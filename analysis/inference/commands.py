"""The commands that put a trained network to use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analysis.options import FILE, FOLDER, out, shared

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
    help="Also grade PNG and JPEG files, which show this side, as do DICOM files that say none.",
)
@click.option(
    "--page/--no-page", default=True, show_default=True, help="Write grades.html, which takes most of the time."
)
@click.option(
    "--dicom", is_flag=True, help="Also write a structured report (TID 1500) and pictures of each knee, as DICOM."
)
@click.option(
    "--push",
    "connection",
    type=FILE,
    metavar="NODE",
    help="Also send these reports and pictures to a PACS: YAML that says where it is (docs/pacs.md). Nothing is sent without it.",
)
@shared("--workers")
@out("Folder for grades.csv and grades.html.")
def grade(
    *, paths: tuple[Path, ...], folder: Path, side: str | None, page: bool, dicom: bool, connection: Path | None,
    workers: int, out: Path,
) -> None:  # fmt: skip
    """Grade the knees in new DICOM files. Not a medical device; for research only."""
    from analysis.archive.readers import expect_readers

    expect_readers()
    from analysis.archive.pacs.node import load_node
    from analysis.inference.run import run

    node = load_node(connection) if connection else None  # a mistake in it is told before an hour of grading
    written: list[Path] = []
    click.echo(
        run(
            list(paths), folder, out, side=side, page=ON_A_PAGE if page else 0, dicom=dicom or node is not None,
            workers=workers, written=written,
        )
    )  # fmt: skip
    if node:
        from analysis.archive.pacs.push import push

        click.echo(push(node, written, out / "unsent.csv"))


@click.command()
@shared("--images")
@shared("--reference")
@shared("--readings")
@shared("--predictions")
@click.option(
    "--members",
    "seeds",
    type=FILE,
    required=True,
    help="seeds.parquet of predict: the scores of each network of an ensemble.",
)
@click.option("--thresholds", type=FILE, required=True, help="thresholds.csv of the statistics.")
@shared("--grading")
@shared("--weights", multiple=True)
@shared("--config")
@shared("--workers")
@out("Folder for a page an item; of a patients' archive one in a folder 'private'.")
def browse(weights: tuple[Path, ...], **given: Any) -> None:
    """Show the study's test exams by cell of the confusion matrix, with readings, scores and attributions."""
    from analysis.inference.browse import browse as run

    click.echo(run(weights=list(weights), **given))


COMMANDS: list[click.Command] = [grade, browse]
