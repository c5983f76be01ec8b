"""The smoke study, run once by real Snakemake in a copy of what is committed or about to be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow import started

ROOT = Path(__file__).parents[2]
SMOKE = "workflow/studies/smoke.yaml"


class Clone:
    """A copy of the repository in which Snakemake runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)

    def copy(self, folder: Path) -> "Clone":
        """A twin to do harm to."""
        shutil.copytree(self.folder, folder, symlinks=True)
        twin = Clone.__new__(Clone)
        twin.folder = folder
        return twin

    def command(
        self, *arguments: str, study: str = SMOKE, more: tuple[str, ...] = ()
    ) -> tuple[list[str], dict[str, str]]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(ROOT / ".cache"), "CI": "true"}
        # The arguments stand first: --configfile would take a target after it for one more file.
        return ["snakemake", *arguments, "--cores", "2", "--configfile", study, *more], environment

    def snakemake(
        self, *arguments: str, study: str = SMOKE, more: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run it with the overlay of a study, and `more` overlays upon that one."""
        command, environment = self.command(*arguments, study=study, more=more)
        return started.run(command, self.folder, environment)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke(clone: Clone) -> Clone:
    """The folder of the finished smoke study."""
    done = clone.snakemake()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return clone
