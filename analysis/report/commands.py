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


@click.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--source", type=FOLDER, default=Path("manuscript"), show_default=True)
@click.option("--out", type=OUT, help="Folder for the manuscript; by default FOLDER/rendered.")
def render(folder: Path | None, source: Path, out: Path | None) -> None:
    """Render the manuscript from the tables, figures and values in FOLDER.

    FOLDER is results/COHORT/GRADING, or `published` in a bundle for reviewers; by default the one or the other.
    """
    from analysis.config import load_study
    from analysis.report.render import manuscript as make
    from analysis.settings import load_yaml

    if folder is None:
        study = load_study(load_yaml("config.yaml"))
        bundled = Path("published")
        folder = bundled if bundled.is_dir() else Path("results") / study.cohort.name / study.grading
    for path in make(
        source=source,
        tables=folder / "tables",
        figures=folder / "figures",
        values=folder / "values.yml",
        settings=load_study(load_yaml(folder / "config.yaml"), str(folder / "config.yaml")).report,
        out=out or folder / "rendered",
    ):
        click.echo(path)


@click.command()
@click.argument("inputs", nargs=-1, type=FILE)
@click.option("--config", type=FILE, required=True, help="The whole configuration as resolved, YAML.")
@click.option("--private", type=FILE, help="The private index of ingest, for the hashes of the pixels.")
@click.option("--benchmarks", type=OUT, multiple=True, help="Folder of Snakemake's benchmarks.")
@click.option("--snakemake", required=True, help="Version of Snakemake.")
@click.option("--out", type=OUT, required=True, help="provenance.json")
def provenance(
    inputs: tuple[Path, ...],
    config: Path,
    private: Path | None,
    benchmarks: tuple[Path, ...],
    snakemake: str,
    out: Path,
) -> None:
    """Say what a study was made of: code, configuration, versions, hashes of INPUTS, machine and time."""
    from analysis.files import write_text
    from analysis.report.provenance import as_json
    from analysis.report.provenance import provenance as collect
    from analysis.settings import load_yaml
    from analysis.statistics.roc import versions

    write_text(
        out, as_json(collect(load_yaml(config), inputs, private, benchmarks, versions() | {"Snakemake": snakemake}))
    )


@click.command()
@click.argument("given", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--study", type=FOLDER, required=True, help="Folder of results, results/COHORT/GRADING.")
@click.option("--config", type=FILE, required=True, help="The whole configuration as resolved, YAML.")
@click.option("--private", type=FILE, required=True, help="The private index of ingest.")
@click.option("--archive", type=FOLDER, required=True, help="The archive, for its reports.")
@click.option("--out", type=OUT, required=True, help="The zip.")
def bundle(given: tuple[Path, ...], study: Path, config: Path, private: Path, archive: Path, out: Path) -> None:
    """Pack what a reviewer needs: the code, what the statistics start from (GIVEN), and what the study made of it."""
    from analysis.archive import privacy
    from analysis.archive.tables import read_reports
    from analysis.files import read_table
    from analysis.report.bundle import bundle as make
    from analysis.settings import load_yaml

    def search(files: list[Path]) -> int:
        reports = read_reports(archive / "reports.csv")["text"].tolist()
        return int(privacy.check(read_table(private), reports, files, privacy.repository())["n"].iloc[0])

    searched, size = make(
        study=study, cohort=study.parent, given=given, config=load_yaml(config), search=search, out=out
    )
    click.echo(f"{out}: {size:.1f} MB; {searched} files hold nothing that identifies a person.")


COMMANDS: list[click.Command] = [tables, figures, values, manuscript, render, provenance, bundle]
