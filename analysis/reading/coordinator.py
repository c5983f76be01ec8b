"""What a coordinator does: see who has read what, hand exams on, shut readers out, close a set."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import func, insert, select, update

from analysis.errors import StudyError
from analysis.plurals import plural
from analysis.reading import access
from analysis.reading.access import Reader, log
from analysis.reading.readings.ledger import Refused
from analysis.reading.room import Room
from analysis.reading.tables import DECLINED, HANDED_ON, assignments, closed, events, readers, sessions

#: Events that the page shows.
_RECENT = 50


def overview(room: Room, now: float) -> dict[str, Any]:
    """Return the readers by name with their tokens' state, what they hold, and what happened last."""
    with room.store.reading() as db:
        held = dict(
            db.execute(
                select(assignments.c.reader, func.count())
                .where(assignments.c.read.is_(False), assignments.c.later >= 0, assignments.c.kind != "practice")
                .group_by(assignments.c.reader)
            ).tuples().all()
        )  # fmt: skip
        declined = dict(
            db.execute(
                select(assignments.c.reader, func.count()).where(assignments.c.later == DECLINED).group_by(assignments.c.reader)
            ).tuples().all()
        )  # fmt: skip
        seen = dict(
            db.execute(select(sessions.c.reader, func.max(sessions.c.seen)).group_by(sessions.c.reader)).tuples().all()
        )
        people = [
            {"name": row.name, "role": row.role, "made": row.made, "revoked": row.revoked, "seen": seen.get(row.id)}
            | {"held": held.get(row.id, 0), "declined": declined.get(row.id, 0)}
            for row in db.execute(select(readers).order_by(readers.c.name))
        ]
        happened = [
            {"at": row.at, "what": row.what, "who": row.who, "detail": "" if row.what == "declined" else row.detail}
            for row in db.execute(select(events).order_by(events.c.id.desc()).limit(_RECENT))
        ]
    return {"now": now, "people": people, "events": happened}


def revoke(room: Room, by: Reader, name: str) -> None:
    """Shut a reader out; a coordinator can't do that to themselves.

    Raises
    ------
    Refused
        If there is no such reader.
    """
    if name == by.name:
        raise Refused("You can't withdraw your own token; ask whoever keeps the server.")
    try:
        access.revoke(room.store, name, by.name)
    except StudyError as error:
        raise Refused(str(error)) from error


def reassign(room: Room, by: Reader, giver: str, taker: str, now: float) -> int:
    """Hand what one reader has in hand and has not read to another of the same role.

    Returns
    -------
    int
        The number of exams handed over: those that the other has had already stay where they are.

    Raises
    ------
    Refused
        If one of them isn't there, is shut out, or reads in another role.
    """
    with room.store.writing() as db:
        found = {row.name: row for row in db.execute(select(readers).where(readers.c.name.in_((giver, taker))))}
        if giver == taker or len(found) < 2:
            raise Refused("Give the names of two readers of this room.")
        if found[giver].role != found[taker].role:
            raise Refused(f"'{taker}' does not read in the role of '{giver}'; choose somebody who does.")
        if found[taker].revoked:
            raise Refused(f"'{taker}' has no valid token; choose somebody who has.")
        had = select(assignments.c.exam).where(assignments.c.reader == found[taker].id)
        rows = db.execute(
            select(assignments).where(
                assignments.c.reader == found[giver].id, assignments.c.read.is_(False), assignments.c.kind == "read",
                assignments.c.occasion == 1, assignments.c.exam.not_in(had),
            )
        ).all()  # fmt: skip
        for row in rows:
            values = {
                "handle": secrets.token_urlsafe(12),
                "reader": found[taker].id,
                "exam": row.exam,
                "kind": row.kind,
            }
            values |= {"occasion": row.occasion, "set": row.set, "after": row.after, "opened": now}
            db.execute(insert(assignments).values(**values))
            db.execute(update(assignments).where(assignments.c.id == row.id).values(later=HANDED_ON, opened=0))
        log(db, "reassigned", by.name, now, f"{plural(len(rows), 'exam')} from {giver} to {taker}")
    return len(rows)


def close(room: Room, by: Reader, name: str, now: float) -> None:
    """Close a set for good: nothing is dealt, read, corrected or decided any more, and readers may see its counts.

    Raises
    ------
    Refused
        If there is no such set, or it is closed.
    """
    if name not in {exam.set for exam in room.exams.values()}:
        raise Refused(f"There is no set '{name}' in this room.")
    with room.store.writing() as db:
        if db.execute(select(closed).where(closed.c.set == name)).first():
            raise Refused(f"The set '{name}' is closed already.")
        db.execute(insert(closed).values(set=name, at=now, who=by.name))
        log(db, "closed", by.name, now, name)
        room.dealer.look(db)
