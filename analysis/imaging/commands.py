"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--archive", required=True, type=FOLDER, help="The archive that was indexed.")
@click.option("--images", "images_file", required=True, type=FILE, help="images.parquet of ingest.")
@click.option("--private", "private_file", required=True, type=FILE, help="The private index.parquet of ingest.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the section 'images'.")
@click.option("--shard", required=True, type=int, help="Which part, counted from 0.")
@click.option("--shards", required=True, type=int, help="Of how many.")
@click.option("--out", required=True, type=FOLDER, help="Folder for pixels, rows and unreadable images of the shard.")
def prepare(
    archive: Path, images_file: Path, private_file: Path, settings_file: Path, shard: int, shards: int, out: Path
) -> None:
    """Decode, window, crop, reduce and pad the images of one shard."""
    from analysis.files import read_table
    from analysis.imaging import prepare as stage
    from analysis.imaging.settings import ImagesSettings
    from analysis.schemas import IMAGES
    from analysis.settings import load

    good, unreadable = stage.prepare(
        archive,
        read_table(images_file, IMAGES),
        read_table(private_file, columns=["image", "path"]),
        load(ImagesSettings, settings_file),
        out,
        shard=shard,
        shards=shards,
    )
    click.echo(f"Prepared {good} images of shard {shard}; {unreadable} could not be read.")


@click.command("bench-archive")
@click.option("--archive", required=True, type=FOLDER, help="Archive whose files are read.")
@click.option("--ingest", "ingest_file", type=FILE, help="The section 'ingest'; else that of config.yaml.")
@click.option("--images", "images_file", type=FILE, help="The section 'images'; else that of config.yaml.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes, of both.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="The best of so many counts.")
@click.option(
    "--memory", multiple=True, type=click.IntRange(50), help="Instead: peak memory on so many files; more than once."
)
def bench_archive(
    archive: Path,
    ingest_file: Path | None,
    images_file: Path | None,
    workers: int,
    repeats: int,
    memory: tuple[int, ...],
) -> None:
    """Time ingest and prepare against a bare loop that decodes, windows, crops, reduces and pads the same files."""
    from analysis.archive.settings import IngestSettings
    from analysis.imaging import bench
    from analysis.imaging.settings import ImagesSettings
    from analysis.settings import section

    ingest, images = section(IngestSettings, "ingest", ingest_file), section(ImagesSettings, "images", images_file)
    for files in memory:
        found = bench.memory(archive, ingest, images, workers=workers, files=files)
        click.echo(f"{files:>8} files: peak {found['ingest']:.0f} MB in ingest, {found['prepare']:.0f} MB in prepare")
    if not memory:
        found = bench.rate(archive, ingest, images, workers=workers, repeats=repeats)
        click.echo(
            "{files} files, {workers} processes each way, best of {repeats}\n"
            "bare loop  {bare:7.2f} s  {decoded} decoded\n"
            "ingest     {ingest:7.2f} s\nprepare    {prepare:7.2f} s  {prepared} prepared\n"
            "images a second, ingest and prepare together / bare loop: {ratio:.2f}".format(
                **found, workers=workers, repeats=repeats
            )
        )


COMMANDS: list[click.Command] = [prepare, bench_archive]
