"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, NEW_FILE, out, shared


@click.command("check")
@shared("--exams")
@click.option(
    "--flow",
    type=FILE,
    required=True,
    help="The flow of the selection.",
)
@shared("--reference", "standard")
@shared("--predictions")
@click.option("--statistics", type=FOLDER, required=True)
@shared("--grading")
@out("checks.csv", NEW_FILE)
def check(standard: Path, grading: Path, out: Path, **files: Path) -> None:
    """Check the invariants of the results before a manuscript is written."""
    from analysis.checks.invariants import check_results, read_results
    from analysis.files import write_table
    from analysis.grading.scheme import load_scheme
    from analysis.schemas.statistics import CHECKS

    table = check_results(read_results(load_scheme(grading), reference=standard, **files))
    write_table(table, out, CHECKS)
    click.echo(f"{len(table)} checks hold.")


@click.command("check-privacy")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("--private", "private_file")
@shared("--archive")
@click.option(
    "--public",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Texts that were public before; by default those of the repository.",
)
@click.option("--skip", multiple=True, type=NEW_FILE, help="A file among RESULTS that was searched before it was made.")
@out("CSV that says what was looked for.", NEW_FILE)
def check_privacy(
    results: tuple[Path, ...], private_file: Path, archive: Path, public: tuple[Path, ...], skip: tuple[Path, ...],
    out: Path,
) -> None:  # fmt: skip
    """Search RESULTS (files or folders) for every identifying value seen at ingest, and fail if there is one."""
    from analysis.archive.tables import read_reports
    from analysis.checks import privacy
    from analysis.files import read_table, write_table
    from analysis.schemas import PRIVATE
    from analysis.schemas.statistics import PRIVACY

    reports = archive / "reports.csv"
    texts = read_reports(reports)["text"].tolist() if reports.exists() else []
    found = privacy.check(read_table(private_file, PRIVATE), texts, list(results), public or privacy.repository(), skip)
    write_table(found, out, PRIVACY)
    click.echo(f"{found['n'].iloc[0]} files hold nothing that identifies a person.")


COMMANDS: list[click.Command] = [check, check_privacy]
