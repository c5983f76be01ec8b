"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import NEW_FILE, out, section_file, shared
from analysis.plurals import plural


@click.command("simulate")
@section_file("simulate")
@shared("--seed")
@shared("--workers")
@out("Folder of the archive to make.")
def simulate(*, settings: Path, seed: int, workers: int, out: Path) -> None:
    """Simulate an archive of knee radiographs in the form that a hospital provides."""
    from analysis.settings import load
    from analysis.simulate.archive import simulate as make
    from analysis.simulate.settings import SimulateSettings

    files = make(load(SimulateSettings, settings), seed, workers, out)
    click.echo(f"{out}: {plural(files, 'file')}.")


@click.command("contact-sheet")
@shared("--archive")
@click.option("--item", default="kl", show_default=True, help="Item of readings.csv that makes the columns.")
@click.option("--each", type=click.IntRange(1), default=2, show_default=True, help="Images per view and value.")
@click.option("--side", type=click.IntRange(64), default=260, show_default=True, help="Side of a tile, pixels.")
@shared("--seed", default=1, show_default=True)
@out("PNG to write.", NEW_FILE)
def contact_sheet(*, archive: Path, item: str, each: int, side: int, seed: int, out: Path) -> None:
    """Show an archive's radiographs by view and by how they were read."""
    import numpy as np

    from analysis.simulate.sheet import contact_sheet as draw

    draw(archive, item, np.random.default_rng(seed), out, each, side)
    click.echo(f"{out}: radiographs by view and {item}.")


COMMANDS: list[click.Command] = [simulate, contact_sheet]
