"""The configuration of a study: one frozen model, in which a typo is an error with the key's name.

`config.yaml` holds the default study; overlays (`workflow/studies/`) change
some of its keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import model_validator

from analysis import statistics
from analysis.archive.facts import CohortSettings
from analysis.archive.handed_over import lacking
from analysis.errors import StudyError
from analysis.settings import Settings, parse
from analysis.statistics.names import find
from analysis.study.carried import adopt
from analysis.study.names import check_names
from analysis.study.sections import Sections
from analysis.yaml_files import dump_yaml, load_yaml, parse_yaml

#: The default study's cohort, and the source of its archive.
DEFAULT = "simulated"
PUBLISHED = {path.stem for path in Path(statistics.__file__).parent.glob("*.yaml")}


class Study(Sections):
    """Everything a study is made by, its sections held against one another."""

    @model_validator(mode="after")
    def _names_exist(self) -> Study:
        check_names(self)
        if self.compare and len(set(self.compare)) < 2:
            raise ValueError("'compare' names one grading twice; name two, or null")
        if self.network.trained and self.external.exams == "all" and self.selection.split == "given":
            raise ValueError(
                "selection.split is 'given', but with external.exams 'all' every eligible exam is judged, whichever set "
                "sets.csv has it in; set external.exams to 'test', or selection.split to 'auto'"
            )
        if self.external.exams == "all" and self.external.thresholds == "validation":
            raise ValueError(
                "external.thresholds is 'validation', but with external.exams 'all' there is no validation set; set that "
                "to 'test'"
            )
        published = self.statistics.published
        if not Path(published).is_file():
            find((published,), PUBLISHED, "statistics.published", "file, nor published results by that name")
        return self


def load_study(config: Mapping[str, Any], source: str = "config.yaml") -> Study:
    """Check a configuration as Snakemake merged it, and complete what it says of the cohort by its source.

    Parameters
    ----------
    config : mapping
        The merged keys of `config.yaml` and its overlays.
    source : str
        What to call it in an error.

    Raises
    ------
    StudyError
        One sentence with the wrong key and, for a typo, the nearest valid one.
    """
    study = parse(Study, dict(config), source)
    if study.start == "archive" and not study.source.make:
        _hold_folder(study.archive.folder, source)
    if study.start == "archive" and study.archive.source != DEFAULT == study.cohort.name:
        raise StudyError(
            f"{source}: cohort.name is '{DEFAULT}', where the results of the simulated archive are, but archive.source is "
            f"'{study.archive.source}'; give the cohort a name of its own."
        )
    if study.start == "archive" and study.archive.folder and study.source.make:
        raise StudyError(
            f"{source}: archive.folder is '{study.archive.folder}', but the source '{study.archive.source}' doesn't read it; "
            "set archive.source to 'folder', or archive.folder to null."
        )
    if study.source.make and study.cohort.kind not in (None, study.source.cohort.kind):
        raise StudyError(
            f"{source}: cohort.kind is '{study.cohort.kind}', but the source '{study.archive.source}' is "
            f"{study.source.cohort.kind}; leave the key out."
        )
    return study.model_copy(update={"cohort": cohort_facts(study)})


def _hold_folder(folder: str | None, source: str) -> None:
    """Refuse an archive that isn't handed over whole."""
    try:
        if not (folder and Path(folder).is_dir()):
            raise StudyError(
                f"{source}: archive.folder is '{folder}', which is not a folder; "
                "give the path of the archive that holds dicom/, reports.csv and readings.csv."
            )
        told = lacking(Path(folder))
    except OSError as error:
        told = f"{error.filename} can't be entered ({error.strerror}); ask for the right to read it."
    if told:
        raise StudyError(f"{source}, archive.folder: {told}")


def has_split(study: Study) -> bool:
    """Whether a sets.csv comes with the archive."""
    if study.source.make:
        return study.source.sets
    return bool(study.archive.folder) and (Path(str(study.archive.folder)) / "sets.csv").is_file()


def cohort_facts(study: Study) -> CohortSettings:
    """Return what the cohort is: as the configuration says, and otherwise as the source says of itself."""
    way = study.selection.split
    given = way == "given" or (way == "auto" and has_split(study))
    said = study.cohort.model_dump(exclude_none=True)
    facts = study.source.cohort.model_dump(exclude_none=True)
    if study.source.told:
        facts |= study.source.told(study.made_by)
    if any(said.get(name, facts.get(name)) != facts.get(name) for name in ("data_set", "citation")):
        # Another data set than the source's: what the source says of its own is not told of this one.
        facts = {n: value for n, value in facts.items() if not n.startswith(("data_set", "citation", "origin"))}
    return CohortSettings.model_validate(facts | {"split": "given" if given else "drawn"} | said)


def read_configuration(files: Iterable[str | Path], entries: Iterable[str] = ()) -> dict[str, Any]:
    """Read configuration files and entries of the command line, each upon those before it.

    Parameters
    ----------
    files : iterable of path
        `config.yaml` and its overlays.
    entries : iterable of str
        As `--config` takes them: `key=value`, the value in YAML.

    Raises
    ------
    StudyError
        If a file is missing, is no YAML, has a key twice or is no mapping; if an entry comes twice; or if a network that
        was trained elsewhere asks for other values (`analysis.study.carried`).
    """
    found: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for i, path in enumerate(files):
        values = load_yaml(path)
        if not isinstance(values, dict):
            raise StudyError(f"{path} holds no keys; write it like config.yaml, a key and a value a line.")
        _merge(found, values)
        if i:  # upon the default study
            _merge(said, deepcopy(values))
    given: set[str] = set()
    for entry in entries:
        key, _, text = entry.partition("=")
        if key in given:
            raise StudyError(f"--config: '{key}' is given twice; keep one.")
        given.add(key)
        value = _entry(key, text)
        _merge(found, {key: value})
        _merge(said, {key: deepcopy(value)})
    network = found.get("network")
    if isinstance(network, dict) and network.get("trained") and found.get("start", "archive") == "archive":
        return adopt(found, said)
    return found


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _entry(key: str, text: str) -> Any:
    try:
        return parse_yaml(text, f"--config {key}")
    except StudyError:
        if text.lstrip().startswith(("{", "[")):
            raise
        return text  # a title may hold a colon


def as_file(section: Settings, without: Collection[str] = ()) -> tuple[str, str]:
    """Return a section as the text of a file of its own, and a hash of that text for the file's name.

    A stage has its section as an input: what changes elsewhere in the configuration doesn't rerun it. A name that
    holds the content makes that file the same whoever writes it, and no other run can put something else there.
    Keys that say which jobs there are, and nothing of what one does, are left out by name.
    """
    text = dump_yaml(section.model_dump(mode="json", exclude=set(without)))
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]
