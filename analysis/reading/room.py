"""The reading room without its web pages: what they ask for, and what they get back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from analysis.archive.dicom.dataset import Unreadable
from analysis.reading.access import Reader, log
from analysis.reading.exams.index import Exam
from analysis.reading.exams.reports import Reports
from analysis.reading.exams.shelf import Shelf
from analysis.reading.order.progress import count_exams, pace
from analysis.reading.order.queue import Assignment, Dealer, Queue
from analysis.reading.readings.cases import Case, cases
from analysis.reading.readings.entries import Entry, latest, rows_of, standing
from analysis.reading.readings.form import FLAGS, Form
from analysis.reading.readings.ledger import Refused, asked_back, locked, save
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store
from analysis.reading.tables import DECLINED, assignments, ledger, readers

#: The exam at hand, and one to load ahead.
AHEAD = 2
#: Which of a reader's own exams are listed: practice is over when it is over.
_LISTED = ("read", "consensus")


@dataclass(frozen=True)
class Room:
    """Everything that the pages rest on.

    Attributes
    ----------
    store : Store
    exams : dict of str to Exam
    form : Form
    settings : RoomSettings
    asked : frozenset of str or None
        The exams that readers get, where a queue names them.
    reports : Reports or None
    practice : mapping of str to dict
        The right answers of exams that every reader grades first; they are nobody's exams else.
    dealer : Dealer
    shelf : Shelf
    sizes : Counter of str
        Exams of each set.
    """

    store: Store
    exams: dict[str, Exam]
    form: Form
    settings: RoomSettings
    asked: frozenset[str] | None = None
    reports: Reports | None = None
    practice: Mapping[str, dict[str, int]] = field(default_factory=dict)
    dealer: Dealer = field(init=False)
    shelf: Shelf = field(init=False)
    sizes: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        dealer = Dealer(self.exams, self.settings, self.form, self.asked, tuple(self.practice))
        object.__setattr__(self, "dealer", dealer)
        object.__setattr__(self, "shelf", Shelf())
        object.__setattr__(self, "sizes", Counter(exam.set for exam in self.exams.values()))
        with self.store.writing() as db:
            dealer.look(db)  # the whole ledger, once
            known = db.execute(select(readers).where(readers.c.revoked.is_(None))).all()
            dealer.know(db, [Reader(row.id, row.name, row.role) for row in known])

    def next(self, reader: Reader, now: float) -> dict[str, Any]:
        """Return the exams to read now and next, without anything that tells whose they are."""
        if reader.role == "coordinator":
            return {"done": 0, "left": 0, "exams": []}
        with self.store.writing() as db:
            queue: Queue = self.dealer.deal(db, reader, AHEAD, now)
            shown = [self._shown(db, assignment, reader) for assignment in queue.dealt]
        return {"done": queue.done, "left": queue.left, "exams": shown}

    def write(self, reader: Reader, content: dict[str, Any], now: float) -> dict[str, Any]:
        """Write a reading or decision; on disk when this returns.

        Returns
        -------
        dict
            `saved`, what the ledger holds now; for a practice exam also `answers`.

        Raises
        ------
        Refused
            With a sentence for the reader.
        """
        with self.store.writing() as db:
            queues = self.settings.queues
            saved = save(db, reader, content, exams=self.exams, form=self.form, queues=queues, now=now)
            assignment = db.execute(select(assignments).where(assignments.c.handle == content["handle"])).one()
        answer: dict[str, Any] = {"saved": saved}
        if assignment.kind == "practice":
            answer["answers"] = self.practice.get(assignment.exam, {})
        return answer

    def mine(self, reader: Reader) -> list[dict[str, Any]]:
        """List the exams that a reader has read and those put off, by the reader's own numbers."""
        with self.store.reading() as db:
            query = rows_of().where(ledger.c.reader == reader.id, assignments.c.kind.in_(_LISTED)).order_by(ledger.c.id)
            entries = [entry for entry in latest(db.execute(query)) if entry.exam in self.exams]
            wanted = (assignments.c.reader == reader.id) & assignments.c.kind.in_(_LISTED)
            assigned = {row.id: row for row in db.execute(select(assignments).where(wanted)) if row.read or row.later}
            shut = {name: self._locks(db, name) for name in {entry.set for entry in entries}}
            rows = [
                {"number": number, "handle": assigned[entry.assignment].handle, "versions": entry.version + 1}
                | {"state": "locked" if entry.first_id <= shut[entry.set] and entry.kind == "read" else "open"}
                | {"revisit": entry.revisit, "comment": bool(entry.comment), "written": entry.written}
                | {"flags": [flag for flag in FLAGS if entry.values.get(flag)]}
                | {"grades": {i.name: entry.values.get(i.name) for i in self.form.items if i.name in entry.values}}
                for number, entry in enumerate(entries, 1)
            ]
            put_off = [row for row in assigned.values() if row.later > 0 and not row.read and row.exam in self.exams]
            return rows + [{"number": None, "handle": row.handle, "state": "later"} for row in put_off]

    def _locks(self, db: Connection, name: str) -> float:
        """Return the last row of the ledger that can't be changed any more in a set."""
        if name in self.dealer.book.closed:
            return float("inf")
        query = select(assignments.c.after).where(assignments.c.kind == "consensus", assignments.c.set == name)
        return float(db.execute(query.order_by(assignments.c.after.desc()).limit(1)).scalar() or -1)

    def exam(self, reader: Reader, handle: str) -> dict[str, Any]:
        """Return one of a reader's own exams, to look at or to correct it."""
        with self.store.writing() as db:
            row = db.execute(_owned(reader, handle)).first()
            if row is None or row.exam not in self.exams:
                raise Refused("This exam is not yours to read.")
            if row.later and not row.read:
                db.execute(update(assignments).where(assignments.c.id == row.id).values(later=0))
            return self._shown(db, Assignment(row.id, row.handle, row.exam, row.kind), reader)

    def step(self, reader: Reader, handle: str, back: bool) -> dict[str, Any] | None:
        """Return the exam that a reader read before or after another; before an unread one, the last one."""
        with self.store.reading() as db:
            query = (
                select(assignments)
                .join(ledger, (ledger.c.assignment == assignments.c.id) & (ledger.c.version == 0))
                .where(ledger.c.reader == reader.id, assignments.c.kind.in_(_LISTED))
            )
            here = select(ledger.c.id).join(assignments, assignments.c.id == ledger.c.assignment)
            place = db.execute(here.where(assignments.c.handle == handle, ledger.c.version == 0)).scalar()
            if place is None and not back:
                return None
            if place is not None:
                query = query.where(ledger.c.id < place if back else ledger.c.id > place)
            query = query.order_by(ledger.c.id.desc() if back else ledger.c.id)
            for row in db.execution_options(yield_per=5).execute(query):
                if row.exam in self.exams:
                    return self._shown(db, Assignment(row.id, row.handle, row.exam, row.kind), reader)
        return None

    def put_off(self, reader: Reader, handle: str, never: bool, now: float) -> None:
        """Lay an exam aside: it comes back when nothing else is left, or never, and others may take it."""
        with self.store.writing() as db:
            row = db.execute(_owned(reader, handle)).first()
            if row is None or row.read:
                raise Refused("Only an exam that you have not read yet can be laid aside.")
            last = db.execute(
                select(assignments.c.later)
                .where(assignments.c.reader == reader.id)
                .order_by(assignments.c.later.desc())
            ).scalar()
            later = DECLINED if never else max(0, last or 0) + 1
            db.execute(update(assignments).where(assignments.c.id == row.id).values(later=later, opened=0))
            if never:
                log(db, "declined", reader.name, now, row.exam)

    def alive(self, reader: Reader, handle: str | None, now: float) -> None:
        """Note that somebody is at work before an exam: it stays in their hands."""
        with self.store.writing() as db:
            owned = (assignments.c.handle == handle) & (assignments.c.reader == reader.id)
            db.execute(update(assignments).where(owned, assignments.c.read.is_(False)).values(opened=now))

    def picture(self, reader: Reader, handle: str, number: int) -> bytes:
        """Return the pixels of an image of an exam in this reader's hands, packed.

        Raises
        ------
        Refused
            If it isn't theirs, can't be decoded, or isn't what was indexed.
        """
        images = self._own(reader, handle).images
        if not 0 <= number < len(images):
            raise Refused("There is no such image.")
        try:
            return self.shelf.get(images[number])
        except Unreadable as error:
            raise Refused(
                f"This image can't be shown ({error.code}); lay the exam aside and tell the coordinator."
            ) from error

    def report(self, reader: Reader, handle: str) -> str:
        """Return the radiologist's report, if the reader's role may see it."""
        if reader.role not in self.settings.reports_for:
            raise Refused("Your role reads without the report.")
        exam = self._own(reader, handle).exam
        return (self.reports.of(exam) if self.reports else "") or "There is no report."

    def progress(self, reader: Reader, now: float) -> dict[str, Any]:
        """Return how far a reader has come; how far others have, only to those who grade nothing blinded.

        A reader who saw that conflicts become fewer while correcting would learn the colleague's grade: sets are
        shown to readers when they are closed and nothing can be corrected.
        """
        with self.store.writing() as db:
            self.dealer.look(db)
            book = self.dealer.book
            sets = count_exams(self.sizes, book)
            known = {row.id: row for row in db.execute(select(readers))}
            work = dict(book.work)
            answer: dict[str, Any] = {"mine": pace(work.get(reader.id), now)}
        open_ = reader.role in ("consensus", "coordinator")
        answer["sets"] = sets if open_ else [row for row in sets if row["closed"]]
        if open_:
            names = self._names(reader, known)
            listed = [who for who in work if known[who].role in ("reader", "senior")]
            answer["readers"] = [
                {"name": names[known[who].name]} | pace(work[who], now)
                for who in sorted(listed, key=lambda w: known[w].name)
            ]
        return answer

    def agreement(self, reader: Reader) -> dict[str, Any]:
        """Return the readers' agreement with each other and with themselves so far."""
        if reader.role not in ("consensus", "coordinator"):
            raise Refused("Agreement is for the consensus session and the coordinator.")
        with self.store.writing() as db:
            self.dealer.look(db)
            known = {row.id: row for row in db.execute(select(readers))}
            counts = self.dealer.book.tally.snapshot()
        names = self._names(reader, known)
        found: dict[str, list[dict[str, Any]]] = {"between": [], "within": []}
        for row in self.dealer.book.tally.summary(counts):
            who = {"first": names[row["first"]], "second": names[row["second"]]}
            found[row["kind"]].append(row | who)
        return found

    def _names(self, reader: Reader, known: Mapping[int, Any]) -> dict[str, str]:
        """Return what to call each reader: by name to the coordinator, by number to a session."""
        listed = sorted(row.name for row in known.values() if row.role in ("reader", "senior"))
        if reader.role == "coordinator":
            return {name: name for name in listed}
        return {name: f"Reader {number}" for number, name in enumerate(listed, 1)}

    def _own(self, reader: Reader, handle: str) -> Exam:
        with self.store.reading() as db:
            row = db.execute(_owned(reader, handle)).first()
        if row is None or row.exam not in self.exams:
            raise Refused("This exam is not yours to read.")
        return self.exams[row.exam]

    def _shown(self, db: Connection, assignment: Assignment, reader: Reader) -> dict[str, Any]:
        exam = self.exams[assignment.exam]
        entries = standing(db, exam=assignment.exam)
        case = cases(entries, self.settings.queues, self.form, {assignment.exam: exam.set}).get(assignment.exam)
        before = next((entry for entry in entries if entry.assignment == assignment.id), None)
        back = before is not None and asked_back(case, before)
        shown: dict[str, Any] = {
            "handle": assignment.handle,
            "kind": assignment.kind,
            "version": before.version + 1 if before else 0,
            "views": [image.view for image in exam.images],
            "body": [image.side for image in exam.images],
            "before": before.content if before else None,
            "note": "",
            "locked": before is not None and not back and (assignment.kind == "practice" or locked(db, before)),
        }
        if assignment.kind == "consensus" and case:
            shown |= self._sides(case, before)
        elif back:
            shown["note"] = "The consensus session found this exam gradable. Please grade it as well as you can."
        return shown

    def _sides(self, case: Case, before: Entry | None) -> dict[str, Any]:
        """Return the independent readings as A and B, in an order that tells nothing."""
        seed = self.settings.seed
        lot = [hashlib.sha256(f"{seed}|{case.exam}|{entry.assignment}".encode()).digest() for entry in case.readings]
        listed = [entry for _, entry in sorted(zip(lot, case.readings, strict=True), key=lambda pair: pair[0])]
        fields = list(before.values) if before else list(case.state.fields)
        settled = {name: value for name, value in case.settled.items() if name not in fields}
        return {"fields": fields, "sides": [entry.content for entry in listed], "settled": settled}


def _owned(reader: Reader, handle: str) -> Any:
    return select(assignments).where(assignments.c.handle == handle, assignments.c.reader == reader.id)
