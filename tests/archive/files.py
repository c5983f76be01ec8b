"""Real DICOM files for the tests: written here, or those that come with pydicom."""

from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

ODD = (
    Path(data_store.__file__).parent,
    Path(pydicom.__file__).parent / "data" / "test_files",
    Path(pydicom.__file__).parent / "data" / "charset_files",
)
#: A sample of the public radiographs beside the repository, where there is one.
_BESIDE = [folder / "shared" / "knees" / "kneeKL224" for folder in Path(__file__).resolve().parents[3:5]]
SHARED = next((folder for folder in _BESIDE if folder.is_dir()), _BESIDE[0])


def odd_files() -> list[Path]:
    """Every file of pydicom's own collection and of pydicom-data."""
    return sorted(path for folder in ODD for path in folder.rglob("*") if path.is_file())


def radiograph(rng: np.random.Generator, shape: tuple[int, int] = (80, 70), **tags: Any) -> Dataset:
    """A data set with a bright disc on black; tags by keyword, None removes one."""
    rows, columns = shape
    y, x = np.ogrid[:rows, :columns]
    disc = (y - rows / 2) ** 2 + (x - columns / 2) ** 2 < (min(shape) * 0.4) ** 2
    pixels = np.where(disc, 2000, 0) + rng.integers(0, 50, shape)
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID = generate_uid()
    ds.SeriesInstanceUID = generate_uid()
    ds.PatientID = "19121212-1212"
    ds.PatientName = "Tolvansson^Tolvan"
    ds.PatientBirthDate = "19121212"
    ds.PatientSex = "M"
    ds.AccessionNumber = "ACC0000001"
    ds.StudyDate = "20100301"
    ds.Modality = "DX"
    ds.StudyDescription = "Knä belastad"
    ds.SeriesDescription = "Frontal höger"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.BodyPartExamined = "KNEE"
    ds.Rows, ds.Columns = shape
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    for keyword, value in tags.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    if "PixelData" not in ds:
        ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def save(ds: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
