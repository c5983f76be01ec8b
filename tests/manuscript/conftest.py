"""The manuscript of the studies of tests/presentation."""

import shutil
from pathlib import Path

import pytest

from analysis.manuscript.render import render
from analysis.presentation.settings import ManuscriptSettings
from tests.presentation import conftest as studies
from tests.presentation.conftest import SOURCE, Made

kl, made, checked_once = studies.kl, studies.made, studies.checked_once


@pytest.fixture(scope="session")
def rendered(kl: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The manuscript of the Kellgren-Lawrence study in all formats, by pandoc."""
    folder = tmp_path_factory.mktemp("rendered")
    kl.stage(folder / "manuscript")
    paths = render(folder / "manuscript", ManuscriptSettings(), "pandoc")
    return {path.suffix[1:]: path for path in paths}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the manuscript's source, to be spoiled."""
    return Path(shutil.copytree(SOURCE, tmp_path / "source"))
