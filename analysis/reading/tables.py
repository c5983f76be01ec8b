"""The tables of a reading room's store, and what the database itself refuses to do with them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData()

#: Nothing in here but what the pages must not lose: the secret that the store's name is made of.
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

#: Who came and went, and what a coordinator did.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("what", String, nullable=False),
    Column("who", String, nullable=False),
    Column("detail", String, nullable=False, server_default=text("''")),
)

#: Sets whose reading is over.
closed = Table(
    "closed",
    metadata,
    Column("set", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("who", String, nullable=False),
)

#: The schemes that have been read by, by the hash of their files: what the fields were.
forms = Table("forms", metadata, Column("hash", String, primary_key=True), Column("definition", JSON, nullable=False))

#: In place of a place among what was put off: not for this reader, by their own word or the coordinator's.
DECLINED, HANDED_ON = -1, -2

#: What a reader has been shown, under a name of its own each time: nobody can tell that an exam comes back.
assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("handle", String, nullable=False, unique=True),
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("exam", String, nullable=False, index=True),
    Column("kind", String, nullable=False),  # read | consensus | practice
    Column("occasion", Integer, nullable=False),  # 1, and 2 where the exam came back
    Column("opened", Float, nullable=False),
    Column("read", Boolean, nullable=False, server_default=text("0")),
    Column("later", Integer, nullable=False, server_default=text("0")),  # 0, or its place among what was put off
    Column("set", String, nullable=False, server_default=text("''")),
    Column("after", Integer, nullable=False, server_default=text("0")),  # the ledger's last row when it was dealt
    UniqueConstraint("reader", "exam", "kind", "occasion"),
)
Index("assignments_open", assignments.c.opened, sqlite_where=assignments.c.read.is_(False))
Index("assignments_held", assignments.c.reader, sqlite_where=assignments.c.read.is_(False))
Index("assignments_sessions", assignments.c.set, assignments.c.after, sqlite_where=assignments.c.kind == "consensus")

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
    Column("present", JSON, nullable=False, server_default=text("'[]'")),  # who was there: a consensus session
    UniqueConstraint("assignment", "version"),
    UniqueConstraint("reader", "key"),
)
Index("ledger_reader", ledger.c.reader, ledger.c.id)


def _never(table: str, verb: str, when: str = "") -> str:
    name = f"{table}_no_{verb.split(maxsplit=1)[0].lower()}"
    return (
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, 'the {table} only grows'); END"
    )


def _taken(table: str, *keys: str) -> str:
    """Say that a row with one of these keys is there: INSERT OR REPLACE would delete it without a trigger."""
    matches = " OR ".join("(" + " AND ".join(f'"{one}" = NEW."{one}"' for one in key.split()) + ")" for key in keys)
    return f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {matches})"


#: The database refuses to rewrite what was read, who was shown what, and who came.
GUARDS = (
    _never("ledger", "UPDATE"),
    _never("ledger", "DELETE"),
    _never("ledger", "INSERT", _taken("ledger", "id", "assignment version", "reader key")),
    _never("assignments", "UPDATE OF id, handle, reader, exam, kind, occasion, \"set\", after"),
    _never("assignments", "DELETE"),
    _never(
        "assignments", "INSERT", _taken("assignments", "id", "handle", "reader exam kind occasion")
    ),
    *(_never(table, verb) for table in ("events", "closed", "forms") for verb in ("UPDATE", "DELETE")),
    _never("events", "INSERT", _taken("events", "id")),
    _never("closed", "INSERT", _taken("closed", "set")),
    _never("forms", "INSERT", _taken("forms", "hash")),
    _never("readers", "UPDATE OF id, name, role"),
    _never("readers", "DELETE"),
    _never("readers", "INSERT", _taken("readers", "id", "name", "token")),
)  # fmt: skip
