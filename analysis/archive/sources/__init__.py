"""Where an archive comes from. Every module of this folder is a source: it declares itself in `SOURCE`.

A source that is made (fetched, converted, simulated) has a function that leaves an archive in a folder: `dicom/`,
`reports.csv`, `readings.csv` and, where the split is given, `sets.csv`. To add one, add a module; the configuration,
the rules and the text learn of it from its declaration. A module imports what is heavy inside its functions, since
every command that reads the configuration imports it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analysis.archive.facts import CohortSettings
from analysis.errors import StudyError
from analysis.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a source says of itself.

    Attributes
    ----------
    title : str
        What it is, for the comment in config.yaml.
    personal_data : bool
        Whether somebody could find out by what it holds who a patient is. There is no default, and a source that
        doesn't say is refused. Pseudonyms come from the study's public seed only where this is False; everything else
        needs a secret key.
    cohort : CohortSettings
        The facts that the text asks for; what the configuration says in its section `cohort` stands above them.
    settings : type of Settings, optional
        Its own section of the configuration: `archive.<name>`, or the one named by `section`.
    section : str, optional
        A section at the top of the configuration that holds its settings.
    told : callable, optional
        `told(settings)` returns facts of the cohort that depend on the source's settings.
    make : callable, optional
        `make(settings, seed, out, workers)` leaves the archive in the folder `out` and returns a sentence on what it
        made. Without, the archive is handed over in the folder `archive.folder`.
    sets : bool
        Whether `make` leaves a `sets.csv`.
    exams : bool
        Whether `make` leaves an `exams.csv`: age and sex, which the headers don't say.
    """

    title: str
    cohort: CohortSettings
    personal_data: bool | None = None
    settings: type[Settings] | None = None
    told: Callable[[Any], dict[str, str]] | None = None
    section: str | None = None
    make: Callable[[Any, int, Path, int], str] | None = None
    sets: bool = False
    exams: bool = False


@cache
def find_sources() -> dict[str, Source]:
    """Return the sources by name, each from the module that declares it.

    Raises
    ------
    StudyError
        If a module declares none, or one that doesn't say whether it holds personal data.
    """
    return {
        module.name: check(module.name, getattr(importlib.import_module(f"{__name__}.{module.name}"), "SOURCE", None))
        for module in pkgutil.iter_modules(__path__)
    }


def check(name: str, source: object) -> Source:
    """Return a module's declaration, or say what is wrong with it.

    Raises
    ------
    StudyError
        If there is none, or it leaves out whether it holds personal data or what settings it is made by.
    """
    where = f"analysis/archive/sources/{name}.py"
    if not isinstance(source, Source):
        raise StudyError(f"{where} declares no source; give it SOURCE = Source(...), or move it out of that folder.")
    if not isinstance(source.personal_data, bool):
        raise StudyError(
            f"{where} doesn't say whether it holds personal data; give its SOURCE personal_data=True, "
            "or False if nobody can be identified from it."
        )
    if source.make and not source.settings:
        raise StudyError(f"{where} makes an archive but names no settings; give its SOURCE settings=...")
    return source
