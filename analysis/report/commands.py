"""The commands that tell the study: tables, figures, values, manuscript, and where each came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from analysis.report.inputs import Results

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUT = click.Path(path_type=Path)


def results_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where the results are."""
    for option in reversed(
        (
            click.option("--grading", type=FILE, required=True, help="Scheme, e.g. workflow/gradings/kl.yaml."),
            click.option("--statistics", type=FOLDER, required=True, help="Folder with roc.csv, thresholds.csv …"),
            click.option("--reference", type=FOLDER, required=True, help="Folder with reference.parquet."),
            click.option("--selection", type=FOLDER, required=True, help="Folder with exams.parquet and flow.csv."),
            click.option("--index", type=FOLDER, help="Folder with images.parquet and counts.csv."),
            click.option("--images", type=FOLDER, help="Folder with rows-K.parquet."),
            click.option("--network", type=FOLDER, help="Folder with seed-S/curve.csv."),
            click.option("--attribution", type=FOLDER, help="Folder with cases.csv and its pictures."),
            click.option("--coverage", type=FILE, help="coverage.csv."),
            click.option("--audit", type=FILE, help="audit.csv."),
            click.option("--acquisition", type=FOLDER, help="Folder of the learning curve of active learning."),
            click.option("--settings", type=FILE, required=True, help="Section 'report' of the configuration."),
        )
    ):
        command = option(command)
    return command


def gather(grading: Path, settings: Path, **folders: Any) -> Results:
    """Make `Results` of the options."""
    from analysis.grading.scheme import load_scheme
    from analysis.report.inputs import Results
    from analysis.report.settings import ReportSettings
    from analysis.settings import load

    return Results(load_scheme(grading), load(ReportSettings, settings), **folders)


@click.command()
@results_options
@click.option("--checklists", type=FOLDER, default=Path("manuscript/checklists"), show_default=True)
@click.option("--out", type=OUT, required=True, help="Folder for the tables: NAME.md and NAME.csv each.")
def tables(out: Path, checklists: Path, **options: Any) -> None:
    """Make all tables, as markdown for the manuscript and as CSV for people."""
    from analysis.report.tables import write_tables

    write_tables(gather(**options), checklists, out)


@click.command()
@results_options
@click.option("--out", type=OUT, required=True, help="Folder for the figures: NAME.svg and NAME.png each.")
def figures(out: Path, **options: Any) -> None:
    """Draw all figures, as SVG and as PNG."""
    from analysis.report.figures import write_figures

    write_figures(gather(**options), out)


@click.command()
@results_options
@click.option("--config", type=FILE, required=True, help="The whole configuration as resolved, YAML.")
@click.option("--out", type=OUT, required=True, help="values.yml")
def values(out: Path, config: Path, **options: Any) -> None:
    """Collect every number of the text, and what chooses its sentences."""
    from analysis.report.values import write_values
    from analysis.settings import load_yaml

    write_values(gather(**options), load_yaml(config), out)


@click.command()
@click.option("--source", type=FOLDER, default=Path("manuscript"), show_default=True)
@click.option("--tables", type=FOLDER, required=True)
@click.option("--figures", type=FOLDER, required=True)
@click.option("--values", type=FILE, required=True)
@click.option("--comparison", type=FOLDER, help="Folder of compare-gradings, to be told of in a section.")
@click.option("--settings", type=FILE, required=True, help="Section 'report' of the configuration.")
@click.option("--renderer", type=click.Choice(["auto", "quarto", "pandoc"]), help="In place of the settings'.")
@click.option("--out", type=OUT, required=True, help="Folder, emptied first: sources and index.html, .docx, .pdf …")
def manuscript(
    *, source: Path, tables: Path, figures: Path, values: Path, comparison: Path | None, settings: Path,
    renderer: str | None, out: Path,
) -> None:  # fmt: skip
    """Stage the manuscript and render it, by Quarto where it is installed and by pandoc otherwise."""
    from analysis.report.render import manuscript as make
    from analysis.report.settings import ReportSettings
    from analysis.settings import load

    for path in make(
        source=source,
        tables=tables,
        figures=figures,
        values=values,
        comparison=comparison,
        settings=load(ReportSettings, settings),
        out=out,
        renderer=renderer,
    ):
        click.echo(path)


COMMANDS: list[click.Command] = [tables, figures, values, manuscript]
