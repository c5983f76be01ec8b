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


@click.command("make-archive")
@click.option("--source", required=True, help="A source that makes its archive: a module of analysis/archive/sources/.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the source's own settings.")
@click.option("--seed", required=True, type=int, help="Seed of all that is drawn at random.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the archive.")
def make_archive(source: str, settings_file: Path, seed: int, workers: int, out: Path) -> None:
    """Make, or fetch and convert, the archive that the cohort is drawn from."""
    from analysis.archive.sources import find_sources
    from analysis.settings import load

    made = {name: found for name, found in find_sources().items() if found.make}
    if source not in made:
        raise click.UsageError(f"--source is '{source}'; known are {', '.join(made)}.")
    chosen = made[source]
    assert chosen.make and chosen.settings
    click.echo(chosen.make(load(chosen.settings, settings_file), seed, out, workers))


COMMANDS: list[click.Command] = [make_archive, ingest]
