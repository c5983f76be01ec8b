"""An archive that is fetched from a hospital's PACS."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.archive.pacs.settings import PacsSettings
from analysis.archive.sources import Source
from analysis.archive.sources.folder import SOURCE as FOLDER
from analysis.errors import StudyError


def make(settings: PacsSettings, seed: int, out: Path, workers: int) -> str:
    """Fetch the archive over one connection, whatever the number of workers; nothing is drawn at random.

    What was fetched stays in `out`/fetched, where Snakemake, which empties what it makes anew, leaves it alone.

    Raises
    ------
    StudyError
        If the settings name no connection, or readings that can't be read.
    """
    from analysis.archive.pacs.fetch import fetch
    from analysis.archive.pacs.node import load_node
    from analysis.archive.tables import READINGS
    from analysis.files import write_text

    if not settings.connection:
        raise StudyError("archive.pacs needs the key 'connection': the file that says where the PACS is.")
    told = fetch(load_node(settings.connection), settings, out / "fetched", out / "dicom")
    shutil.copyfile(out / "fetched" / "reports.csv", out / "reports.csv")
    if settings.readings:
        try:
            shutil.copyfile(settings.readings, out / "readings.csv")
        except OSError as error:
            raise StudyError(
                f"archive.pacs.readings: {settings.readings} can't be read ({error.strerror}); correct the path."
            ) from error
    else:
        write_text(out / "readings.csv", ",".join(READINGS) + "\n")
    return told


SOURCE = Source(
    title="fetched from a hospital's PACS, by DIMSE or DICOMweb",
    personal_data=True,
    settings=PacsSettings,
    make=make,
    # A hospital's archive, handed over by other means.
    cohort=FOLDER.cohort.model_copy(
        update={
            "description": "The radiographs and the radiologists' reports were fetched from the hospital's picture archive."
        }
    ),
)
