"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", required=True, type=FOLDER, help="Folder for images.parquet, readings.parquet and counts.csv.")
@click.option("--private", required=True, type=FOLDER, help="Folder for what identifies people; never published.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the section 'ingest'.")
@click.option("--key", type=FILE, help="File of the secret key of the pseudonyms; made on first use.")
@click.option(
    "--seed", type=int, help="Instead of a secret key, for archives that hold no secrets (simulated, public)."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
def ingest(
    folder: Path, out: Path, private: Path, settings_file: Path, key: Path | None, seed: int | None, workers: int
) -> None:
    """Index the archive in FOLDER, under pseudonyms: any tree of files, whatever is in it."""
    from analysis.archive import ingest as stage
    from analysis.archive.pseudonyms import Pseudonyms, default_key_path, key_from_file, key_from_seed
    from analysis.archive.settings import IngestSettings
    from analysis.settings import load

    settings = load(IngestSettings, settings_file)
    if key is not None and seed is not None:
        raise click.UsageError("Give --key or --seed, not both.")
    if seed is not None:
        secret = key_from_seed(seed)
    else:
        secret, warnings = key_from_file(key or default_key_path(), folder, out, private)
        for warning in warnings:
            click.secho(warning, fg="yellow", err=True)
    index = stage.ingest(folder, settings, Pseudonyms(secret), workers)
    stage.write(index, out, private)
    for kind, code, n in index.counts.itertuples(index=False):
        click.echo(f"{n:>8} {kind}{f': {code}' if isinstance(code, str) else ''}")


@click.command("import-kneekl224")
@click.option("--folder", type=FOLDER, help="Unpacked kneeKL224; else as the settings say, else fetched from its DOI.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the section 'archive'.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the archive.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
def import_kneekl224(folder: Path | None, settings_file: Path, out: Path, workers: int) -> None:
    """Bring the public radiographs of Chen 2018 into the form of an archive."""
    from analysis.archive import kneekl224
    from analysis.archive.fetch import fetch
    from analysis.archive.settings import ArchiveSettings
    from analysis.settings import load

    settings = load(ArchiveSettings, settings_file).kneekl224
    source = folder or (Path(settings.folder) if settings.folder else fetch(settings, out / "fetched"))
    found = kneekl224.import_images(source, settings.sets, out, workers)
    click.echo(f"Imported {len(found)} radiographs of {found['patient'].nunique()} patients.")


@click.command("check-privacy")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--private", "private_file", required=True, type=FILE, help="The private index.parquet of ingest.")
@click.option("--archive", required=True, type=FOLDER, help="The archive, for its reports.")
@click.option(
    "--public",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Texts that were public before; by default those of the repository.",
)
@click.option("--skip", multiple=True, type=FILE, help="A file among RESULTS that was searched before it was made.")
@click.option("--out", required=True, type=FILE, help="CSV that says what was looked for.")
def check_privacy(
    results: tuple[Path, ...], private_file: Path, archive: Path, public: tuple[Path, ...], skip: tuple[Path, ...],
    out: Path,
) -> None:  # fmt: skip
    """Search RESULTS (files or folders) for every identifying value seen at ingest, and fail if there is one."""
    from analysis.archive import privacy
    from analysis.archive.tables import read_reports
    from analysis.files import read_table, write_table

    reports = archive / "reports.csv"
    texts = read_reports(reports)["text"].tolist() if reports.exists() else []
    found = privacy.check(read_table(private_file), texts, list(results), public or privacy.repository(), skip)
    write_table(found, out)
    click.echo(f"{found['n'].iloc[0]} files hold nothing that identifies a person.")


COMMANDS: list[click.Command] = [ingest, import_kneekl224, check_privacy]
