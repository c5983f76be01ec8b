"""The stages as commands: `python -m analysis STAGE --help`.

Each subject lists its commands in `commands.py`; those modules import nothing
heavy, so a command pays only for what it uses.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from analysis.errors import StudyError

SUBJECTS = ("simulate", "archive", "cohort", "imaging", "grading", "network", "statistics", "report", "reading")


def _commands() -> list[click.Command]:
    return [
        command
        for subject in SUBJECTS
        for command in importlib.import_module(f"analysis.{subject}.commands").COMMANDS
    ]


@click.group(help=__doc__, commands=_commands())
def main() -> None:
    """Dispatch to a stage."""


def run() -> None:
    """Run a stage; an error made for people is printed as one, without a traceback."""
    # BLAS, OpenCV and torch each start a pool of their own; a stage's `--workers`
    # says how many processes or threads there are, and the libraries keep to one
    # unless the stage asks for more.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        main(prog_name="python -m analysis")
    except StudyError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
