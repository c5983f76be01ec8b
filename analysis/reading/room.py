"""The reading room without its web pages: what they ask for, and what they are told."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select

from analysis.archive.dicom import Unreadable
from analysis.reading.access import Reader
from analysis.reading.form import Form
from analysis.reading.index import Exam
from analysis.reading.ledger import Case, Entry, Refused, cases, may_correct, save, standing, was_opened
from analysis.reading.pixels import load_picture
from analysis.reading.progress import between, count_exams, pace, today, within
from analysis.reading.queue import Dealer, Queue, Task
from analysis.reading.settings import ReadingSettings
from analysis.reading.store import Store, assignments

#: The exam at hand, and one to load ahead.
AHEAD = 2


@dataclass(frozen=True)
class Room:
    """Everything that the pages rest on.

    Attributes
    ----------
    store : Store
    exams : dict of str to Exam
    form : Form
    settings : ReadingSettings
    asked : frozenset of str or None
        The exams that readers get, where a queue names them.
    dealer : Dealer
    """

    store: Store
    exams: dict[str, Exam]
    form: Form
    settings: ReadingSettings
    asked: frozenset[str] | None = None
    dealer: Dealer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dealer", Dealer(self.exams, self.settings, self.asked))

    def next(self, reader: Reader, now: float) -> dict[str, Any]:
        """Return the exams to read now and next, without anything that tells whose they are."""
        with self.store.writing() as db:
            queue: Queue = self.dealer.deal(db, reader, AHEAD, now)
            shown = [self._shown(db, task, reader) for task in queue.tasks]
        return {"done": queue.done, "left": queue.left, "exams": shown}

    def write(self, reader: Reader, content: dict[str, Any], now: float) -> dict[str, Any]:
        """Write a reading or decision; on disk when this returns.

        Raises
        ------
        Refused
            With a sentence for the reader.
        """
        with self.store.writing() as db:
            queues = self.settings.queues
            save(db, reader, content, exams=self.exams, form=self.form, queues=queues, now=now)
        return {"saved": content["key"]}

    def recent(self, reader: Reader, number: int = 20) -> list[dict[str, Any]]:
        """Return the exams that a reader has just read and may still correct, the last one first."""
        with self.store.reading() as db:
            mine = standing(db, reader=reader.id)
            mine = sorted(mine, key=lambda entry: entry.written, reverse=True)[:number]
            tasks = {
                row.id: Task(row.id, row.handle, row.exam, row.kind)
                for row in db.execute(select(assignments).where(assignments.c.reader == reader.id))
            }
            return [
                self._shown(db, tasks[entry.assignment], reader)
                for entry in mine
                if entry.exam in self.exams and (entry.kind == "consensus" or not was_opened(db, entry.exam))
            ]

    def picture(self, reader: Reader, handle: str, number: int) -> bytes:
        """Return the pixels of an image of an exam in this reader's hands, packed.

        Raises
        ------
        Refused
            If it isn't theirs, or the image can't be decoded.
        """
        images = self._own(reader, handle).images
        if number >= len(images):
            raise Refused("There is no such image.")
        try:
            return _pack(images[number].path)
        except Unreadable as error:
            raise Refused(f"This image can't be shown ({error.code}).") from error

    def report(self, reader: Reader, handle: str) -> str:
        """Return the radiologist's report, if the reader's role may see it."""
        if reader.role not in self.settings.reports_for:
            raise Refused("Your role reads without the report.")
        return self._own(reader, handle).report or "There is no report."

    def progress(self, reader: Reader, now: float) -> dict[str, Any]:
        """Return how far the reading has come; what others read, only for the consensus session."""
        with self.store.reading() as db:
            entries = standing(db)
            read = [entry for entry in entries if entry.kind == "read"]
        found = cases(entries, self.settings.queues)
        mine = [entry for entry in entries if entry.reader == reader.id]
        sets = count_exams(self.exams, found, self.settings.queues)
        answer: dict[str, Any] = {"sets": sets, "mine": pace(mine) | {"today": today(mine, now)}}
        if reader.role == "consensus":
            names = sorted({entry.name for entry in read})
            alias = {name: f"Reader {number}" for number, name in enumerate(names, 1)}
            answer["readers"] = [
                {"name": alias[name]} | pace(entry for entry in read if entry.name == name) for name in names
            ]
            answer["between"] = _hide(between(found.values(), self.form), alias)
            answer["within"] = _hide(within(found.values(), self.form), alias)
        return answer

    def _own(self, reader: Reader, handle: str) -> Exam:
        query = select(assignments.c.exam).where(assignments.c.handle == handle, assignments.c.reader == reader.id)
        with self.store.reading() as db:
            exam = db.execute(query).scalar()
        if exam not in self.exams:
            raise Refused("This exam is not yours to read.")
        return self.exams[exam]

    def _shown(self, db: Connection, task: Task, reader: Reader) -> dict[str, Any]:
        exam = self.exams[task.exam]
        entries = standing(db, exam=task.exam)
        case = cases(entries, self.settings.queues).get(task.exam)
        before = next((entry for entry in entries if entry.assignment == task.id), None)
        shown: dict[str, Any] = {
            "handle": task.handle,
            "kind": task.kind,
            "version": before.version + 1 if before else 0,
            "views": [image.view for image in exam.images],
            "before": _content(before) if before else None,
            "note": "",
        }
        if task.kind == "consensus" and case:
            shown |= self._sides(case, before)
        elif before and case and case.state.name == "reopened" and may_correct(case, before, opened=True):
            shown["note"] = "The consensus session found this exam gradable. Please grade it as well as you can."
        return shown

    def _sides(self, case: Case, before: Entry | None) -> dict[str, Any]:
        """Return the independent readings as A and B, in an order that tells nothing."""
        seed = self.settings.seed
        lot = [hashlib.sha256(f"{seed}|{case.exam}|{entry.assignment}".encode()).digest() for entry in case.readings]
        listed = [entry for _, entry in sorted(zip(lot, case.readings, strict=True), key=lambda pair: pair[0])]
        fields = list(before.values) if before else list(case.state.fields)
        return {"fields": fields, "sides": [_content(entry) for entry in listed]}


def _content(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in asdict(entry).items() if name in ("values", "views", "revisit", "comment")}


def _hide(rows: list[dict[str, Any]], alias: dict[str, str]) -> list[dict[str, Any]]:
    return [row | {"first": alias[row["first"]], "second": alias[row["second"]]} for row in rows]


@lru_cache(maxsize=12)
def _pack(path: Any) -> bytes:
    return load_picture(path).pack()
