"""The public radiographs of Chen 2018 (doi:10.17632/56rmx5bjcr.1) in the form of an archive."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from analysis.archive.facts import CohortSettings
from analysis.archive.sources import Source
from analysis.errors import StudyError
from analysis.plurals import plural
from analysis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_NAME = re.compile(r"^(\d{7})([LR])\.png$", re.IGNORECASE)
_DIGITAL_X_RAY = "1.2.840.10008.5.1.4.1.1.1.1"


class KneeKL224Settings(Settings):
    """Where the public radiographs of Chen 2018 come from."""

    expert = ("doi", "file", "sha256", "sets")

    folder: str | None = Field(None, description="Unpacked kneeKL224 folder; null fetches the archive from its DOI.")
    doi: str = Field("10.17632/56rmx5bjcr.1", description="DOI with version, asked for where no folder is given.")
    file: str = Field("KneeXrayData.zip", description="Name of the file of the data set that holds the images.")
    sha256: str | None = Field(
        None, description="Expected checksum of that file, hexadecimal; null trusts the one that the DOI's API states."
    )
    sets: dict[str, Literal["training", "validation", "test"]] = Field(
        {"train": "training", "val": "validation", "test": "test"},
        description="Published folder to set; `auto_test` is a different crop and is left out.",
    )


def find(folder: Path, sets: Mapping[str, str]) -> pd.DataFrame:
    """List the images of the published folders.

    Parameters
    ----------
    folder : Path
        Holds `train/<grade>/<patient><L|R>.png`, `val/…`, `test/…`.
    sets : mapping of str to str
        Published folder to set.

    Returns
    -------
    pandas.DataFrame
        One row per image, sorted: path, patient, side (L or R), grade, set, exam (patient and side).

    Raises
    ------
    StudyError
        If a published folder is missing, a file is called otherwise, or a knee occurs twice.
    """
    import pandas as pd

    rows = []
    for published, name in sets.items():
        if not (folder / published).is_dir():
            raise StudyError(f"The folder {folder} has no '{published}' in it; give the unpacked folder kneeKL224.")
        for path in sorted((folder / published).glob("*/*")):
            named = _NAME.match(path.name)
            if not named or not re.fullmatch(r"[0-4]", path.parent.name):
                raise StudyError(f"{path} isn't called <grade>/<7 digits><L or R>.png; remove it or correct its name.")
            rows.append((path, named[1], named[2].upper(), int(path.parent.name), name, named[1] + named[2].upper()))
    found = pd.DataFrame(rows, columns=["path", "patient", "side", "grade", "set", "exam"])
    twice = found[found["exam"].duplicated()]
    if len(twice):
        raise StudyError(f"The knee {twice['exam'].iloc[0]} occurs twice in {folder}; remove one of its images.")
    if found.empty:
        raise StudyError(f"The folder {folder} holds no images; give the unpacked folder kneeKL224.")
    return found.sort_values("exam", ignore_index=True)


def to_dicom(row: Mapping[str, object], out: Path) -> None:
    """Write one image as a DICOM file with what its name tells, and nothing made up.

    Raises
    ------
    StudyError
        If the image can't be read.
    """
    import cv2
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    from analysis.archive.knees.negative import is_negative
    from analysis.files import atomic

    image = cv2.imread(str(row["path"]), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise StudyError(f"The image {row['path']} can't be read; unpack the archive again.")
    exam = str(row["exam"])
    dataset = Dataset()
    dataset.SOPClassUID = _DIGITAL_X_RAY
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["kneeKL224", "image", exam])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["kneeKL224", "study", exam])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["kneeKL224", "series", exam])
    dataset.Modality = "DX"
    dataset.ConversionType = "WSD"
    dataset.PatientID = str(row["patient"])
    dataset.AccessionNumber = exam
    dataset.StudyDescription = "Knee, weight-bearing"
    dataset.SeriesDescription = "Fixed flexion PA"
    dataset.BodyPartExamined = "KNEE"
    dataset.ViewPosition = "PA"
    dataset.ImageLaterality = str(row["side"])
    dataset.SamplesPerPixel = 1
    # About 110 of the 8,260 images are negatives, and none is marked as such. A negative's pixel values say less for more
    # radiation, which is what MONOCHROME1 is for.
    dataset.PhotometricInterpretation = "MONOCHROME1" if is_negative(np.asarray(image, np.uint8)) else "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    # The whole range, or a viewer (and this study) would spread what is there once more.
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    dataset.PixelData = image.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with atomic(out / f"{exam[:2]}" / f"{exam}.dcm") as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def import_images(folder: Path, sets: Mapping[str, str], out: Path, workers: int = 1) -> pd.DataFrame:
    """Turn the published folder into an archive: dicom/, readings.csv, sets.csv and an empty reports.csv.

    The published grade becomes a reading of the item `kl` by the reader "OAI". `auto_test` is left out.

    Parameters
    ----------
    folder : Path
    sets : mapping of str to str
        Published folder to set.
    out : Path
    workers : int
        Processes.

    Returns
    -------
    pandas.DataFrame
        As of `find`.
    """
    import pandas as pd

    from analysis.archive.tables import READINGS, REPORTS
    from analysis.files import write_table
    from analysis.workers.context import clean_context

    found = find(folder, sets)
    with ProcessPoolExecutor(workers, clean_context(__name__, "cv2", "pydicom")) as pool:
        for _ in pool.map(partial(to_dicom, out=out / "dicom"), found.to_dict("records"), chunksize=32):
            pass
    readings = found.assign(reader="OAI", role="reader", session=found["set"], item="kl", value=found["grade"])
    write_table(readings.assign(revisit=0, time="")[list(READINGS)], out / "readings.csv")
    write_table(found[["patient", "set"]].drop_duplicates(), out / "sets.csv")
    write_table(pd.DataFrame(columns=list(REPORTS)), out / "reports.csv")
    return found


def make(settings: KneeKL224Settings, seed: int, out: Path, workers: int) -> str:
    """Bring the radiographs into the form of an archive; nothing is drawn at random."""
    from analysis.archive.releases.mendeley import fetch

    if settings.folder:
        folder = Path(settings.folder)
    else:
        first = next(iter(settings.sets))
        folder = fetch(settings.doi, settings.file, settings.sha256, first, out / "fetched")
    found = import_images(folder, settings.sets, out, workers)
    return f"Imported {plural(len(found), 'radiograph')} of {plural(found['patient'].nunique(), 'patient')}."


SOURCE = Source(
    title="the public radiographs of Chen 2018",
    # The people are real, but what is published doesn't say who they are: a picture, a side and the number that the
    # Osteoarthritis Initiative gave a participant, whose list of names it keeps to itself. No name, date or place is in
    # the files. Anybody can fetch them, so that a secret key would hide nothing.
    personal_data=False,
    settings=KneeKL224Settings,
    make=make,
    sets=True,
    cohort=CohortSettings(
        title="public knee radiographs of the Osteoarthritis Initiative",
        kind="public",
        description="The radiographs are public: single knees, cut from fixed-flexion weight-bearing radiographs of the "
        "Osteoarthritis Initiative at baseline, with the grades that came with them and in the split that was published "
        "with them.",
        single_knees=True,
        implants=False,
        published_grades=True,
        data_set="the Knee Osteoarthritis Severity Grading Dataset",
        citation="chen2018",
        origin="the Osteoarthritis Initiative, a cohort of people with or at risk of the disease",
        origin_citation="eckstein2014",
        availability="The radiographs are public under the licence CC BY 4.0 and are fetched from their DOI by the "
        "workflow.",
        ethics="Only published, de-identified images were used, so that no ethical approval was sought for this use of them.",
        blinding="The grades are older than this network, so that its output was not known to those who made them.",
    ),
)
