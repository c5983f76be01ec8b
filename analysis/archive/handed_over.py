"""The folder that an archive is handed over in: what lies beside its images, by name."""

from __future__ import annotations

import re
from pathlib import Path

#: The tables that lie beside an archive's images.
NAMES = ("reports.csv", "readings.csv", "sets.csv", "exams.csv")
#: What a study can't do without, and what to do where it is missing.
_NEEDED = {
    "dicom": "make a folder of that name there and put the radiographs into it, in any tree",
    "reports.csv": "put it there; where there are no reports, its first line is enough (accession,text)",
    "readings.csv": "put it there; `python -m analysis read-export` writes what was graded in the reading room",
}


def lacking(folder: Path) -> str | None:
    """Say what a study of this archive can't do without and doesn't find, and what to do; None where all is there."""
    for name, advice in _NEEDED.items():
        if not (folder / name).exists():
            if (folder / name).is_symlink():
                return _astray(folder / name)
            alike = [path for path in sorted(folder.iterdir()) if path.name.casefold() == name]
            told = f"{alike[0]} isn't read: call it {name}." if alike else misnamed(folder)
            return told or f"The archive {folder} has no {name}: {advice}."
    return None


def misnamed(folder: Path) -> str | None:
    """Say which file beside an archive's images is one of its tables by a name that isn't read, or None."""
    others = sorted(path for path in folder.iterdir() if path.name not in NAMES)
    for path in others if (folder / "dicom").is_dir() else ():
        if path.name != "dicom" and re.fullmatch(r"dicom[\W\d_]*(zip|7z|rar|tar|t?gz)?|.*\.dcm", path.name.casefold()):
            return f"{path} isn't read, since files are read in the folder dicom; put it in there, or take it out of the archive."
    for name in NAMES:
        table = folder / name
        if table.exists():
            continue
        if table.is_symlink():
            return _astray(table)
        # As copies are called: readings (1).csv, Copy of readings.csv; exams_excluded.csv is none. Or one is left out: set.csv.
        ending = r"\.(csv|tsv|txt|xlsx?|ods)$"
        copied = re.compile(
            rf"{table.stem}(\.|$)|((cop|kop)\w+ .*)?{table.stem}([\W\d_]|(cop|kop)(y|i[ae]?)|final|new|v\d)*{ending}|"
            rf"{table.stem[:-1]}{ending}"
        )
        again = [path for path in others if copied.match(path.name.casefold()) and not path.is_dir()]
        again += [path for path in (folder / "dicom" / name,) if path.is_file()]
        if again:
            return (
                f"{again[0]} isn't read: an archive's table is called {name}, is CSV, and lies beside the folder dicom; "
                "save it so, or take it out of the archive."
            )
    return None


def _astray(link: Path) -> str:
    return f"{link} is a link to nowhere; correct it, or remove it."
