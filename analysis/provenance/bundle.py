"""The bundle for reviewers: a zip from which the manuscript is rendered and all statistics are done again.

In it the repository's code stands as it is, `results/` holds what the statistics start from, `published/` what the
study itself made, and `study.yaml` is the overlay with which the DAG starts at the predictions.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from analysis.errors import StudyError
from analysis.files import atomic, write_text
from analysis.network.form.structure import write_structure
from analysis.provenance.crate import write_crate
from analysis.provenance.crate_check import check_crate
from analysis.provenance.provenance import ROOT, code_files, publishable
from analysis.yaml_files import dump_yaml

OVERLAY = "study.yaml"
PUBLISHED = "published"
README = "REVIEWERS.md"
#: Beside the code, from the top of the repository. README and handbook are for those who run a study of their own.
PAPERS = ("LICENSE", "CITATION.cff")
FOLDERS = {
    "analysis": "The science: an importable package, one folder a subject",
    "workflow": "Rules, gradings and profiles of the workflow",
    "manuscript": "Prose and layout of the manuscript, without a number",
    "envs": "Environments: lock, system packages, conda",
}
#: The package is the same in every study and older than its archive. It holds the names that the simulator makes up, and
#: words of its own that may be a patient's name.
PACKAGE = Path("analysis")
_TEXT = """\
# {title}: bundle for reviewers

Everything but images and weights: the code, what the statistics start from (`results/`), and what the study made of it
(`{published}/`). Patients and exams stand under pseudonyms. `ro-crate-metadata.json` describes each file (Workflow Run
RO-Crate), `{published}/provenance.json` says what the study was made with.

    make render                                    # the manuscript from tables, figures and values: {published}/rendered/
    cd {published}/manuscript && quarto render     # the same by Quarto alone: manuscript.html … beside index.html …
    snakemake --cores all --configfile {overlay}   # all statistics, tables, figures and the manuscript, from predictions

`make render` sets up what is missing, from Python 3.11 on; after it `. .venv/bin/activate` enters the environment that the
third needs. The second needs Quarto.
The last one writes to `{study}/`, to be compared with `{published}/`; neither images nor a GPU nor training are needed.
"""


def contents(study: Path, cohort: Path, given: Iterable[Path]) -> dict[str, Path]:
    """Return what goes into a bundle: path within it to file, without the files that are written for the bundle.

    Parameters
    ----------
    study, cohort : Path
        The study's folder of results and its cohort's, relative to the repository.
    given : iterable of Path
        Files and folders that the statistics start from, relative to the repository. Weights are left out.

    Raises
    ------
    StudyError
        If a folder isn't there.
    """
    found = {path.as_posix(): ROOT / path for path in code_files()}
    found |= {name: ROOT / name for name in PAPERS if (ROOT / name).is_file()}
    made = [study / name for name in ("statistics", "tables", "figures", "manuscript")]
    single = [study / name for name in ("values.yml", "provenance.json", "checks.csv", "privacy.csv")]
    single += [cohort / name for name in ("coverage.csv", "false_positives.csv", "sample_size.csv", "audit.csv")]
    for root in (*made, *single):
        if not root.exists():
            raise StudyError(f"{root} does not exist; run snakemake first.")
    # Other networks are compared where somebody asks for it.
    beside = study / "manuscript-networks"
    made += [beside] if beside.exists() else []
    for path in (study / "networks").glob("*.*") if beside.exists() else ():
        found[f"{PUBLISHED}/networks/{path.name}"] = path
    for root in (*made, *single):
        for path in _files(root):
            found[f"{PUBLISHED}/{path.relative_to(root.parent).as_posix()}"] = path
    for root in given:
        for path in _files(root):
            if path.suffix != ".safetensors":
                found[path.as_posix()] = path
    return found


def _files(root: Path) -> list[Path]:
    """Return a file, or the files in a folder but for Snakemake's time stamps."""
    if root.is_file():
        return [root]
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def stage(
    out: Path, study: Path, cohort: Path, given: Iterable[Path], config: Mapping[str, Any], provenance: Path
) -> None:
    """Lay out the bundle in a folder.

    Parameters
    ----------
    out : Path
        An empty folder.
    study, cohort : Path
        Folders of results.
    given : iterable of Path
        What the statistics start from.
    config : mapping
        The whole resolved configuration.
    provenance : Path
        `provenance.json` of the study.
    """
    given = list(given)
    for name, path in contents(study, cohort, given).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)
        if path.suffix == ".sh":
            (out / name).chmod(0o755)
    for path in (path for root in given for path in _files(root)):
        if path.suffix == ".safetensors":
            write_structure(path, out / path.parent / "structure.json")
    clean = publishable(config)
    title = clean["manuscript"]["title"] or f"{clean['cohort']['title'].capitalize()}, {clean['grading']}"
    for name, start in ((OVERLAY, "predictions"), (f"{PUBLISHED}/config.yaml", "archive")):
        write_text(out / name, dump_yaml(clean | {"start": start}))
    write_text(out / README, _TEXT.format(title=title, published=PUBLISHED, overlay=OVERLAY, study=study))
    write_crate(
        out,
        json.loads(provenance.read_text(encoding="utf-8")),
        title=title,
        description=" ".join(clean["cohort"]["description"].split()),
        datasets=FOLDERS,
        given=cohort.as_posix(),
        made=PUBLISHED,
        config=f"{PUBLISHED}/config.yaml",
    )
    check_crate(out)


