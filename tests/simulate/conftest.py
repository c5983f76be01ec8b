"""A small simulated archive, made once; its pictures are as small as they may be."""

from pathlib import Path

import pytest

from analysis.simulate.archive import simulate
from analysis.simulate.settings import FileSettings, RadiographySettings, SimulateSettings

SETTINGS = SimulateSettings(
    training=130,
    validation=30,
    test=80,
    radiography=RadiographySettings(image_size=(128, 160)),
    files=FileSettings(strays=0.02),
)
SEED = 2021


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's folder."""
    folder = tmp_path_factory.mktemp("simulated") / "archive"
    assert simulate(SETTINGS, SEED, 2, folder) == sum(path.is_file() for path in (folder / "dicom").rglob("*"))
    return folder
