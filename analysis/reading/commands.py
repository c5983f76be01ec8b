"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from analysis.options import FILE, NEW_FILE, NEW_FOLDER, Command, out, shared
from analysis.settings import CONFIG

if TYPE_CHECKING:
    from analysis.reading.exams.places import Places

_COHORT = click.option(
    "--cohort", type=NEW_FOLDER, help="The study's folder, results/<cohort>; else the archive's own."
)
_STORE = click.option(
    "--store", type=NEW_FILE, help="The database of the readings; else in the private folder of the cohort."
)
#: Where a room and its export find their tables; what is not given is the cohort's.
_TABLES = (
    shared("--archive"),
    shared("--grading"),
    _COHORT,
    _STORE,
    shared("--images-index", "images", default=None),
    shared("--private", default=None),
    shared("--config", default=None),
)


def _options(command: Command) -> Command:
    for option in reversed(_TABLES):
        command = option(command)
    return command


def _places(archive: Path | None, grading: Path | None, cohort: Path | None, **given: Path | None) -> Places:
    """Return where things are: as given, else in the cohort."""
    from dataclasses import replace

    from analysis.reading.exams.places import find_places

    if archive is None or grading is None:
        raise click.UsageError("Say with --archive and --grading what is read, or give the --store.")
    named = {name: path for name, path in given.items() if path is not None}
    return replace(find_places(archive, grading, cohort), **named)


@click.command()
@_options
@shared("--exams", default=None)
@click.option("--queue", "queues", multiple=True, type=FILE, help="Show only the exams of this queue.csv; repeatable.")
@click.option("--practice", type=FILE, help="Exams for practice with the right answers: exam, item, value.")
def read(
    *, archive: Path, grading: Path, cohort: Path | None, store: Path | None, images: Path | None,
    private: Path | None, config: Path | None, exams: Path | None, queues: tuple[Path, ...],
    practice: Path | None,
) -> None:  # fmt: skip
    """Open the reading room: readers grade in a browser. An archive that was never indexed is indexed first."""
    from analysis.reading.apart import apart
    from analysis.reading.exams.index import load_queue
    from analysis.reading.exams.places import find_exams
    from analysis.reading.order.practice import load_practice
    from analysis.reading.readings.form import make_form
    from analysis.reading.settings import room_settings

    places = _places(archive, grading, cohort, store=store, images=images, private=private, exams=exams)
    settings = room_settings(config or CONFIG)
    form = make_form(places.grading, settings.ask)
    found = apart(find_exams, archive, places)
    answers, extra = apart(load_practice, practice, places, archive, form) if practice else ({}, {})

    # What serves comes after what loads: both at once would be the most memory that the room ever takes.
    from analysis.reading.exams.reports import Reports
    from analysis.reading.pages.serve import serve
    from analysis.reading.readings.check import check_store
    from analysis.reading.room import Room
    from analysis.reading.store import Store

    found = {exam: its for exam, its in found.items() if exam not in answers} | extra
    kept, asked = Store(places.store), load_queue(queues, found)
    check_store(kept, form, found, places.store)
    serve(Room(kept, found, form, settings, asked, Reports(archive, places.private), answers))


@click.command("read-token")
@shared("--archive", default=None)
@shared("--grading", default=None)
@_COHORT
@_STORE
@click.option("--name", required=True, help="The reader, as in readings.csv.")
@click.option(
    "--role", type=click.Choice(["reader", "senior", "consensus", "coordinator"]), help="What the reader may do."
)
@click.option("--revoke", is_flag=True, help="Shut this reader out; the readings stay.")
def read_token(
    *, archive: Path | None, grading: Path | None, cohort: Path | None, store: Path | None, name: str, role: str | None,
    revoke: bool,
) -> None:  # fmt: skip
    """Make a token for a reader; it is shown once and kept only as a hash."""
    from analysis.errors import StudyError
    from analysis.reading import access
    from analysis.reading.store import Store

    kept = Store(store or _places(archive, grading, cohort).store)
    if revoke:
        access.revoke(kept, name)
    elif role is None:
        raise StudyError(f"Say with --role what '{name}' may do: reader, senior, consensus or coordinator.")
    else:
        click.echo(access.make_token(kept, name, role))  # type: ignore[arg-type]


@click.command("read-export")
@_options
@click.option("--queue", "queues", multiple=True, type=FILE, help="Write only the exams of this queue.csv; repeatable.")
@out("A private folder for readings.csv and what goes with it.")
def read_export(
    *, archive: Path, grading: Path, cohort: Path | None, store: Path | None, images: Path | None,
    private: Path | None, config: Path | None, queues: tuple[Path, ...], out: Path,
) -> None:  # fmt: skip
    """Write the readings as the archive's readings.csv, which the study takes as any other."""
    from analysis.errors import StudyError
    from analysis.reading.exams.index import load_exams, load_queue
    from analysis.reading.exams.places import index_archive
    from analysis.reading.readings.check import check_store
    from analysis.reading.readings.export import export
    from analysis.reading.readings.form import make_form
    from analysis.reading.settings import room_settings
    from analysis.reading.store import Store

    places = _places(archive, grading, cohort, store=store, images=images, private=private)
    if not places.store.is_file():
        raise StudyError(f"The store {places.store} does not exist; name the one that was read with.")
    settings = room_settings(config or CONFIG)
    form = make_form(places.grading, settings.ask)
    index_archive(archive, places)
    found = load_exams(places.images, places.private, archive, None)
    asked = load_queue(queues, found)
    kept = Store(places.store)
    check_store(kept, form, found, places.store)
    click.echo(export(kept, found, places.private, form=form, queues=settings.queues, out=out, asked=asked))


COMMANDS: list[click.Command] = [read, read_token, read_export]