def searchable(folder: Path) -> list[Path]:
    """Return the files of a staged bundle that may hold nothing that identifies a person."""
    return [path for path in _files(folder) if not path.relative_to(folder).is_relative_to(PACKAGE)]


def pack(folder: Path, out: Path, limit_mb: float) -> float:
    """Zip a folder; the same files give the same bytes.

    Parameters
    ----------
    folder : Path
        What to pack.
    out : Path
        The zip.
    limit_mb : float
        Largest size, megabytes (10^6 bytes).

    Returns
    -------
    float
        Its size, megabytes.

    Raises
    ------
    StudyError
        If it is larger; names the largest files. Nothing is written then.
    """
    with atomic(out) as temporary:
        with ZipFile(temporary, "w") as archive:
            for path in _files(folder):
                entry = ZipInfo(path.relative_to(folder).as_posix())
                entry.external_attr = (0o100755 if path.suffix == ".sh" else 0o100644) << 16
                archive.writestr(entry, path.read_bytes(), ZIP_DEFLATED, 9)
            entries = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)
        size = temporary.stat().st_size / 1e6
        if size > limit_mb:
            largest = ", ".join(f"{entry.filename} ({entry.compress_size / 1e6:.1f} MB)" for entry in entries[:5])
            raise StudyError(
                f"The bundle has {size:.1f} MB, more than manuscript.bundle_mb allows ({limit_mb:g}). The largest files are "
                f"{largest}; lower manuscript.figures.dpi or attribution.exams, or raise the limit."
            )
    return size


def bundle(
    *,
    study: Path,
    cohort: Path,
    given: Iterable[Path],
    config: Mapping[str, Any],
    search: Callable[[list[Path]], int],
    out: Path,
) -> tuple[int, float]:
    """Make the bundle of a study.

    Parameters
    ----------
    study, cohort : Path
        Folders of results, relative to the repository, which is the current folder.
    given : iterable of Path
        What the statistics start from.
    config : mapping
        The whole resolved configuration.
    search : callable
        Searches files for what identifies a person, raises if it finds any, and returns how many it searched.
    out : Path
        The zip.

    Returns
    -------
    searched : int
        Files that were searched.
    size : float
        Megabytes.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".bundle-") as name:
        folder = Path(name)
        stage(folder, study, cohort, given, config, study / "provenance.json")
        searched = search(searchable(folder))
        return searched, pack(folder, out, config["manuscript"]["bundle_mb"])
