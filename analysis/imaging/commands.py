"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import NEW_FILE, out, section_file, shared
from analysis.plurals import plural


@click.command()
@shared("--archive")
@shared("--images-index", "images_file")
@shared("--private", "private_file")
@section_file("images", "--settings", "settings_file")
@click.option("--shard", required=True, type=int, help="Which part, counted from 0.")
@click.option("--shards", required=True, type=int, help="Of how many.")
@out("Folder for pixels, rows and unreadable images of the shard.")
def prepare(
    *, archive: Path, images_file: Path, private_file: Path, settings_file: Path, shard: int, shards: int, out: Path
) -> None:
    """Decode, window, crop, reduce and pad the images of one shard."""
    from analysis.archive.dicom.corrections import count_corrections
    from analysis.files import read_table
    from analysis.imaging import prepare as stage
    from analysis.imaging.settings import ImagesSettings
    from analysis.schemas import IMAGES, PREPARED, PRIVATE
    from analysis.settings import load

    good, unreadable = stage.prepare(
        archive,
        read_table(images_file, IMAGES),
        read_table(private_file, PRIVATE, columns=["image", "path", "pixel_hash"]),
        load(ImagesSettings, settings_file),
        out,
        shard=shard,
        shards=shards,
    )
    noted = read_table(out / f"rows-{shard}.parquet", PREPARED)["corrected"].dropna()
    told = "".join(f", {code} {n}" for code, n in count_corrections(noted))
    click.echo(f"Prepared {plural(good, 'image')} of shard {shard}; {unreadable} could not be read{told}.")


@click.command("film-sheet")
@shared("--archive")
@shared("--images-index", "images_file")
@shared("--private", "private_file")
@click.option("--films", default=20, show_default=True, type=click.IntRange(0), help="Films to draw at random.")
@shared("--seed")
@out("The picture, PNG. It shows people's radiographs: keep it private.", NEW_FILE)
def film_sheet(*, archive: Path, images_file: Path, private_file: Path, films: int, seed: int, out: Path) -> None:
    """Show films of both knees with their cuts, to be looked at: some at random, and all that are doubtful."""
    from analysis.files import read_table
    from analysis.imaging.sheet import draw_sheet
    from analysis.schemas import IMAGES, PRIVATE

    told = draw_sheet(archive, read_table(images_file, IMAGES), read_table(private_file, PRIVATE), films, seed, out)
    click.echo(told)


COMMANDS: list[click.Command] = [prepare, film_sheet]
