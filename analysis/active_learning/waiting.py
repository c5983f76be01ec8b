"""Which round of active learning waits for its readers, and how they are asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote


@dataclass(frozen=True)
class Waiting:
    """The first round that can't be trained yet.

    Attributes
    ----------
    number : int
        The round, counted from 0.
    queue : str, optional
        The exams that readers are asked for; none where reading can stop.
    readings : str, optional
        Where the export of their readings is looked for.
    """

    number: int
    queue: str | None = None
    readings: str | None = None


def asks_for_nothing(queue: str) -> bool:
    """Whether a queue has been made and holds no exam."""
    path = Path(queue)
    return path.is_file() and len(path.read_text(encoding="utf-8").splitlines()) < 2


def first_open(rounds: Iterable[tuple[str, str]]) -> Waiting | None:
    """Find the first round that can't be trained yet.

    Parameters
    ----------
    rounds : iterable of (str, str)
        Queue and export of readings of each round, from the start on; the files need not be there.

    Returns
    -------
    Waiting or None
        Without a queue where one that was made asks for nothing: reading can stop. None where every round was read.
    """
    for number, (queue, readings) in enumerate(rounds):
        if asks_for_nothing(queue):
            if number:
                return Waiting(number)
        elif not Path(readings).exists():
            return Waiting(number, queue, readings)
    return None


def invitation(waiting: Waiting, archive: str, cohort: str, grading: str, config: str) -> str:
    """Say what readers do next: the commands that open the reading room on a queue, and that export what was read."""
    where = {"archive": archive, "cohort": cohort, "grading": grading, "config": config, "queue": waiting.queue}
    room = " ".join(f"--{name} {quote(str(value))}" for name, value in where.items())
    out = quote(str(Path(str(waiting.readings)).parent))
    return (
        f"\nRound {waiting.number} waits for readers: open the reading room with\n  python -m analysis read {room}\n"
        f"then export\n  python -m analysis read-export {room} --out {out}\nand run again.\n"
    )
