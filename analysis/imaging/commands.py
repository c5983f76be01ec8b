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


COMMANDS: list[click.Command] = [prepare]
