"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import NEW_FILE, out, shared
from analysis.plurals import plural


def _number(context: click.Context, parameter: click.Parameter, value: str) -> int | str:
    if value != "all" and not (value.isdecimal() and int(value)):
        raise click.BadParameter("give a number of exams, or all")
    return value if value == "all" else int(value)


@click.command("draw-exams")
@shared("--reference")
@click.option("--training-exams", "number", callback=_number, required=True, help="Training exams, or all.")
@shared("--seed")
@out("reference.parquet: these training exams, and the whole validation and test sets.", NEW_FILE)
def draw_exams(*, reference: Path, number: int, seed: int, out: Path) -> None:
    """Draw training exams by patient, more with a larger number and never others."""
    from analysis.files import read_table, write_table
    from analysis.learning_curve.subsets import subset
    from analysis.schemas import REFERENCE

    found = subset(read_table(reference, REFERENCE), number, seed)
    write_table(found, out, REFERENCE)
    drawn = found[found["set"] == "training"]
    click.echo(f"{plural(len(drawn), 'training exam')} of {plural(drawn['patient'].nunique(), 'patient')}.")


COMMANDS: list[click.Command] = [draw_exams]
