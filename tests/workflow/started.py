"""Snakemake with its own modules in memory: each call is a process forked from here, which spares it most of its start.

Nothing of the study is imported before the fork: a call reads the code of the folder that it runs in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO


@cache
def _process() -> subprocess.Popen[str]:
    """Start the process that is forked; it ends when the tests do, since nobody writes to it any more."""
    command = [sys.executable, "-P", __file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that begins with `snakemake` in a folder and an environment, and keep what it said."""
    assert command[0] == "snakemake"
    process = _process()
    assert process.stdin and process.stdout
    order = {"command": command, "folder": os.fspath(folder), "environment": environment}
    print(json.dumps(order), file=process.stdin, flush=True)
    return subprocess.CompletedProcess(**json.loads(process.stdout.readline()))


def serve(orders: IO[str]) -> None:
    """Fork a process for each order, wait for its end, and say how it ended and what it said."""
    import tempfile

    import grimp  # noqa: F401
    import pandas  # noqa: F401
    import pydantic  # noqa: F401
    import smart_open  # noqa: F401  # which Snakemake loads as it begins
    from snakemake import cli

    cli.get_argument_parser()  # loads all plug-ins
    for line in orders:
        order = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            if not (child := os.fork()):
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(order["folder"])
                os.environ.clear()
                os.environ |= order["environment"]
                sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
                sys.argv = order["command"]
                cli.main()
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            for stream in (out, err):
                stream.seek(0)
            said = {"stdout": out.read().decode(), "stderr": err.read().decode()}
        print(json.dumps({"args": order["command"], "returncode": code, **said}), flush=True)


if __name__ == "__main__":
    serve(sys.stdin)
