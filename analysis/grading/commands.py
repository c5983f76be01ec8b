"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import out, section_file, shared


@click.command("reference")
@shared("--exams")
@shared("--readings")
@shared("--grading")
@section_file("reference")
@shared("--level")
@out("Folder to write to.")
def reference(*, exams: Path, readings: Path, grading: Path, settings: Path, level: float, out: Path) -> None:
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
        level,
    )
    standard.write(out)
    graded, total = len(standard.reference), len(standard.conflicts)
    click.echo(f"{graded} exams have a reference standard; a second opinion decided {total} grades.")


COMMANDS: list[click.Command] = [reference]
