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


@click.command("check")
@click.option("--exams", type=FILE, required=True, help="The selection: exams with their sets.")
@click.option("--flow", type=FILE, required=True, help="The flow of the selection.")
@click.option("--reference", "standard", type=FILE, required=True, help="The reference standard.")
@click.option("--predictions", type=FILE, required=True, help="Predictions by exam.")
@click.option("--statistics", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--grading", type=FILE, required=True, help="The grading scheme, workflow/gradings/<name>.yaml.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="checks.csv")
def check(standard: Path, grading: Path, out: Path, **files: Path) -> None:
    """Check what must hold of the results before a manuscript is written."""
    from analysis.files import write_table
    from analysis.grading.scheme import load_scheme
    from analysis.report.invariants import check_results, read_results

    table = check_results(read_results(load_scheme(grading), reference=standard, **files))
    write_table(table, out)
    click.echo(f"{len(table)} checks hold.")


@click.command("compare-gradings")
@click.option("--first", type=FOLDER, required=True, help="results/<cohort>/<grading> of the first grading.")
@click.option("--second", type=FOLDER, required=True, help="The same of the second.")
@click.option("--first-grading", type=FILE, required=True, help="The first scheme; it says what early disease is.")
@click.option("--second-grading", type=FILE, required=True, help="The second scheme.")
@click.option("--settings", type=FILE, required=True, help="The section 'statistics' of the configuration.")
@click.option("--report", type=FILE, required=True, help="The section 'report' of the configuration.")
@click.option("--seed", type=int, required=True, help="Seed of all resampling.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
def compare(
    *, first: Path, second: Path, first_grading: Path, second_grading: Path,
    settings: Path, report: Path, seed: int, out: Path,
) -> None:  # fmt: skip
    """Put two gradings of the same exams side by side, as a table, a figure and the values of a paragraph."""
    from analysis.files import read_table
    from analysis.grading.compare import Graded, compare_gradings
    from analysis.grading.scheme import load_scheme
    from analysis.report.gradings import Comparison, write_comparison
    from analysis.report.settings import ReportSettings
    from analysis.schemas import PREDICTIONS, REFERENCE
    from analysis.settings import load
    from analysis.statistics.settings import StatisticsSettings

    pair = [
        Graded(
            load_scheme(scheme),
            read_table(folder / "reference/reference.parquet", REFERENCE),
            read_table(folder / "predictions/exams.parquet", PREDICTIONS),
        )
        for folder, scheme in ((first, first_grading), (second, second_grading))
    ]
    table = compare_gradings(pair[0], pair[1], load(StatisticsSettings, settings), seed)
    write_comparison(Comparison(table, pair[0].scheme, pair[1].scheme, load(ReportSettings, report)), out)


COMMANDS: list[click.Command] = [reference, check, compare]
