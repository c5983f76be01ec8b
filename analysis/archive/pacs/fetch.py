"""The transfer: the studies of a query, one by one and gently, continuing where an earlier run stopped."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from analysis.archive.pacs.query import DeclinedError, LostError, Pacs, Query, Series, Study, once
from analysis.archive.pacs.reports import reports_table
from analysis.archive.pacs.shelf import Shelf
from analysis.errors import StudyError
from analysis.files import write_text
from analysis.plurals import plural
from analysis.tables import read_text_table

if TYPE_CHECKING:
    from analysis.archive.pacs.node import Node
    from analysis.archive.pacs.settings import PacsSettings

Connect = Callable[[], Pacs]


def connect(node: Node, max_bytes: float) -> Pacs:
    """Return a connection to a PACS by the protocol that it speaks."""
    if node.protocol == "dimse":
        from analysis.archive.pacs.dimse import Dimse

        return Dimse(node, max_bytes)
    from analysis.archive.pacs.web import Web

    return Web(node, max_bytes)


def queries(settings: PacsSettings) -> list[Query]:
    """Return the queries at study level: for each accession number, or for each modality.

    Raises
    ------
    StudyError
        If nothing narrows the query, or the list of accession numbers is wrong.
    """
    dates = "-".join(day.replace("-", "") for day in settings.dates or ())
    description = settings.study_description or ""
    if settings.accessions:
        listed = _accessions(Path(settings.accessions))
        return [Query(accession=one, date=dates, description=description) for one in listed]
    if not settings.dates:
        raise StudyError("archive.pacs asks for everything that the PACS has; give 'accessions' or 'dates'.")
    return [Query(modality=one, date=dates, description=description) for one in settings.modalities]


def fetch(node: Node, settings: PacsSettings, out: Path, into: Path | None = None) -> str:
    """Fill `out` with dicom/, reports.csv, manifest.csv and failed.csv; go on where an earlier call stopped.

    What an earlier call asked for and this one doesn't stays in `out`, but is neither in reports.csv nor in `into`.

    Parameters
    ----------
    node : Node
    settings : PacsSettings
    out : Path
    into : Path, optional
        A folder for the images alone, as links.

    Returns
    -------
    str
        What was fetched, in a sentence.

    Raises
    ------
    StudyError
        If the connection stays lost, the disk is full, or (with `incomplete: stop`) something could not be fetched.
    """
    asked = queries(settings)
    largest = settings.max_file_mb * 1e6
    with closing(Shelf(out, largest, settings.reserve_mb * 1e6)) as shelf:
        line = _Line(lambda: connect(node, largest), settings)
        try:
            _all_studies(line, asked, settings, shelf)
        except StudyError:
            line.hang_up()
            with suppress(StudyError, OSError):  # a full disk is reported once
                shelf.failures()
            raise
        line.hang_up()
        failures = shelf.failures()
        table, silent = reports_table(shelf)
        write_text(out / "reports.csv", table)
        images, left = [path for path, _ in shelf.files("dicom")], shelf.left()
        told = (
            f"{out} holds {plural(len(images), 'image')}: {plural(shelf.kept, 'file')} came now; sent once more and left out: "
            f"{shelf.again}, refused: {shelf.refused}."
            + (f" Not used: {plural(left, 'file')} of earlier queries." if left else "")
        )
        if silent:
            click.secho(
                f"{plural(silent, 'structured report')} without a radiologist's text that can be read.",
                fg="yellow",
                err=True,
            )
    if failures and settings.incomplete == "stop":
        raise StudyError(
            f"{told} {failures} could not be fetched; see {out / 'failed.csv'}. Run again to try them, or set "
            "archive.pacs.incomplete to go_on."
        )
    if not images:
        raise StudyError(
            f"The PACS sent no image that fits archive.pacs; see {out / 'failed.csv'} and the query's keys."
        )
    if into:
        link(out, images, into)
    return f"{told} {failures} could not be fetched (failed.csv)." if failures else told


class _Line:
    """One connection, opened again when it is lost."""

    def __init__(self, open_one: Connect, settings: PacsSettings) -> None:
        self._open, self._settings = open_one, settings
        self._pacs: Pacs | None = None

    def hang_up(self) -> None:
        if self._pacs:
            self._pacs.close()
        self._pacs = None

    def attempt(self, what: Callable[[Pacs], None]) -> None:
        """Call a method of the connection, again on a new one where it was lost."""
        for left in reversed(range(self._settings.tries)):
            try:
                if self._pacs is None:
                    self._pacs = self._open()
                return what(self._pacs)
            except LostError as error:
                self.hang_up()
                if not left:
                    raise StudyError(f"{error}; run again later: it goes on where it stopped.") from error
                time.sleep(max(1.0, self._settings.pause))
        return None


def _all_studies(line: _Line, asked: list[Query], settings: PacsSettings, shelf: Shelf) -> None:
    studies: list[Study] = []

    def look(pacs: Pacs) -> None:
        found = (study for query in asked for study in _found(pacs, query, shelf))
        studies[:] = once(found, settings.max_studies, "studies (max_studies)")

    _wait(settings)
    try:
        line.attempt(look)
    except DeclinedError as error:
        raise StudyError(
            f"The PACS lists no studies. {error} Correct the address in the connection's file, or ask the PACS' staff whether we "
            "may query it."
        ) from error
    shelf.forget_others({study.uid for study in studies})
    if settings.accessions:
        missing = {query.accession for query in asked} - {study.accession for study in studies}
        for accession in sorted(missing):
            shelf.fail(f"accession {accession}", f"accession {accession}", accession, "The PACS has no such exam.")
    if not studies:
        raise StudyError("The PACS has no study that fits archive.pacs; check its dates, description and accessions.")
    for study in tqdm(studies, unit="study", disable=not sys.stderr.isatty()):
        _wait(settings)
        shelf.forget_failures(study.uid)
        line.attempt(lambda pacs, study=study: _one_study(pacs, study, settings, shelf))  # type: ignore[misc]
        time.sleep(settings.pause)


def _found(pacs: Pacs, query: Query, shelf: Shelf) -> Iterator[Study]:
    """List the studies of a query; what the PACS lists beside it is not taken."""
    for study in once(pacs.studies(query), sys.maxsize, ""):
        if study.uid and (not query.accession or study.accession == query.accession):
            yield study


def _one_study(pacs: Pacs, study: Study, settings: PacsSettings, shelf: Shelf) -> None:
    """Fetch what is missing of a study; each failure is noted, and leaves the rest alone."""
    wanted = (*settings.modalities, *(["SR"] if settings.reports else []))
    try:
        listed = list(once(pacs.series(study.uid), settings.max_images, "series in one study (max_images)"))
    except DeclinedError as error:
        shelf.listed.add(study.uid)
        return shelf.fail(study.uid, study.uid, study.accession, str(error))
    for series in listed:
        if series.modality not in wanted or not _right_part(series, settings):
            continue
        shelf.listed.add(series.uid)
        try:
            _one_series(pacs, study, series, settings, shelf)
        except DeclinedError as error:
            shelf.fail(series.uid, study.uid, study.accession, str(error))
        if shelf.full:
            raise shelf.full
    return None


def _one_series(pacs: Pacs, study: Study, series: Series, settings: PacsSettings, shelf: Shelf) -> None:
    images = list(once(pacs.images(study.uid, series.uid), settings.max_images + 1, "images in a series (max_images)"))
    if len(images) > settings.max_images:
        raise DeclinedError(f"It has more than {settings.max_images} images (max_images).")
    here = shelf.has(series.uid)
    missing = [one for one in images if one not in here]
    if not missing:
        return
    modalities = tuple(settings.modalities)
    try:
        pacs.retrieve(study.uid, series.uid, missing, not here, lambda data: shelf.keep(data, study.uid, modalities))
    except DeclinedError as error:
        for one in set(missing) - shelf.has(series.uid):
            shelf.fail(one, study.uid, study.accession, str(error))
        return
    refused = shelf.failed(study.uid)
    for one in set(missing) - shelf.has(series.uid) - refused:
        shelf.fail(one, study.uid, study.accession, "It is listed, but the PACS didn't send it.")


def _right_part(series: Series, settings: PacsSettings) -> bool:
    if series.modality == "SR" or not settings.body_parts or not series.body_part:
        return True
    return series.body_part.upper() in {part.upper() for part in settings.body_parts}


def _wait(settings: PacsSettings) -> None:
    """Wait for the hours in which the PACS may be asked."""
    told = False
    while settings.hours and not within(datetime.now().strftime("%H:%M"), settings.hours):
        if not told:
            click.echo(f"Waiting until {settings.hours[0]} (archive.pacs.hours).", err=True)
        told = True
        time.sleep(30)


def within(now: str, hours: tuple[str, str]) -> bool:
    """Return whether a time of the day lies within hours, which may go past midnight."""
    first, last = hours
    return first <= now < last if first <= last else now >= first or now < last


def _accessions(path: Path) -> list[str]:
    table = read_text_table(path, ("accession",))
    listed = sorted({str(one).strip() for one in table["accession"]} - {""})
    strange = [one for one in listed if set(one) & set("*?\\") or len(one) > 16]
    if strange:
        raise StudyError(f"{path}: '{strange[0]}' can't be an accession number (at most 16 characters, no * ? \\).")
    if not listed:
        raise StudyError(f"{path} lists no accession number; give one a row below the heading 'accession'.")
    return listed


def link(shelf: Path, images: list[Path], out: Path) -> None:
    """Put images of a shelf into the folder `out` once more, without taking space where the disk can link."""
    for path in (shelf / image for image in images):
        target = out / path.relative_to(shelf / "dicom")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            target.hardlink_to(path)
        except OSError:
            shutil.copyfile(path, target)
