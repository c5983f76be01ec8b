"""The options that several commands share: each is defined once, and its name means the same in all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from analysis.settings import GRADINGS


class _Grading(click.Path):
    """A grading scheme: its file, or its name where it is one of the study's."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the scheme's file."""
        known = sorted(path.stem for path in GRADINGS.glob("*.yaml"))
        if str(value) in known:
            return GRADINGS / f"{value}.yaml"
        if not Path(value).is_file():
            listed = ", ".join(known) or "none"
            self.fail(
                f"there is no grading '{value}'; give a scheme's file, or one of {GRADINGS}: {listed}.", param, ctx
            )
        return super().convert(value, param, ctx)


#: What is read has to be there; what is written need not.
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)

#: What each takes, and what it is.
SHARED: dict[str, tuple[click.ParamType[Any], str]] = {
    "--archive": (FOLDER, "The archive: the folder that holds dicom/, reports.csv and readings.csv."),
    "--images-index": (FILE, "images.parquet of ingest: every image of the archive."),
    "--readings": (FILE, "readings.parquet of ingest: every reading of the archive."),
    "--private": (FILE, "The private index.parquet of ingest: identifiers and source paths."),
    "--harmless": (FILE, "CSV with a column `words`: what the search for identities finds and identifies nobody."),
    "--images": (FOLDER, "The folder of prepared images."),
    "--exams": (FILE, "exams.parquet of the selection: each exam with its set."),
    "--reference": (FILE, "The reference standard, CSV or Parquet: exam, patient, set, grades."),
    "--predictions": (FILE, "Predictions by exam, CSV or Parquet: exam, patient, set, scores."),
    "--weights": (FILE, "weights.safetensors; one for each seed."),
    "--grading": (
        _Grading(exists=True, dir_okay=False, path_type=Path),
        "The grading scheme: its name in workflow/gradings, or its file.",
    ),
    "--config": (FILE, "The whole configuration, YAML; of a study results/<cohort>/settings/study-<hash>.yaml."),
    "--seed": (click.IntRange(0), "The seed that all random draws of this step come from."),
    "--level": (
        click.FloatRange(0.5, 1, min_open=True, max_open=True),
        "Confidence level of the intervals, a share: the study's statistics.level.",
    ),
    "--workers": (click.IntRange(1), "Processes or threads."),
}

Command = TypeVar("Command", bound=Callable[..., Any])


def shared(name: str, *named: str, **more: Any) -> Callable[[Command], Command]:
    """Give a command one of the shared options.

    Parameters
    ----------
    name : str
        A key of `SHARED`.
    *named : str
        What the command's function calls it, where that differs.
    **more
        As of `click.option`; without a default the option is required.
    """
    kind, what = SHARED[name]
    if name == "--workers":
        more = {"default": 1, "show_default": True} | more
    details: dict[str, Any] = {"type": kind, "help": what, "required": "default" not in more} | more
    return click.option(name, *named, **details)


def section_file(section: str, name: str = "--settings", *named: str, **more: Any) -> Callable[[Command], Command]:
    """Give a command the option for the file of one section of the configuration."""
    what = f"YAML of the section '{section}' of the configuration."
    details: dict[str, Any] = {"type": FILE, "help": what, "required": True} | more
    return click.option(name, *named, **details)


def out(what: str, kind: click.Path = NEW_FOLDER) -> Callable[[Command], Command]:
    """Give a command the option for what it writes: a folder, or with `NEW_FILE` a file."""
    return click.option("--out", type=kind, required=True, help=what)
