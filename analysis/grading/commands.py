"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, NEW_FILE, out, section_file, shared
from analysis.plurals import plural


@click.command("reference")
@shared("--exams")
@shared("--readings")
@shared("--grading")
@section_file("reference")
@out("Folder to write to.")
def reference(*, exams: Path, readings: Path, grading: Path, settings: Path, out: Path) -> None:
    """Make the reference standard of the readings."""
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
    click.echo(
        f"{plural(graded, 'exam')} with a reference standard; a second opinion decided {plural(total, 'grade')}."
    )


@click.command("agreement")
@click.option("--readers", type=FILE, required=True, help="readers.parquet of the reference standard.")
@shared("--reference", "reference_file")
@shared("--grading")
@section_file("reference")
@shared("--level")
@out("Table to write (CSV).", NEW_FILE)
def agreement(*, readers: Path, reference_file: Path, grading: Path, settings: Path, level: float, out: Path) -> None:
    """Measure how far readers agree, with one another and with the reference standard."""
    from analysis.files import read_table, write_table
    from analysis.grading.agreement import tabulate_agreement
    from analysis.grading.scheme import load_scheme
    from analysis.grading.settings import ReferenceSettings
    from analysis.schemas import AGREEMENT, READERS, REFERENCE
    from analysis.settings import load

    table = tabulate_agreement(
        read_table(readers, READERS),
        read_table(reference_file, REFERENCE),
        load_scheme(grading),
        load(ReferenceSettings, settings),
        level,
    )
    write_table(table, out, AGREEMENT)


COMMANDS: list[click.Command] = [reference, agreement]
