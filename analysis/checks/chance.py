"""How often the search for identities errs: archives are drawn at random and looked for in results that know none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.checks.identities import Secrets, plain, secrets, words
from analysis.checks.privacy import AUTHORS, all_files, repository, spare
from analysis.checks.texts import Piece, pieces

#: Columns of the private index that the drawn archives leave empty.
_EMPTY = ("patient_name", "people", "other_ids", "study_uid", "series_uid", "sop_uid", "contacts", "texts", "path")
#: How patients are numbered: the digits, drawn at random; None: by birth date and four digits more.
NUMBERED = {"6 digits": 6, "7 digits": 7, "8 digits": 8, "personal number": None}
#: How many people a leak names.
LEAKS = (1, 20)
_WITH_DIGIT = re.compile(r"\S*\d\S*")


def draw(patients: int, numbered: str, rng: np.random.Generator) -> pd.DataFrame:
    """Draw an archive: one exam each, births from 1930 to 1989, exams in ten years, accession numbers of 8 digits.

    Returns
    -------
    pandas.DataFrame
        As the private index of ingest.
    """
    days = (np.datetime64("1930-01-01") + rng.integers(0, 60 * 365, patients)).astype(str)
    born = np.char.replace(days, "-", "")
    taken = np.datetime64("2010-01-01") + rng.integers(0, 10 * 365, patients)
    digits = NUMBERED[numbered]
    if digits is None:
        numbers = np.char.add(born, np.char.zfill(rng.integers(0, 10_000, patients).astype(str), 4))
    else:
        numbers = rng.choice(9 * 10 ** (digits - 1), patients, replace=False) + 10 ** (digits - 1)
    accession = rng.integers(10_000_000, 90_000_000) + np.arange(patients)
    columns = {"patient_id": numbers, "accession": accession, "birth_date": born, "date": taken}
    return pd.DataFrame(columns).astype(str).assign(**dict.fromkeys(_EMPTY))


def errors(results: Iterable[Path], patients: Sequence[int], replicates: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate false alarms and misses.

    Parameters
    ----------
    results : iterable of Path
        Files and folders of a study; nothing in them may be of the archives that are drawn.
    patients : sequence of int
        Sizes of the archives.
    replicates : int
        Archives of each size and numbering.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        patients, numbered, error ("false alarm" or "miss"), what, archives, share (of them).
    """
    found = [piece for path in all_files(results) for piece in pieces(path)]
    digits = [piece._replace(text="\n".join(_WITH_DIGIT.findall(plain(piece.text)))) for piece in found]
    papers = [path for path in all_files(repository()) if path.suffix in AUTHORS]
    rows = []
    for size in patients:
        for numbered in NUMBERED:
            for _ in range(replicates):
                files = draw(size, numbered, rng)
                sought = secrets(files)
                spare(sought, papers)
                alarms = {kind for piece in digits for _, kind in sought.leaks(piece)}
                seen = [("false alarm", what, what in alarms) for what in sorted(set(sought.phrases.values()))]
                seen += [("false alarm", "any", bool(alarms))]
                seen += [("miss", *missed) for missed in _misses(sought, files, rng)]
                rows += [(size, numbered, *one) for one in seen]
    by = ["patients", "numbered", "error", "what"]
    counted = pd.DataFrame(rows, columns=[*by, "wrong"]).groupby(by, sort=False)["wrong"].agg(["size", "mean"])
    return counted.set_axis(["archives", "share"], axis=1).reset_index()


def _misses(sought: Secrets, files: pd.DataFrame, rng: np.random.Generator) -> Iterator[tuple[str, bool]]:
    """Yield for each leak, of one person and of several in a table, whether the search misses it."""
    for people in LEAKS:
        rows = files.iloc[rng.choice(len(files), min(people, len(files)), replace=False)]
        born = pd.to_datetime(rows["birth_date"])
        leaks = {"patient identifier": rows["patient_id"], "accession number": rows["accession"]}
        for written in ("%Y%m%d", "%y%m%d", "%Y-%m-%d", "%d/%m/%y"):
            leaks[f"birth date as {pd.Timestamp('1950-12-31').strftime(written)}"] = born.dt.strftime(written)
        for what, values in leaks.items():
            text = "exam,n,value\n" + "\n".join(f"x{n},{n},{value}" for n, value in enumerate(values))
            yield f"{what}, {people} of them", not any(sought.leaks(Piece("its text", text)))


def names(results: Iterable[Path]) -> list[str]:
    """Return the words of results that the repository doesn't say: a patient called so stops the study."""
    found = {
        word for path in all_files(results) for piece in pieces(path) if not piece.code for word in words(piece.text)
    }
    called = Secrets({(word,): "part of a name" for word in found if word.isalpha() and len(word) > 2})
    spare(called, repository())
    return sorted(word for (word,) in called.phrases)


def told(table: pd.DataFrame, called: list[str]) -> str:
    """Return the errors as text: a line for each error, a column for each size of the archive."""
    wide = table.pivot_table(index=["error", "what", "numbered"], columns="patients", values="share", sort=False)
    alarms = table[(table["error"] == "false alarm") & (table["what"] == "any")].groupby("patients")
    lines = [
        f"{size} patients: {round((rows['archives'] * rows['share']).sum())} of {rows['archives'].sum()} archives stop a clean study."
        for size, rows in alarms
    ]
    missed = wide[wide.max(axis=1) > 0]
    return "\n".join([
        *lines,
        "Share of archives by their patients; what is not listed did not occur.",
        missed.to_string() if len(missed) else "(nothing)",
        f"A patient called like one of these {len(called)} words stops the study: {', '.join(called) or 'none'}.",
    ])  # fmt: skip
