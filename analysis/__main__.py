"""The stages as commands: `python -m analysis STAGE --help`.

Each subject lists its commands in `commands.py`; those modules import nothing
heavy, so a command pays only for what it uses.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

from analysis.errors import StudyError
from analysis.files import READ, WRITTEN

SUBJECTS = (
    *("simulate", "archive", "cohort", "imaging", "grading", "network", "statistics"),
    *(
        "presentation",
        "checks",
        "manuscript",
        "provenance",
        "reading",
        "active_learning",
        "learning_curve",
        "benchmarks",
        "release",
    ),
    *("inference", "study"),
)

# BLAS, OpenCV, numba and torch each start a pool of their own; a stage's `--workers`
# says how many processes or threads there are, and the libraries keep to one unless
# the stage asks for more. This has to be said before the first of them is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


class _Tee(io.TextIOBase):
    """The terminal and a log file, which keeps what stayed on the screen, line by line.

    What can't be written to the log, as on a full disk, still is on the terminal; the stage fails for it as it ends.
    """

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self._terminal, self._log = terminal, log
        self._line = ""

    def write(self, text: str) -> int:
        self._terminal.write(text)
        *lines, self._line = (self._line + text).split("\n")
        # A progress bar writes over its line; the log keeps the last state.
        with suppress(OSError):
            self._log.writelines(line.rstrip("\r").rsplit("\r", 1)[-1] + "\n" for line in lines)
        return len(text)

    def flush(self) -> None:
        self._terminal.flush()
        with suppress(OSError):
            self._log.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()


def _commands() -> list[click.Command]:
    modules = [f"analysis.{subject}.commands" for subject in SUBJECTS]
    return [command for module in modules for command in importlib.import_module(module).COMMANDS]


@click.group(help=__doc__, commands=_commands())
@click.option("--log", type=click.Path(path_type=Path), help="Also write the stage's messages to this file.")
def main(log: Path | None) -> None:
    """Dispatch to a stage."""
    if log and os.environ.get("RANK", "0") == "0":  # of several processes (torchrun) the first one writes it
        log.parent.mkdir(parents=True, exist_ok=True)
        handle = log.open("w", encoding="utf-8")
        sys.stdout, sys.stderr = _Tee(sys.stdout, handle), _Tee(sys.stderr, handle)

        # What was read and written, in the two forms of sha256sum, which can check both: provenance takes from here what
        # was read, and the next run which result was changed since.
        @click.get_current_context().call_on_close
        def told() -> None:
            handle.writelines(f"{digest}  {path}\n" for path, digest in READ.items())
            handle.writelines(f"SHA256 ({path}) = {digest}\n" for path, digest in WRITTEN.items())
            handle.flush()


def run() -> None:
    """Run a stage; an error made for people is printed as one, without a traceback."""
    code = 0
    try:
        main(prog_name="python -m analysis", standalone_mode=False)
    except StudyError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        code = 1
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as done:
        code = done.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        code = 130
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "analysis":
            raise
        click.secho(
            f"Error: The library {error.name} is not installed in {sys.prefix}; activate the study's environment, "
            ". .venv/bin/activate, which 'make setup' makes.",
            fg="red",
            err=True,
        )
        code = 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            click.secho(
                "Error: The disk is full, so that a file could not be written; make room, and run this again.",
                fg="red",
                err=True,
            )
        else:
            traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


if __name__ == "__main__":
    # Where it is installed, as it is for the tests, pandera imports hypothesis, which no stage needs and each would wait for.
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    run()
