"""The sections of a study's configuration, each declared by the subject that reads it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from analysis.active_learning.settings import ActiveLearningSettings
from analysis.archive.facts import CohortSettings
from analysis.archive.settings import SOURCES, ArchiveSettings, IngestSettings
from analysis.archive.sources import Source
from analysis.cohort.settings import SelectionSettings
from analysis.grading.settings import ReferenceSettings
from analysis.imaging.settings import ImagesSettings
from analysis.learning_curve.settings import LearningCurveSettings
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.presentation.settings import ManuscriptSettings
from analysis.reading.settings import ReadingSettings
from analysis.settings import SEED, Settings
from analysis.simulate.settings import SimulateSettings
from analysis.statistics.settings import ExternalSettings, StatisticsSettings


class Sections(Settings):
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
        None,
        description="the schemes that compare_gradings sets side by side; the rule `early` of the first scheme defines early disease",
    )
    compare_networks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")], str] = Field(
        default={},
        description="networks that compare_networks sets beside this study's own on its test exams: for each a name for the "
        "tables (letters, digits, . _ -) and its folder (the card of another training)",
    )
    seed: int = Field(SEED, ge=0, lt=2**31, description="the seed that all random draws come from")
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
    prediction: PredictionSettings = PredictionSettings()
    attribution: AttributionSettings = AttributionSettings()
    reading: ReadingSettings = ReadingSettings()
    active_learning: ActiveLearningSettings = ActiveLearningSettings()
    learning_curve: LearningCurveSettings = LearningCurveSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    external: ExternalSettings = ExternalSettings()
    manuscript: ManuscriptSettings = ManuscriptSettings()

    @property
    def source(self) -> Source:
        """Where the archive comes from."""
        return SOURCES[self.archive.source]

    @property
    def made_by(self) -> Settings:
        """The settings that the source makes its archive by."""
        return getattr(self, self.source.section) if self.source.section else getattr(self.archive, self.archive.source)

    @property
    def brought(self) -> list[str]:
        """The tables that the source's settings name, to be put beside what it makes or to be asked for."""
        named = (getattr(self.made_by, name, None) for name in ("accessions", "readings")) if self.source.make else ()
        return [str(path) for path in named if path]
