"""Whether a store was read by the scheme and the images that lie before it now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from analysis.errors import StudyError
from analysis.reading.exams.index import Exam
from analysis.reading.readings.form import Form
from analysis.reading.store import Store
from analysis.reading.tables import assignments, forms, ledger

_PARTS = ("title", "levels", "'implies'", "'excludes'", "'needs'", "'not_applicable'")


def check_store(store: Store, form: Form, exams: dict[str, Exam], path: Path) -> None:
    """Refuse a scheme or images other than those that have been read by; note the scheme for the next time.

    Parameters
    ----------
    store : Store
    form : Form
    exams : dict of str to Exam
    path : Path
        The store's file, for messages.

    Raises
    ------
    StudyError
        Names what has changed, and says what to do.
    """
    with store.writing() as db:
        used = db.execute(select(ledger.c.scheme, ledger.c.scheme_hash).distinct()).all()
        for row in used:
            _same_scheme(db, row, form, path)
        if db.execute(select(forms).where(forms.c.hash == form.hash)).first() is None:
            db.execute(insert(forms).values(hash=form.hash, definition=form.definition))
    with store.reading() as db:
        seen = select(assignments.c.exam, ledger.c.images_hash).join(ledger, ledger.c.assignment == assignments.c.id)
        replaced = sorted(
            {exam for exam, digest in db.execute(seen.distinct()) if exam in exams and exams[exam].hash != digest}
        )
    if replaced:
        more = f" and of {len(replaced) - 1} more" if len(replaced) > 1 else ""
        raise StudyError(
            f"The images of exam {replaced[0]}{more} are not those that were read (the private index has its accession "
            f"number): put the images back, leave the exam out of the selection, or read it anew in a store of its own, "
            f"--store; the readings are in {path}."
        )


def _same_scheme(db: Connection, row: Any, form: Form, path: Path) -> None:
    if row.scheme_hash == form.hash:
        return
    definition = db.execute(select(forms.c.definition).where(forms.c.hash == row.scheme_hash)).scalar()
    if definition == form.definition:
        return  # a comment, a key: the readings mean what they meant
    what = _difference(definition, form) if definition and row.scheme == form.name else ""
    raise StudyError(
        f"The readings in {path} were made by {'another version of ' * (row.scheme == form.name)}the scheme '{row.scheme}', "
        f"not by {form.path}{what}; put that version back, or begin another store with --store."
    )


def _difference(definition: dict[str, Any], form: Form) -> str:
    then, now = definition["fields"], form.definition["fields"]
    for name in dict.fromkeys([*then, *now]):
        if name not in now:
            return f": '{name}' is gone"
        if name not in then:
            return f": '{name}' is new"
        for part, before, after in zip(_PARTS, then[name], now[name], strict=True):
            if before != after:
                count = f" ({len(before)}, now {len(after)})" if part == "levels" and len(before) != len(after) else ""
                return f": the {part} of '{name}'{count} changed"
    return ""
