"""Search what may be published for everything in the archive that identifies a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.checks.identities import Secrets, is_number, is_soft, secrets, words
from analysis.checks.texts import pieces
from analysis.errors import StudyError
from analysis.files import write_table
from analysis.schemas.checks import LEAKS, PRIVACY
from analysis.tables import read_text_table

#: What the file with the words of leaks is called, beside the private index.
FOUND = "leaks.csv"
#: Files of the repository that name authors, and give the numbers of their papers.
AUTHORS = (".bib", ".cff")


def repository() -> list[Path]:
    """Return the repository's own texts, but for the simulator's, which names its patients."""
    root = Path(__file__).resolve().parents[2]
    parts = [path for path in sorted((root / "analysis").iterdir()) if path.name not in ("simulate", "__pycache__")]
    names = ("manuscript", "workflow", "envs", "README.md", "CITATION.cff", "LICENSE", "config.yaml", "Snakefile")
    return [*parts, *(root / name for name in names if (root / name).exists())]


def spare(found: Secrets, public: Iterable[Path]) -> None:
    """Drop the soft phrases that the repository's own texts hold: they can't be a leak of the archive.

    So "Olsson" in a reference doesn't stop a study with a patient Olsson, but "Olsson Anna" does, unless an author in
    the bibliography is called so.
    """
    for path in all_files(public):
        if path.suffix != ".pyc":
            for piece in pieces(path):
                for phrase, kind in list(found.find(piece.text)):
                    if is_soft(phrase, kind):
                        found.drop(phrase)
                    elif path.suffix in AUTHORS and (kind == "name" or is_number(phrase)):
                        for order in permutations(phrase):
                            found.drop(order)
                            found.drop(("".join(order),))


def all_files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and the files below folders."""
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from (path for path in sorted(root.rglob("*")) if path.is_file())


class Leak(NamedTuple):
    """What was found: file, place in it, kind of value, and the words, which only private files may hold."""

    file: Path
    where: str
    kind: str
    words: str


def search(found: Secrets, results: Iterable[Path], skip: Iterable[Path] = ()) -> tuple[int, list[Leak]]:
    """Search all files below some folders.

    Parameters
    ----------
    found : Secrets
    results : iterable of Path
        Files or folders.
    skip : iterable of Path
        Files among them that are not searched.

    Returns
    -------
    n : int
        Files searched.
    leaks : list of Leak
    """
    n = 0
    leaks: dict[Leak, None] = {}
    skip = {path.absolute() for path in skip}
    for path in all_files(results):
        if path.absolute() in skip:
            continue
        n += 1
        for piece in pieces(path):
            for phrase, kind in found.leaks(piece):
                leaks[Leak(path, piece.where, kind, " ".join(phrase))] = None
    return n, list(leaks)


def check(
    files: pd.DataFrame,
    reports: Iterable[str],
    results: list[Path],
    public: Iterable[Path] = (),
    skip: Iterable[Path] = (),
    harmless: Path | None = None,
    words_file: Path | None = None,
) -> pd.DataFrame:
    """Fail if a result holds a value that identifies a person.

    Parameters
    ----------
    files : pandas.DataFrame
        The private index.
    reports : iterable of str
    results : list of Path
        What may be published.
    public : iterable of Path
        Texts that were public before the archive was read; see `spare`.
    skip : iterable of Path
        Files among the results that are not searched.
    harmless : Path, optional
        CSV with a column `words`: what was found before and identifies nobody, in somebody's judgement.
    words_file : Path, optional
        CSV, never to be published, for the words that are found.

    Returns
    -------
    pandas.DataFrame
        Columns `what`, `n`: files searched, phrases looked for by kind, values too short to look for.

    Raises
    ------
    StudyError
        Names file, place in it and kind of value, not the value.
    """
    missing = [path for path in results if not path.exists()]
    if missing:
        raise StudyError(f"There are no results at {missing[0]}; correct the path.")
    sought = secrets(files, reports)
    spare(sought, public)
    for text in read_text_table(harmless, ("words",))["words"] if harmless else ():
        sought.drop(tuple(words(text)))
    n, leaks = search(sought, results, skip)
    if words_file:
        words_file.unlink(missing_ok=True)
    if leaks:
        places = list(dict.fromkeys(f"{leak.file} ({leak.where}): {leak.kind}" for leak in leaks))
        more = f"; and {len(places) - 10} more" if len(places) > 10 else ""
        told = "Nothing may be published like this."
        if words_file:
            write_table(pd.DataFrame(leaks), words_file, LEAKS)
            told += (
                f" Remove what quotes the archive; {words_file}, which stays private, says which words were found. Those "
                "that identify nobody can be listed in the file of archive.harmless."
            )
        raise StudyError(f"Results hold what identifies a person: {'; '.join(places[:10])}{more}. {told}")
    rows = [("files searched", n)]
    rows += [(f"looked for: {kind}", count) for kind, count in sorted(Counter(sought.phrases.values()).items())]
    rows += [
        (f"found only where several stand in one text: {kind}", count)
        for kind, count in sorted(sought.in_company().items())
    ]
    rows += [(f"too short to look for: {kind}", count) for kind, count in sorted(sought.too_short.items())]
    return pd.DataFrame(rows, columns=list(PRIVACY.columns))
