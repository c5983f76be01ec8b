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
@click.option("--statistics", type=FOLDER, required=True, help="Folder with roc.csv, thresholds.csv …")
@shared("--grading")
@out("checks.csv", NEW_FILE)
def check(standard: Path, grading: Path, out: Path, **files: Path) -> None:
    """Check the invariants of the results before a manuscript is written."""
    from analysis.checks.invariants import check_results, read_results
    from analysis.files import write_table
    from analysis.grading.scheme import load_scheme
    from analysis.schemas.checks import CHECKS

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
@shared("--harmless", required=False)
@click.option("--skip", multiple=True, type=NEW_FILE, help="A file among RESULTS that was searched before it was made.")
@out("CSV that says what was looked for.", NEW_FILE)
def check_privacy(
    *, results: tuple[Path, ...], private_file: Path, archive: Path, public: tuple[Path, ...],
    harmless: Path | None, skip: tuple[Path, ...], out: Path,
) -> None:  # fmt: skip
    """Search RESULTS (files or folders) for every identifying value seen at ingest, and fail if there is one."""
    from analysis.archive.tables import read_reports
    from analysis.checks import privacy
    from analysis.files import read_table, write_table
    from analysis.schemas import PRIVATE
    from analysis.schemas.checks import PRIVACY

    reports = archive / "reports.csv"
    texts = read_reports(reports)["text"].tolist() if reports.exists() else []
    found = privacy.check(
        read_table(private_file, PRIVATE), texts, list(results), public or privacy.repository(), skip, harmless,
        private_file.with_name(privacy.FOUND),
    )  # fmt: skip
    write_table(found, out, PRIVACY)
    click.echo(f"{found['n'].iloc[0]} files hold nothing that identifies a person.")


@click.command("search-errors")
@click.argument("results", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--patients",
    multiple=True,
    type=click.IntRange(2),
    default=(1_000, 10_000, 100_000),
    show_default=True,
    help="Size of an archive; give it several times for several.",
)
@click.option("--replicates", type=click.IntRange(1), default=5, show_default=True, help="Archives of each size.")
@shared("--seed", default=1, show_default=True)
@out("CSV: archives by their size, how their patients are numbered, and what went wrong.", NEW_FILE)
def search_errors(
    *, results: tuple[Path, ...], patients: tuple[int, ...], replicates: int, seed: int, out: Path
) -> None:
    """Simulate how often the search for identities stops a study whose RESULTS are clean, and what it misses."""
    import numpy as np

    from analysis.checks.chance import errors, names, told
    from analysis.files import write_table
    from analysis.schemas.checks import SEARCH_ERRORS

    found = errors(results, patients, replicates, np.random.default_rng(seed))
    write_table(found, out, SEARCH_ERRORS)
    click.echo(told(found, names(results)))


COMMANDS: list[click.Command] = [check, check_privacy, search_errors]
