"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("simulate")
@click.option("--settings", type=FILE, required=True, help="The section 'simulate' of the configuration.")
@click.option("--seed", type=int, required=True, help="The seed that all random draws come from.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the archive to make.")
def simulate(settings: Path, seed: int, workers: int, out: Path) -> None:
    """Simulate an archive of knee radiographs in the form that a hospital hands over."""
    from analysis.settings import load
    from analysis.simulate.archive import simulate as make
    from analysis.simulate.settings import SimulateSettings

    files = make(load(SimulateSettings, settings), seed, workers, out)
    click.echo(f"{out}: {files} files.")


COMMANDS: list[click.Command] = [simulate]
