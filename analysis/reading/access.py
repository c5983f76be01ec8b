"""Who may come in: tokens, sessions, and limits on tries."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from analysis.archive.people.names import spelling
from analysis.errors import StudyError
from analysis.reading.settings import LoginSettings, Role
from analysis.reading.store import Store
from analysis.reading.tables import attempts, events, readers, sessions

# A name that begins with a sign would be a formula in a spreadsheet.
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,39}", re.ASCII)
#: A clock that is set back by less than this ends no session, s.
_SLACK = 300.0


class LockedOut(Exception):  # noqa: N818 - a state, answered with "later", not a failure
    """A wrong token, after too many of them from the same address."""


def log(db: Connection, what: str, who: str, now: float, detail: str = "") -> None:
    """Log a sign-in, a sign-out or an act of the coordinator."""
    db.execute(insert(events).values(at=now, what=what, who=who, detail=detail))


@dataclass(frozen=True)
class Reader:
    """Somebody who has signed in.

    Attributes
    ----------
    id : int
    name : str
        As in readings.csv.
    role : Role
    csrf : str
        What each request that writes must bring along.
    """

    id: int
    name: str
    role: Role
    csrf: str = ""


def digest(secret: str) -> str:
    """Hash a token or cookie. They are 256 random bits: a slow hash would protect them no better."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make_token(store: Store, name: str, role: Role, now: float | None = None) -> str:
    """Enter a reader, or give a known one a new token; the old one and its sessions end.

    Returns
    -------
    str
        The token. It is kept only as a hash, so this is the one time that it can be seen.

    Raises
    ------
    StudyError
        If the name can't stand in a table, is another reader's in another spelling, or the reader is there in another role.
    """
    now = time.time() if now is None else now
    if not _NAME.fullmatch(name):
        raise StudyError(
            f"The reader's name '{name}' must be 1 to 40 of A-Z, a-z, 0-9, '_', '.' and '-', and begin "
            "with a letter or digit; change it."
        )
    token = secrets.token_urlsafe(32)
    with store.writing() as db:
        known = db.execute(select(readers).where(readers.c.name == name)).first()
        if known is None:
            for other in db.execute(select(readers.c.name)).scalars():
                if spelling(other) == spelling(name):
                    raise StudyError(
                        f"'{name}' is '{other}' in another spelling, and readings.csv would be refused for it: give '{other}' "
                        "the token, or somebody else another name."
                    )
            db.execute(insert(readers).values(name=name, role=role, token=digest(token), made=now))
            log(db, "token", name, now, role)
            return token
        if known.role != role:
            raise StudyError(
                f"'{name}' is a {known.role} already; give the {role} a name of its own, so that readings keep apart."
            )
        db.execute(update(readers).where(readers.c.id == known.id).values(token=digest(token), revoked=None))
        db.execute(delete(sessions).where(sessions.c.reader == known.id))
        log(db, "token", name, now, role)
    return token


def revoke(store: Store, name: str, by: str = "") -> None:
    """Shut a reader out; the readings stay.

    Parameters
    ----------
    store : Store
    name : str
    by : str
        The coordinator who does it; empty for the command.

    Raises
    ------
    StudyError
        If there is no such reader.
    """
    with store.writing() as db:
        known = db.execute(select(readers.c.id).where(readers.c.name == name)).scalar()
        if known is None:
            raise StudyError(f"There is no reader '{name}' in this store; correct the name.")
        now = time.time()
        db.execute(update(readers).where(readers.c.id == known).values(revoked=now))
        db.execute(delete(sessions).where(sessions.c.reader == known))
        log(db, "revoked", name, now, by)


def sign_in(store: Store, token: str, address: str, limits: LoginSettings, now: float) -> str | None:
    """Begin a session.

    Returns
    -------
    str or None
        The cookie; None where the token is wrong.

    Raises
    ------
    LockedOut
        If it is wrong, and so were too many from this address before. A right one always opens: tokens
        are 256 random bits, which nobody guesses, and a whole clinic may share one address.
    """
    with store.writing() as db:
        # The look-up is by hash: its duration tells nothing about the token.
        found = db.execute(
            select(readers.c.id, readers.c.name).where(readers.c.token == digest(token), readers.c.revoked.is_(None))
        ).first()
        if found is None:
            # What lies in the future was written before the clock was set back.
            old = now - 60 * limits.lockout_minutes
            db.execute(delete(attempts).where((attempts.c.at < old) | (attempts.c.at > now)))
            tries = db.execute(select(func.count()).where(attempts.c.address == address)).scalar_one()
            if tries >= limits.tries:
                raise LockedOut
            db.execute(insert(attempts).values(address=address, at=now))
            log(db, "wrong token", "", now, address)
            return None
        cookie = secrets.token_urlsafe(32)
        db.execute(
            insert(sessions).values(
                id=digest(cookie), reader=found.id, csrf=secrets.token_urlsafe(24), begun=now, seen=now
            )
        )
        log(db, "sign-in", found.name, now, address)
        return cookie


def who(store: Store, cookie: str | None, limits: LoginSettings, now: float, alive: bool = True) -> Reader | None:
    """Return whose session a cookie is; None where there is none, or it has ended.

    What a page asks for by itself is no sign of life (`alive`): a desk that was left signs itself out.
    """
    if not cookie:
        return None
    with store.reading() as db:
        row = db.execute(
            select(sessions, readers.c.name, readers.c.role)
            .join(readers, readers.c.id == sessions.c.reader)
            .where(sessions.c.id == digest(cookie), readers.c.revoked.is_(None))
        ).first()
    if row is None or now > row.begun + 60 * limits.session_minutes or now > row.seen + 60 * limits.idle_minutes:
        return None
    if now < row.begun - _SLACK:  # the clock was set back: such a session would last for as much longer
        return None
    if alive and (now > row.seen + 30 or now < row.seen):  # no need to write at every request
        with store.writing() as db:
            db.execute(update(sessions).where(sessions.c.id == row.id).values(seen=now))
    return Reader(row.reader, row.name, row.role, row.csrf)


def sign_out(store: Store, cookie: str) -> None:
    """End a session."""
    with store.writing() as db:
        query = select(readers.c.name).join(sessions, sessions.c.reader == readers.c.id)
        name = db.execute(query.where(sessions.c.id == digest(cookie))).scalar()
        db.execute(delete(sessions).where(sessions.c.id == digest(cookie)))
        if name is not None:
            log(db, "sign-out", name, time.time())
