"""The configuration of a study: one frozen model, in which a typo is an error with the key's name.

`config.yaml` holds the default study; overlays (`workflow/studies/`) change
some of its keys. Each section is declared by the subject that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from analysis.active_learning.settings import ActiveLearningSettings
from analysis.archive.settings import IngestSettings
from analysis.archive.sources.settings import ArchiveSettings
from analysis.cohort.settings import SelectionSettings
from analysis.errors import StudyError
from analysis.files import write_text
from analysis.grading.settings import ReferenceSettings
from analysis.imaging.settings import ImagesSettings
from analysis.network.settings import AttributionSettings, NetworkSettings
from analysis.reading.settings import ReadingSettings
from analysis.report.settings import CohortSettings, ReportSettings
from analysis.settings import Settings, parse
from analysis.simulate.settings import SimulateSettings
from analysis.statistics.settings import StatisticsSettings

GRADINGS = Path("workflow/gradings")


class Study(Settings):
    """Everything a study is made by.

    Attributes
    ----------
    cohort : CohortSettings
        Which archive, and what it is; its name is the first folder below `results/`.
    grading : str
        Which scheme of `workflow/gradings/`; the second folder.
    compare : pair of str, optional
        The two schemes that `snakemake compare_gradings` sets side by side.
    seed : int
        All randomness of the study comes from here.
    start : {"archive", "predictions"}
        Where the DAG begins.
    """

    cohort: CohortSettings = Field(description="the cohort; results go to results/<its name>/")
    grading: str = Field(description="a scheme of workflow/gradings/; results go to results/<cohort>/<grading>/")
    compare: tuple[str, str] | None = Field(
        None, description="the schemes that compare_gradings sets side by side; early disease is what the first says"
    )
    seed: int = Field(2021, ge=0, lt=2**31, description="the seed that all random draws come from")
    start: Literal["archive", "predictions"] = Field(
        "archive",
        description="where the DAG begins: at the archive; or at the predictions, which a bundle for reviewers brings "
        "along with the index, the selection and the reference standard",
    )
    archive: ArchiveSettings = ArchiveSettings()
    simulate: SimulateSettings = SimulateSettings()
    ingest: IngestSettings = IngestSettings()
    images: ImagesSettings = ImagesSettings()
    selection: SelectionSettings = SelectionSettings()
    reference: ReferenceSettings = ReferenceSettings()
    network: NetworkSettings = NetworkSettings()
    attribution: AttributionSettings = AttributionSettings()
    reading: ReadingSettings = ReadingSettings()
    active_learning: ActiveLearningSettings = ActiveLearningSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _gradings_exist(self) -> Study:
        known = sorted(path.stem for path in GRADINGS.glob("*.yaml"))
        for name in (self.grading, *self.network.tasks):
            if name not in known:
                raise ValueError(f"there is no {GRADINGS}/{name}.yaml; known are {', '.join(known)}")
        return self


def load_study(config: Mapping[str, Any], source: str = "config.yaml") -> Study:
    """Check a configuration as Snakemake merged it.

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
    from_folder = study.start == "archive" and study.archive.source == "folder"
    if from_folder and not (study.archive.folder and Path(study.archive.folder).is_dir()):
        raise StudyError(
            f"{source}: archive.folder is '{study.archive.folder}', which is not a folder; "
            "give the path of the archive that holds dicom/, reports.csv and readings.csv."
        )
    return study


def write_section(section: Settings, path: str | Path) -> str:
    """Write one section to a file of its own, and only if that changes the file.

    A stage has its section as an input: what changes elsewhere in the
    configuration doesn't rerun it.
    """
    path = Path(path)
    text = yaml.safe_dump(section.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
    return str(path)
