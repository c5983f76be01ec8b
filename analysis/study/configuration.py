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
from analysis.archive.facts import CohortSettings
from analysis.archive.settings import SOURCES, ArchiveSettings, IngestSettings
from analysis.archive.sources import Source
from analysis.cohort.settings import SelectionSettings
from analysis.errors import StudyError
from analysis.files import write_text
from analysis.grading.settings import ReferenceSettings
from analysis.imaging.settings import ImagesSettings
from analysis.network.settings import AttributionSettings, NetworkSettings
from analysis.reading.settings import ReadingSettings
from analysis.report.settings import ReportSettings
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

    cohort: CohortSettings = Field(description="what the cohort is; results go to results/<its name>/")
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

    @property
    def source(self) -> Source:
        """Where the archive comes from."""
        return SOURCES[self.archive.source]

    @property
    def made_by(self) -> Settings:
        """The settings that the source makes its archive by."""
        return getattr(self, self.source.section) if self.source.section else getattr(self.archive, self.archive.source)


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
    handed_over = study.start == "archive" and not study.source.make
    if handed_over and not (study.archive.folder and Path(study.archive.folder).is_dir()):
        raise StudyError(
            f"{source}: archive.folder is '{study.archive.folder}', which is not a folder; "
            "give the path of the archive that holds dicom/, reports.csv and readings.csv."
        )
    if study.source.make and study.cohort.kind not in (None, study.source.cohort.kind):
        raise StudyError(
            f"{source}: cohort.kind is '{study.cohort.kind}', but the source '{study.archive.source}' is "
            f"{study.source.cohort.kind}; leave the key out."
        )
    return study.model_copy(update={"cohort": cohort_facts(study)})


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
    if study.cohort.citation and study.cohort.citation != study.source.cohort.citation:
        facts = {name: value for name, value in facts.items() if not name.startswith(("data_set", "origin"))}
    return CohortSettings.model_validate(facts | {"split": "given" if given else "drawn"} | said)


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
