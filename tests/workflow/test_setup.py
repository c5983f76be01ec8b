"""Set-up and Quarto: installed where its download can be reached, one line and pandoc where it can't."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

LINE = "Quarto 1.7.34 can't be fetched from here, so pandoc renders the manuscript."


class House:
    """A folder in which all but Quarto is set up, with stand-ins for R, and for pip, which notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree("envs", folder / "envs")
        self.bin = folder / ".venv/bin"
        self.bin.mkdir(parents=True)
        shutil.copy(folder / "envs/requirements.lock", folder / ".venv/.ready")
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("R", "Rscript"):
            self.script(self.programs / name, "exit 0")
        for name in ("bash", "dirname", "grep", "tr", "cmp", "rm", "cat", "sh", "dpkg-query", "id", "chmod"):
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)
        self.script(self.bin / "pip", f'echo "$@" >> {folder}/asked; {self.installs}')

    installs = "printf '#!/bin/sh\\n' > .venv/bin/quarto; chmod +x .venv/bin/quarto"

    def script(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def set_up(self, **environment: str) -> str:
        environment = {"PATH": str(self.programs), **environment}
        run = subprocess.run(
            [self.folder / "envs/setup.sh"], env=environment, capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        assert run.stderr == ""
        return run.stdout

    @property
    def asked(self) -> str:
        path = self.folder / "asked"
        return path.read_text() if path.is_file() else ""


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_quarto_is_installed_once_where_it_can_be_reached(house):
    house.script(house.bin / "python", "exit 0")
    assert house.set_up() == "Installing Quarto 1.7.34 (once)\n"
    assert "--no-deps quarto-cli==1.7.34" in house.asked
    assert house.set_up() == ""
    assert house.asked.count("quarto-cli") == 1


def test_a_quarto_of_the_machine_is_enough(house):
    house.script(house.programs / "quarto", "exit 0")
    house.script(house.bin / "python", "exit 0")
    assert house.set_up() == ""
    assert house.asked == ""


def test_an_installation_that_fails_is_told_in_a_line(house):
    house.script(house.bin / "python", "exit 0")
    house.script(house.bin / "pip", "echo 'a long tale' >&2; exit 1")
    assert house.set_up().endswith(LINE + "\n")


def test_without_the_network_it_says_so_at_once_and_goes_on(house):
    (house.bin / "python").symlink_to(sys.executable)
    started = time.monotonic()
    # Nothing listens at this port, as where a proxy is gone.
    assert house.set_up(https_proxy="http://127.0.0.1:9") == LINE + "\n"
    assert time.monotonic() - started < 5
    assert house.asked == ""


def test_a_network_that_swallows_everything_costs_less_than_five_seconds(house):
    (house.bin / "python").symlink_to(sys.executable)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert house.set_up(https_proxy=proxy) == LINE + "\n"
        assert time.monotonic() - started < 5


def test_an_environment_that_is_linked_is_never_cleared(house):
    there = (house.folder / ".venv").rename(house.folder / "theirs")
    (there / ".ready").write_text("another lock")
    (house.folder / ".venv").symlink_to(there)
    house.script(house.programs / "python3", f'echo "python3 $@" >> {house.folder}/asked')
    run = subprocess.run(
        [house.folder / "envs/setup.sh"], env={"PATH": str(house.programs)}, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1 and run.stderr.endswith("remove the link.\n")
    assert "venv" not in house.asked and (there / ".ready").read_text() == "another lock"
