"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, NEW_FILE, NEW_FOLDER, out, section_file, shared
from analysis.plurals import plural

#: Of both commands that index an archive.
_PRIVATE = click.option(
    "--private-folder",
    "private",
    required=True,
    type=NEW_FOLDER,
    help="Folder for what identifies people; never published.",
)


@click.command("read-headers")
@click.argument("folder", type=NEW_FOLDER)
@_PRIVATE
@section_file("ingest", "--settings", "settings_file")
@click.option("--shard", required=True, type=int, help="Which part of the files, counted from 0.")
@click.option("--shards", required=True, type=int, help="Of how many.")
@shared("--workers")
def read_headers(*, folder: Path, private: Path, settings_file: Path, shard: int, shards: int, workers: int) -> None:
    """Read one part of the files in FOLDER, for ingest to put all parts together."""
    from analysis.archive.readers import expect_readers

    expect_readers()
    from analysis.archive import parts as stage
    from analysis.archive.settings import IngestSettings
    from analysis.settings import load

    settings = load(IngestSettings, settings_file)
    files = stage.read_shard(folder, settings, private, shard, shards, workers)
    click.echo(f"Read the headers of {plural(files, 'file')}, part {shard} of {shards}.")


@click.command()
@click.argument("folder", type=NEW_FOLDER)
@out("Folder for images.parquet, readings.parquet and counts.csv.")
@_PRIVATE
@section_file("ingest", "--settings", "settings_file")
@click.option("--headers", multiple=True, type=FILE, help="What read-headers wrote, one for each part, in their order.")
@click.option("--key", type=NEW_FILE, help="File of the secret key of the pseudonyms; made on first use.")
@shared("--seed", required=False, help="In place of a secret key, where the archive holds no personal data.")
@shared("--workers")
def ingest(
    *,
    folder: Path,
    out: Path,
    private: Path,
    settings_file: Path,
    headers: tuple[Path, ...],
    key: Path | None,
    seed: int | None,
    workers: int,
) -> None:
    """Index the archive in FOLDER, under pseudonyms: any tree of files, whatever is in it."""
    if not headers:
        from analysis.archive.readers import expect_readers

        expect_readers()
    from analysis.archive import ingest as stage
    from analysis.archive.people.pseudonyms import Pseudonyms, default_key_path, key_from_file, key_from_seed
    from analysis.archive.settings import IngestSettings
    from analysis.errors import StudyError
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
    try:
        index = stage.ingest(folder, settings, Pseudonyms(secret), workers, private / "headers.parquet", headers)
    except stage.Refused as refused:
        # Written twice, since Snakemake removes the outputs of a failed step.
        for place in (out, private / "failed"):
            stage.write_losses(refused.files, refused.counts, place, private if place == out else place)
        raise StudyError(f"{refused} Each file's reason: {private / 'failed' / 'rejected.csv'}.") from refused
    stage.write(index, out, private)
    for kind, code, n in index.counts.itertuples(index=False):
        click.echo(f"{n:>8} {kind}{f': {code}' if isinstance(code, str) else ''}")


@click.command("make-archive")
@click.argument("source")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the source's own settings.")
@shared("--seed")
@shared("--workers")
@out("Folder for the archive.")
def make_archive(*, source: str, settings_file: Path, seed: int, workers: int, out: Path) -> None:
    """Make, or fetch and convert, an archive: SOURCE is a module of analysis/archive/sources/."""
    from analysis.archive.sources import find_sources
    from analysis.settings import load

    made = {name: found for name, found in find_sources().items() if found.make}
    if source not in made:
        raise click.UsageError(f"SOURCE is '{source}'; known are {', '.join(made)}.")
    chosen = made[source]
    assert chosen.make and chosen.settings
    click.echo(chosen.make(load(chosen.settings, settings_file), seed, out, workers))


@click.command("fetch")
@click.option(
    "--pacs", required=True, type=FILE, help="YAML that says where the PACS is and how one logs in (docs/pacs.md)."
)
@section_file("archive.pacs", "--settings", "settings_file")
@out("Folder for dicom/, reports.csv, manifest.csv and failed.csv; what is there already is not fetched again.")
def fetch(pacs: Path, settings_file: Path, out: Path) -> None:
    """Fetch radiographs and reports from a PACS; continues where an earlier call stopped."""
    from analysis.archive.pacs import fetch as stage
    from analysis.archive.pacs.node import load_node
    from analysis.archive.pacs.settings import PacsSettings
    from analysis.settings import load

    click.echo(stage.fetch(load_node(pacs), load(PacsSettings, settings_file), out))


@click.command("push")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option(
    "--pacs", required=True, type=FILE, help="YAML that says where the PACS is and how one logs in (docs/pacs.md)."
)
def push(files: tuple[Path, ...], pacs: Path) -> None:
    """Send DICOM FILES, such as structured reports of the network's grades, to a PACS."""
    from analysis.archive.pacs.node import load_node
    from analysis.archive.pacs.push import push as stage

    click.echo(stage(load_node(pacs), files))


COMMANDS: list[click.Command] = [make_archive, read_headers, ingest, fetch, push]
