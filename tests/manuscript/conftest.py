"""The manuscript of the report's studies."""

import shutil
from pathlib import Path

import pytest

from analysis.manuscript.render import render
from analysis.report.settings import ReportSettings
from tests.report import conftest as report
from tests.report.conftest import SOURCE

kl, made = report.kl, report.made


@pytest.fixture(scope="session")
def rendered(kl, tmp_path_factory):
    """The manuscript of the Kellgren-Lawrence study in all formats, by pandoc."""
    folder = tmp_path_factory.mktemp("rendered")
    kl.stage(folder / "manuscript")
    paths = render(folder / "manuscript", ReportSettings(), "pandoc")
    return {path.suffix[1:]: path for path in paths}


@pytest.fixture
def source(tmp_path):
    """A copy of the manuscript's source, to be spoiled."""
    return Path(shutil.copytree(SOURCE, tmp_path / "source"))
