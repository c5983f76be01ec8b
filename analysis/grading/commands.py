"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("reference")
@click.option("--exams", type=FILE, required=True, help="The selection: exams with their sets.")
@click.option("--readings", type=FILE, required=True, help="The indexed readings.")
@click.option("--grading", type=FILE, required=True, help="The grading scheme, workflow/gradings/<name>.yaml.")
@click.option("--settings", type=FILE, required=True, help="The section 'reference' of the configuration.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
def reference(exams: Path, readings: Path, grading: Path, settings: Path, out: Path) -> None:
    """Make the reference standard of the readings, and measure how far readers agree."""
    from analysis.files import read_table
    from analysis.grading.reference import make_reference
    from analysis.grading.scheme import load_scheme
    from analysis.grading.settings import ReferenceSettings
    from analysis.schemas import EXAMS, READINGS
    from analysis.settings import load

    standard = make_reference(
        read_table(exams, EXAMS),
        read_table(readings, READINGS),
        load_scheme(grading),
        load(ReferenceSettings, settings),
    )
    standard.write(out)
    graded, total = len(standard.reference), len(standard.conflicts)
    click.echo(f"{graded} exams have a reference standard; a second opinion decided {total} grades.")


COMMANDS: list[click.Command] = [reference]
