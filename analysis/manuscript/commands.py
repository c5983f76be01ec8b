"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, NEW_FILE, NEW_FOLDER, out, section_file, shared


@click.command()
@click.option("--source", type=FOLDER, default=Path("manuscript"), show_default=True, help="Folder of the text.")
@click.option("--tables", type=FOLDER, required=True, help="Folder with the tables as markdown.")
@click.option("--figures", type=FOLDER, required=True, help="Folder with the figures.")
@click.option("--values", type=FILE, required=True, help="values.yml")
@click.option(
    "--comparison",
    type=FOLDER,
    help="Folder of compare-gradings or compare-networks, reported in a section of its own.",
)
@section_file("manuscript")
@click.option("--renderer", type=click.Choice(["auto", "quarto", "pandoc"]), help="In place of the settings'.")
@shared("--workers")
@out("Folder, emptied first: sources and index.html, .docx, .pdf …")
def manuscript(
    *, source: Path, tables: Path, figures: Path, values: Path, comparison: Path | None, settings: Path,
    renderer: str | None, workers: int, out: Path,
) -> None:  # fmt: skip
    """Stage the manuscript and render it, by Quarto where it is installed and by pandoc otherwise."""
    from analysis.manuscript.render import manuscript as make
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.settings import load

    for path in make(
        source=source,
        tables=tables,
        figures=figures,
        values=values,
        comparison=comparison,
        settings=load(ManuscriptSettings, settings),
        out=out,
        renderer=renderer,
        workers=workers,
    ):
        click.echo(path)


@click.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--source", type=FOLDER, default=Path("manuscript"), show_default=True, help="Folder of the text.")
@click.option("--out", type=NEW_FOLDER, help="Folder for the manuscript; by default FOLDER/rendered.")
def render(folder: Path | None, source: Path, out: Path | None) -> None:
    """Render the manuscript from the tables, figures and values in FOLDER.

    FOLDER is results/COHORT/GRADING, or `published` in a bundle for reviewers; by default the one or the other.
    """
    from analysis.archive.facts import CohortSettings
    from analysis.manuscript.render import manuscript as make
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.settings import CONFIG, section
    from analysis.yaml_files import load_yaml

    if folder is None:
        bundled = Path("published")
        cohort = section(CohortSettings, "cohort").name
        folder = bundled if bundled.is_dir() else Path("results") / cohort / load_yaml(CONFIG)["grading"]
    for path in make(
        source=source,
        tables=folder / "tables",
        figures=folder / "figures",
        values=folder / "values.yml",
        settings=section(ManuscriptSettings, "manuscript", config=folder / "config.yaml"),
        out=out or folder / "rendered",
    ):
        click.echo(path)


@click.command("word-style")
@click.option("--out", type=NEW_FILE, default=Path("manuscript/reference.docx"), show_default=True)
def word_style(out: Path) -> None:
    """Write the Word document whose styles the DOCX takes, after an edit to `analysis/manuscript/word.py`."""
    from analysis.manuscript.word import write_reference

    write_reference(out)


COMMANDS: list[click.Command] = [manuscript, render, word_style]
