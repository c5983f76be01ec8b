"""The file that remembers everything: an SQLite database whose ledger of readings can only grow."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateColumn

from analysis.errors import StudyError
from analysis.reading.tables import GUARDS, facts, metadata

#: What a column that an earlier version did not have is filled with.
_FILLED = {
    ("assignments", "read"): ("UPDATE assignments SET read = 1 WHERE id IN (SELECT assignment FROM ledger)",),
    ("assignments", "after"): (
        'UPDATE assignments SET after = (SELECT max(id) FROM ledger), "set" = coalesce((SELECT l."set" FROM ledger l '
        "JOIN assignments a ON a.id = l.assignment WHERE a.exam = assignments.exam LIMIT 1), '') "
        "WHERE kind = 'consensus'",
    ),
}

#: How long a connection waits for another process's writing to end, s.
_PATIENCE = 30.0
#: Failures that say nothing against the file: its readings are there.
_UNWRITABLE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
)


class Store:
    """The database of one reading room; several processes may have it open.

    Parameters
    ----------
    path : str or Path
        Made where it doesn't exist, readable by its owner alone.

    Attributes
    ----------
    path : Path
    name : str
        Eight hexadecimal digits of this store: what is kept in a browser for one room is not another's.

    Raises
    ------
    StudyError
        If the file can't be opened or is no such database.
    """

    def __init__(self, path: str | Path) -> None:
        path = self.path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise StudyError(f"The store {path} can't be made ({error.strerror}); choose another place.") from error
        # Sessions end with the server's threads.
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})
        self._writers = threading.Lock()  # in turn, where the database would let them sleep and try again
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            with self.writing() as db:
                metadata.create_all(db)
                _add_columns(self._engine, db)
                for guard in GUARDS:
                    db.exec_driver_sql(guard)
                secret = db.execute(select(facts.c.value).where(facts.c.name == "secret")).scalar()
                if secret is None:
                    secret = secrets.token_hex(32)
                    db.execute(insert(facts).values(name="secret", value=secret))
        except DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _UNWRITABLE:
                raise StudyError(
                    f"The store {path} can't be written now ({error.orig}); what was read is in it. See whether the disk is full "
                    "or another program holds the file, and run this again."
                ) from error
            raise StudyError(f"The file {path} is no store of a reading room ({error.orig}); name another.") from error
        self.name = hashlib.sha256(f"name|{secret}".encode()).hexdigest()[:8]

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that no other writer can come between; on disk when the block ends."""
        with self._writers, self._engine.execution_options(write=True).begin() as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one state and writes nothing."""
        with self._engine.begin() as db:
            yield db

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _add_columns(engine: Engine, db: Connection) -> None:
    """Bring a store that an earlier version made up to date: columns are added, nothing is changed."""
    found = inspect(db)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                db.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {CreateColumn(column).compile(engine)}")
                for statement in _FILLED.get((table.name, column.name), ()):
                    db.exec_driver_sql(statement)


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun here, not guessed by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(db: Connection) -> None:
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("write") else "BEGIN")
