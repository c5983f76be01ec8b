"""All tables of the manuscript, each a function of the results."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from analysis.files import seal
from analysis.presentation.active_learning import active_learning_table
from analysis.presentation.hashes import hashes, write_sources
from analysis.presentation.learning_curve import learning_curve_table
from analysis.presentation.markdown import Table, write_table_files
from analysis.presentation.results import Results
from analysis.presentation.tables import (
    audit,
    calibration,
    checklists,
    cohort,
    decisions,
    external,
    intervals,
    performance,
    readers,
    subgroups,
)

#: What stands in the file of a table that this run has no data for; the manuscript then leaves the table out.
ABSENT = Table(("Table",), (("Not part of this run.",),))

TABLES: dict[str, Callable[[Results], Table | None]] = {
    "network": cohort.network,
    "distribution": cohort.distribution,
    "images": cohort.images,
    "agreement": readers.agreement,
    "performance": performance.performance,
    "location": performance.location,
    "implants": performance.implants,
    "summary": performance.summary,
    "optimism": calibration.optimism,
    "calibration": calibration.calibration,
    "cumulative": calibration.cumulative,
    "sample_size": calibration.sample_size,
    "prevalence": performance.prevalence,
    "published": performance.published,
    "readers": readers.readers,
    "subgroups": subgroups.subgroups,
    "comparisons": intervals.comparisons,
    "occlusion": decisions.occlusion,
    "intervals": intervals.intervals,
    "coverage": intervals.coverage,
    "positives": intervals.positives,
    "audit": audit.audit,
    "development": external.development,
    "updating": external.updating,
    "cohorts": external.cohorts,
    "active_learning": active_learning_table,
    "learning_curve": learning_curve_table,
}


def write_tables(results: Results, checklist_folder: Path, out: Path) -> None:
    """Write every table to a folder, as `NAME.md` and `NAME.csv`; what was in the folder goes.

    Parameters
    ----------
    results : Results
    checklist_folder : Path
        YAML files of the reporting guidelines.
    out : Path
        The folder.
    """
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    sources = {}
    for name, make in TABLES.items():
        with results.recording() as seen:
            table = make(results)
        write_table_files(table or ABSENT, out, name)
        if table:  # what the manuscript leaves out is none of the files that it was made from
            sources[f"{name}.md"] = hashes(seen)
    for path in sorted(checklist_folder.glob("*.yaml")):
        write_table_files(checklists.checklist(path, external=bool(results.origin)), out, f"checklist-{path.stem}")
        sources[f"checklist-{path.stem}.md"] = hashes([path])
    write_sources(sources, out)
    seal(out)
