"""The file that remembers everything: an SQLite database whose ledger of readings can only grow."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError

from analysis.errors import StudyError

metadata = MetaData()

#: Nothing in here but what the pages must not lose: the secret that pseudonyms are made by.
facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))

readers = Table(
    "readers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("token", String, nullable=False, unique=True),  # its hash
    Column("made", Float, nullable=False),  # seconds since 1970, as all times of this file but `written`
    Column("revoked", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),  # hash of the cookie
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("csrf", String, nullable=False),
    Column("begun", Float, nullable=False),
    Column("seen", Float, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", String, nullable=False, index=True),
    Column("at", Float, nullable=False),
)

#: What a reader has been shown, under a name of its own each time: nobody can tell that an exam comes back.
assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("handle", String, nullable=False, unique=True),
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("exam", String, nullable=False, index=True),
    Column("kind", String, nullable=False),  # read | consensus
    Column("occasion", Integer, nullable=False),  # 1, and 2 where the exam came back
    Column("opened", Float, nullable=False),
    UniqueConstraint("reader", "exam", "kind", "occasion"),
)

#: Every reading and every decision; a correction is a further row with the next version.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment", ForeignKey("assignments.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("key", String, nullable=False),  # made by the browser, one a reading: a double click is one reading
    Column("set", String, nullable=False),
    Column("written", String, nullable=False),  # ISO 8601, UTC
    Column("seconds", Float, nullable=False),
    Column("scheme", String, nullable=False),
    Column("scheme_hash", String, nullable=False),
    Column("images_hash", String, nullable=False),
    Column("values", JSON, nullable=False),
    Column("views", JSON, nullable=False),
    Column("revisit", Boolean, nullable=False),
    Column("comment", String, nullable=False),
    UniqueConstraint("assignment", "version"),
    UniqueConstraint("reader", "key"),
)

_ONLY_GROWS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS ledger_no_{verb} BEFORE {verb} ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
    for verb in ("UPDATE", "DELETE")
)


class Store:
    """The database of one reading room; several processes may have it open.

    Parameters
    ----------
    path : str or Path
        Made where it doesn't exist, readable by its owner alone.

    Raises
    ------
    StudyError
        If the file can't be opened or is no such database.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise StudyError(f"The store {path} can't be made ({error.strerror}); choose another place.") from error
        # Sessions end with the server's threads; a connection waits for another process's writing to end.
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            with self.writing() as db:
                metadata.create_all(db)
                for trigger in _ONLY_GROWS:
                    db.exec_driver_sql(trigger)
                if db.execute(select(facts).where(facts.c.name == "secret")).first() is None:
                    db.execute(insert(facts).values(name="secret", value=secrets.token_hex(32)))
        except DatabaseError as error:
            raise StudyError(f"The file {path} is no store of a reading room ({error.orig}); name another.") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that no other writer can come between; on disk when the block ends."""
        with self._engine.execution_options(write=True).begin() as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one state and writes nothing."""
        with self._engine.begin() as db:
            yield db

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun here, not guessed by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(db: Connection) -> None:
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("write") else "BEGIN")
