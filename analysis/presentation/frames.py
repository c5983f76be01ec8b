"""What the earlier stages made, as tables, figures and values read it: a frame for each file, or nothing where a run has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.files import read_table
from analysis.grading.scheme import Scheme
from analysis.network.form.structure import scored_networks
from analysis.presentation.settings import ManuscriptSettings
from analysis.schemas import (
    AGREEMENT,
    CHARACTERISTICS,
    COUNTS,
    EXAMS,
    FLOW,
    IMAGE_COUNTS,
    REFERENCE,
    active_learning,
    learning_curve,
)
from analysis.schemas.columns import empty
from analysis.schemas.design import AUDIT, COVERAGE, FALSE_POSITIVES, SAMPLE_SIZE
from analysis.schemas.network import CASES, LEARNING, OCCLUSION, TEMPERATURES
from analysis.schemas.statistics import CURVES, ESTIMATES, PUBLISHED, ROC, SEEDS, THRESHOLDS
from analysis.yaml_files import load_yaml

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


@dataclass(frozen=True)
class Files:
    """The files of one study, each as a frame.

    Attributes
    ----------
    scheme : Scheme
        The grading.
    settings : ManuscriptSettings
        How to show it.
    statistics, reference, selection : Path
        Folders of the estimates, the reference standard and the selection.
    index, images, network, attribution : Path, optional
        Folders of the index, the prepared images, the networks and what they looked at.
    members, temperatures_file : Path, optional
        seeds.parquet of the predictions, which says what networks there are, and temperatures.csv.
    coverage, false_positives, sample_size, audit : Path, optional
        CSV files; without them those in the folder of the estimates, where they are.
    active_learning : Path, optional
        Folder of the comparison of active learning's strategies.
    learning_curve : Path, optional
        Folder of the learning curve.
    """

    scheme: Scheme
    settings: ManuscriptSettings
    statistics: Path
    reference: Path
    selection: Path
    index: Path | None = None
    images: Path | None = None
    network: Path | None = None
    attribution: Path | None = None
    members: Path | None = None
    temperatures_file: Path | None = None
    coverage: Path | None = None
    false_positives: Path | None = None
    sample_size: Path | None = None
    audit: Path | None = None
    active_learning: Path | None = None
    learning_curve: Path | None = None

    _frames: dict[Path, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    _read: set[Path] = field(default_factory=set, repr=False, compare=False)

    @contextmanager
    def recording(self) -> Iterator[set[Path]]:
        """Collect the files that are asked for inside the block, so that a table can say what it was made from."""
        self._read.clear()
        seen: set[Path] = set()
        yield seen
        seen |= self._read

    def _table(
        self,
        path: Path | None,
        schema: pa.DataFrameSchema,
        prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
        optional: bool = False,
    ) -> pd.DataFrame:
        """Return a file's frame; where a run has no such file, one of its columns without a row."""
        if path is None or (optional and not path.is_file()):
            return prepare(schema.validate(empty(schema)))
        self._read.add(path)
        if path not in self._frames:
            self._frames[path] = prepare(read_table(path, schema))
        return self._frames[path]

    def estimates(self, name: str) -> pd.DataFrame:
        """Return `name`.csv of the statistics; empty where this run has none.

        Raises
        ------
        StudyError
            If the file is there but can't be read.
        """
        return self._table(self.statistics / f"{name}.csv", ESTIMATES[f"{name}.csv"], optional=True)

    @property
    def roc(self) -> pd.DataFrame:
        """AUCs of the test set, in the order of the scheme, with what names each outcome."""
        return self._table(self.statistics / "roc.csv", ROC, self._in_order)

    def _in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[frame["set"] == "test"].set_index("outcome")
        self.scheme.refuse_other(frame.index, self.statistics / "roc.csv")
        return frame.loc[[outcome.id for outcome in self.scheme.outcomes]]

    @property
    def single_networks(self) -> pd.DataFrame:
        """The AUCs of the networks of an ensemble, each by itself, by outcome; no row where there was one network."""
        return self._table(
            self.statistics / "seeds.csv", SEEDS, lambda frame: frame[frame["seeds"] > 1].set_index("outcome")
        )

    @property
    def thresholds(self) -> pd.DataFrame:
        """Threshold measures on the test set, by outcome and by the set the threshold was chosen on."""
        return self._table(
            self.statistics / "thresholds.csv", THRESHOLDS, lambda frame: frame.set_index(["outcome", "chosen_on"])
        )

    @property
    def curves(self) -> pd.DataFrame:
        """ROC curves with their bands."""
        return self._table(self.statistics / "curves.parquet", CURVES, optional=True)

    @property
    def exams(self) -> pd.DataFrame:
        """All exams of the archive with their set or reason."""
        return self._table(self.selection / "exams.parquet", EXAMS)

    @property
    def flow(self) -> pd.DataFrame:
        """The steps of the selection."""
        return self._table(self.selection / "flow.csv", FLOW)

    @property
    def files(self) -> pd.DataFrame:
        """What became of the archive's files: kind, code, n."""
        return self._table(_in(self.index, "counts.csv"), COUNTS, optional=True)

    @property
    def indexed(self) -> pd.DataFrame:
        """What became of the indexed images: code, n."""
        return self._table(self.selection / "images.csv", IMAGE_COUNTS, optional=True)

    @property
    def graded(self) -> pd.DataFrame:
        """The reference standard."""
        path = self.reference / "reference.parquet"
        return self._table(path, REFERENCE, self._of_scheme)

    def _of_scheme(self, frame: pd.DataFrame) -> pd.DataFrame:
        self.scheme.refuse_other(frame.columns, self.reference / "reference.parquet")
        return frame

    @property
    def origin(self) -> dict[str, Any]:
        """Which network was trained elsewhere, and on what; empty where the study trained its own."""
        path = self.network / "development/network.yaml" if self.network else None
        if path is None or not path.is_file():
            return {}
        self._read.add(path)
        return dict(load_yaml(path))

    @property
    def characteristics(self) -> pd.DataFrame:
        """What the exams of each set are like."""
        return self._table(self.reference / "characteristics.csv", CHARACTERISTICS, optional=True)

    @property
    def developed(self) -> pd.DataFrame:
        """The same of the study that trained the network elsewhere."""
        path = _in(self.network, "development/characteristics.csv") if self.origin else None
        return self._table(path, CHARACTERISTICS, optional=True)

    @property
    def agreement(self) -> pd.DataFrame:
        """Agreement of readers, by set and item."""
        return self._table(self.reference / "agreement.csv", AGREEMENT, optional=True)

    @property
    def published(self) -> pd.DataFrame:
        """Published estimates beside this study's, by outcome; empty where none fit the scheme."""
        return self._table(
            self.statistics / "published.csv",
            PUBLISHED,
            lambda frame: frame.set_index("outcome"),
            optional=True,
        )

    @property
    def covered(self) -> pd.DataFrame:
        """The simulation of coverage."""
        return self._table(self.coverage or self.statistics / "coverage.csv", COVERAGE, optional=True)

    @property
    def positives(self) -> pd.DataFrame:
        """The simulation of how often the tests find a difference that isn't there."""
        return self._table(
            self.false_positives or self.statistics / "false_positives.csv", FALSE_POSITIVES, optional=True
        )

    @property
    def planned(self) -> pd.DataFrame:
        """How wide intervals are expected to be at the published numbers."""
        return self._table(self.sample_size or self.statistics / "sample_size.csv", SAMPLE_SIZE, optional=True)

    @property
    def benefits(self) -> pd.DataFrame:
        """Decision curves, of the outcomes that have one."""
        frame = self.estimates("decisions")
        return frame[frame["net_benefit"].notna()]

    @property
    def audited(self) -> pd.DataFrame:
        """The audit of the published tables."""
        return self._table(self.audit or self.statistics / "audit.csv", AUDIT, optional=True)

    def acquired(self, name: Literal["curve", "stops"]) -> pd.DataFrame:
        """Return `name`.csv of active learning; empty where it was not run."""
        schema = {"curve": active_learning.CURVE, "stops": active_learning.STOPS}[name]
        return self._table(_in(self.active_learning, f"{name}.csv"), schema, optional=True)

    @property
    def by_exams(self) -> pd.DataFrame:
        """The learning curve: AUC and kappa by the number of training exams; empty where it was not run."""
        return self._table(_in(self.learning_curve, "curve.csv"), learning_curve.CURVE, optional=True)

    @property
    def seeds(self) -> list[Path]:
        """The folders of the networks, by seed."""
        if self.network is None:
            return []
        return scored_networks(self.network, self.members)

    @property
    def learning(self) -> pd.DataFrame:
        """Learning curves of all networks, with a column `seed`."""
        import pandas as pd

        if self.origin:  # its learning is another study's
            return pd.DataFrame()
        frames = [
            self._table(folder / "curve.csv", LEARNING).assign(seed=int(folder.name[5:]))
            for folder in self.seeds
            if (folder / "curve.csv").is_file()
        ]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @property
    def weights(self) -> Path | None:
        """The weights of the first network, or its structure alone where that is all there is."""
        names = ("weights.safetensors", "structure.json")
        path = next((path for folder in self.seeds[:1] for name in names if (path := folder / name).is_file()), None)
        if path:
            self._read.add(path)
        return path

    @property
    def temperatures(self) -> pd.DataFrame:
        """The temperature of each part of the scores."""
        return self._table(self.temperatures_file, TEMPERATURES, optional=True)

    @property
    def cases(self) -> pd.DataFrame:
        """The decisions that attribution looked into."""
        return self._table(_in(self.attribution, "cases.csv"), CASES, optional=True)

    @property
    def occlusion(self) -> pd.DataFrame:
        """Scores with and without a part of the image, by region and outcome."""
        return self._table(_in(self.attribution, "occlusion.csv"), OCCLUSION, optional=True)

    @property
    def summary(self) -> pd.DataFrame:
        """Measures by item, e.g. accuracy and weighted kappa."""
        return self.estimates("summary")


def _in(folder: Path | None, name: str) -> Path | None:
    return folder / name if folder else None
