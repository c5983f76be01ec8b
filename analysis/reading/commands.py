"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--images", "images_file", required=True, type=FILE, help="The index's images.parquet.")
@click.option("--private", "private_file", required=True, type=FILE, help="The private index.parquet of ingest.")
@click.option("--archive", required=True, type=FOLDER, help="The archive that was ingested.")
@click.option("--exams", "exams_file", type=FILE, help="The selection's exams.parquet; without it all exams are read.")
@click.option("--queue", "queues", multiple=True, type=FILE, help="Show only the exams of this queue.csv; repeatable.")
@click.option("--grading", required=True, type=FILE, help="The grading scheme that makes the form.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="The section 'reading' of the config.")
@click.option("--store", "store_file", required=True, type=FILE, help="The database of the readings; private.")
def read(
    *, images_file: Path, private_file: Path, archive: Path, exams_file: Path | None,
    queues: tuple[Path, ...], grading: Path, settings_file: Path, store_file: Path,
) -> None:  # fmt: skip
    """Open the reading room: readers grade in a browser."""
    from analysis.reading.form import make_form
    from analysis.reading.index import load_exams, load_queue
    from analysis.reading.room import Room
    from analysis.reading.serve import serve
    from analysis.reading.settings import ReadingSettings
    from analysis.reading.store import Store
    from analysis.settings import load

    settings = load(ReadingSettings, settings_file)
    form = make_form(grading, settings.ask)
    exams = load_exams(images_file, private_file, archive, exams_file)
    serve(Room(Store(store_file), exams, form, settings, load_queue(queues, exams)))


@click.command("read-token")
@click.option("--store", "store_file", required=True, type=FILE, help="The database of the readings; private.")
@click.option("--name", required=True, help="The reader, as in readings.csv.")
@click.option("--role", type=click.Choice(["reader", "senior", "consensus"]), help="What the reader may do.")
@click.option("--revoke", is_flag=True, help="Shut this reader out; the readings stay.")
def read_token(store_file: Path, name: str, role: str | None, revoke: bool) -> None:
    """Make a token for a reader; it is shown once and kept only as a hash."""
    from analysis.errors import StudyError
    from analysis.reading import access
    from analysis.reading.store import Store

    store = Store(store_file)
    if revoke:
        access.revoke(store, name)
    elif role is None:
        raise StudyError(f"Say with --role what '{name}' may do: reader, senior or consensus.")
    else:
        click.echo(access.make_token(store, name, role))  # type: ignore[arg-type]


@click.command("read-export")
@click.option("--store", "store_file", required=True, type=FILE, help="The database of the readings; private.")
@click.option("--images", "images_file", required=True, type=FILE, help="The index's images.parquet.")
@click.option("--private", "private_file", required=True, type=FILE, help="The private index.parquet of ingest.")
@click.option("--queue", "queues", multiple=True, type=FILE, help="Write only the exams of this queue.csv; repeatable.")
@click.option("--grading", required=True, type=FILE, help="The grading scheme that was read by.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="The section 'reading' of the config.")
@click.option("--out", required=True, type=FOLDER, help="A private folder for readings.csv and what goes with it.")
def read_export(
    *, store_file: Path, images_file: Path, private_file: Path, queues: tuple[Path, ...], grading: Path,
    settings_file: Path, out: Path,
) -> None:  # fmt: skip
    """Write the readings as the archive's readings.csv, which the study takes as any other."""
    from analysis.errors import StudyError
    from analysis.reading.export import export
    from analysis.reading.form import make_form
    from analysis.reading.index import load_exams, load_queue
    from analysis.reading.settings import ReadingSettings
    from analysis.reading.store import Store
    from analysis.settings import load

    if not store_file.is_file():
        raise StudyError(f"The store {store_file} does not exist; name the one that was read with.")
    settings = load(ReadingSettings, settings_file)
    form = make_form(grading, settings.ask)
    exams = load_exams(images_file, private_file, Path(), None)
    asked = load_queue(queues, exams)
    click.echo(export(Store(store_file), exams, private_file, form=form, queues=settings.queues, out=out, asked=asked))


COMMANDS: list[click.Command] = [read, read_token, read_export]
