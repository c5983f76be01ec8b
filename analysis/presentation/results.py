"""What tables, figures and values ask of a study: its files as frames, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.grading.scheme import Outcome
from analysis.presentation.frames import Files
from analysis.statistics.questions import question_of
from analysis.statistics.sample import NO_SCORE

if TYPE_CHECKING:
    import pandas as pd

#: The order of the tables, and what each part of them is called.
KINDS = {
    "grade": "grades",
    "group": "merged grades",
    "disease": "disease",
    "location": "location",
    "finding": "findings",
    "implant": "implants",
}
#: Implants have a table of their own.
BUT_IMPLANTS = tuple(kind for kind in KINDS if kind != "implant")
#: Whose prevalence an estimate is stated at where nothing was trained, by the column `source`.
OWN = "test set"


@dataclass(frozen=True)
class Results(Files):
    """The results of one study, see `Files`."""

    _aucs: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    _any_read: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def measure(self, item: str, name: str) -> dict[str, Any]:
        """Return one row of the summary; empty where it isn't there."""
        frame = self.summary
        found = frame[(frame["item"] == item) & (frame["measure"] == name)]
        return dict(found.iloc[0]) if len(found) else {}

    def auc(self, outcome: str) -> dict[str, Any]:
        """Return an outcome's row of roc.csv, of the test set."""
        roc = self.roc  # asked for each time, as `graded` is below
        if outcome not in self._aucs:
            found: Any = roc.loc[outcome]
            self._aucs[outcome] = dict(found)
        return dict(self._aucs[outcome])

    def scored(self, outcome: Outcome) -> bool:
        """Whether the network gives a score for an outcome; where it doesn't, roc.csv counts no case and no control."""
        return bool(self.auc(outcome.id)["reason"] != NO_SCORE)

    def threshold(self, outcome: str, chosen_on: str = "validation") -> dict[str, Any]:
        """Return an outcome's row of thresholds.csv; empty where there is none."""
        frame = self.thresholds
        key = (outcome, chosen_on)
        found: Any = frame.loc[key] if key in frame.index else {}
        return dict(found)

    def at_own_prevalence(self, frame: pd.DataFrame) -> bool:
        """Whether estimates are all stated at the test set's own prevalence, beside which there is no other to show."""
        if "outcome" in frame:
            frame = frame[frame["outcome"].isin([outcome.id for outcome in self.outcomes(*BUT_IMPLANTS)])]
        return len(frame) > 0 and bool((frame["source"] == OWN).all())

    def was_read(self, outcome: Outcome) -> bool:
        """Whether any exam was read for an outcome; what an archive has no readings of is no part of the manuscript."""
        graded = self.graded  # asked for each time, so that a table names the file as one of those it rests on
        if outcome.id not in self._any_read:
            self._any_read[outcome.id] = outcome.id in graded and bool(graded[outcome.id].notna().any())
        return self._any_read[outcome.id]

    @cached_property
    def question(self) -> dict[str, str]:
        """For each outcome the first one that asks the same question, see `question_of`."""
        return question_of(self.scheme)

    def outcomes(self, *kinds: str, item: str | None = None) -> list[Outcome]:
        """Return the estimated outcomes of some kinds that were read for, in the scheme's order."""
        return [
            outcome
            for outcome in self.scheme.outcomes
            if outcome.id in self.roc.index
            and self.was_read(outcome)
            and (not kinds or outcome.kind in kinds)
            and (item is None or outcome.item == item)
        ]

    @property
    def planned_here(self) -> pd.DataFrame:
        """The rows of sample_size.csv of outcomes that are part of this study."""
        frame = self.planned
        return frame[frame["outcome"].isin([outcome.id for outcome in self.outcomes()])]

    def few(self, outcome: str) -> bool:
        """Whether too few patients have a case, or a control, to say much about an outcome."""
        return bool(self.auc(outcome)["too_few"])

    @property
    def level(self) -> str:
        """The confidence level in percent, "95%"."""
        return f"{100 * (1 - self.alpha):g}%"

    @property
    def alpha(self) -> float:
        """What the confidence level leaves, e.g. 0.05: P values below it are called significant."""
        return round(1 - float(self.roc["level"].iloc[0]), 10)

    @property
    def published_level(self) -> str:
        """The confidence level of the published intervals in percent."""
        return _percent(self.published, "published_level") or self.level

    @property
    def development_level(self) -> str:
        """The confidence level of the estimates that a network brings of its own test set, in percent."""
        return _percent(self.estimates("development"), "development_level") or self.level

    @property
    def agreement_level(self) -> str:
        """The confidence level of the readers' agreement in percent."""
        return _percent(self.agreement, "level") or self.level

    @property
    def coverage_level(self) -> str:
        """The nominal level of the simulated intervals in percent."""
        return _percent(self.covered, "level") or self.level

    @property
    def scheme_locations(self) -> list[str]:
        """Ids of the scheme's locations."""
        return [outcome.id for outcome in self.scheme.outcomes if outcome.kind == "location"]

    def name(self, outcome: Outcome, mark: bool = True) -> str:
        """Return an outcome's name in a table; a dagger marks one with too few cases or controls."""
        few = mark and outcome.id in self.roc.index and self.few(outcome.id)
        return outcome.label + (" †" if few else "")

    def title(self, name: str) -> str:
        """Return the title of an item, a sum or an outcome."""
        if name in self.scheme.items:
            return self.scheme.items[name].title
        if name in self.scheme.sums:
            return self.scheme.sums[name].title
        titles = {outcome.id: outcome.title for outcome in self.scheme.outcomes}
        return titles.get(name, name.replace("_", " ").capitalize())

    def heading(self, outcome: Outcome) -> str:
        """Return the line of a table that an outcome stands under."""
        if outcome.item:
            title = self.scheme.items[outcome.item].title
            return title if outcome.kind == "grade" else f"{title}, merged"
        return {"disease": "Disease", "location": "Location", "finding": "Findings", "implant": "Implants"}[
            outcome.kind
        ]


def _percent(frame: pd.DataFrame, column: str) -> str:
    """Return a level that the rows of a table share as far as they have one, in percent; nothing where none has."""
    levels = frame[column].dropna().tolist()
    return f"{100 * levels[0]:g}%" if levels else ""
