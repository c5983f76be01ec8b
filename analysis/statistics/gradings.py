"""Two gradings of the same exams side by side: how common disease is, who has it, and how well the network identifies it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import StudyError
from analysis.grading.agreement import MEASURES, measure_agreement
from analysis.grading.items import Outcome
from analysis.grading.scheme import Scheme
from analysis.schemas import SETS
from analysis.schemas.comparisons import GRADINGS
from analysis.statistics.comparisons import TEST, compare_paired, compare_samples, holm, too_few, untested
from analysis.statistics.discrimination import auc_row
from analysis.statistics.questions import same_as
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.proportions import wilson
from analysis.statistics.uncertainty.resample import Resamples, seed_for

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Graded:
    """One grading of a cohort.

    Attributes
    ----------
    scheme : Scheme
        With a rule for disease.
    reference : pandas.DataFrame
        Schema REFERENCE.
    predictions : pandas.DataFrame
        Schema PREDICTIONS, of the network that was trained by this scheme.
    """

    scheme: Scheme
    reference: pd.DataFrame
    predictions: pd.DataFrame


def compare_gradings(first: Graded, second: Graded, settings: StatisticsSettings, seed: int) -> pd.DataFrame:
    """Compare two gradings on the exams that both have graded.

    Parameters
    ----------
    first, second : Graded
        Early disease is what the first scheme says it is.
    settings : StatisticsSettings
        Level, replicates, and which interval is reported.
    seed : int
        Of all resampling.

    Returns
    -------
    pandas.DataFrame
        Schema GRADINGS, one row per estimate. `exams` is "all" or "early" (early disease by the first scheme).
        `measure` is one of

        - compared: how many exams both grade (n), and in `reason` how many only one of them does;
        - prevalence of disease by the definition `truth`, its share with Wilson's interval; prevalence_ratio,
          `score` over `truth`, with a percentile bootstrap of patients;
        - both, first_only, second_only, neither: exams (counts) by who calls them diseased;
        - percent, kappa: agreement of the two definitions;
        - auc of the network `score` for disease by the definition `truth` ("early" is early disease
          against none, by the first scheme); auc_difference, first network minus second, for the same truth
          by a paired test; and for "own", each network's AUC for its own definition. Where two of these have the same
          cases and controls they are one question, and tested once; `p_holm` is corrected over the questions.

    Raises
    ------
    StudyError
        If a scheme has no rule for disease, or the two have no exam in common.
    """
    for graded in (first, second):
        if graded.scheme.disease is None:
            raise StudyError(f"{graded.scheme.where()}: a scheme without a rule 'disease' can't be compared; add one.")
    if first.scheme.name == second.scheme.name:
        raise StudyError(f"'{first.scheme.name}' is to be compared with itself; name two gradings.")
    exams = _join(first, second)
    names = (first.scheme.name, second.scheme.name)
    rows: list[dict[str, Any]] = []
    for which in SETS:
        part = exams[exams["set"] == which]
        inside = part[part["first"].notna() & part["second"].notna()].reset_index(drop=True)
        # Patients are resampled once for a set; every estimate of it shares the replicates.
        resamples = Resamples.draw(
            inside["patient"].to_numpy(dtype=object),
            settings.replicates,
            settings.level,
            seed_for(seed, "gradings", which),
        )
        view = _View(which, inside, names, resamples, settings, seed)
        left = f"{len(part) - len(inside)} exams are not graded by both" if len(part) > len(inside) else None
        rows.append({"set": which, "exams": "all", "measure": "compared", "n": len(inside), "reason": left})
        if not len(inside):
            continue
        rows += view.prevalences("all", np.ones(len(inside), dtype=bool))
        rows += view.prevalences("early", (inside["early"] == 1).to_numpy())
        rows += view.agreement()
        if which == "test":
            rows += view.discrimination()
    table = pd.DataFrame(rows, columns=list(GRADINGS.columns))
    table["level"], table["replicates"] = settings.level, settings.replicates
    return holm(table)


def _join(first: Graded, second: Graded) -> pd.DataFrame:
    """Put the two side by side: exam, patient, set; first, second (disease), early; score_first, score_second."""
    parts = []
    for name, graded in (("first", first), ("second", second)):
        columns = {"disease": name}
        part = graded.reference[["exam", "patient", "set", "disease"]].rename(columns=columns)
        if name == "first":
            part["early"] = float("nan")
            if graded.scheme.early:
                early = graded.scheme.holds("early", graded.reference)
                # ASSUME: early disease is compared with no disease at all; exams beyond the early stage are neither.
                part["early"] = early.where((early == 1) | (part["first"] == 0))
        scores = graded.predictions.reindex(columns=["exam", "disease"]).rename(columns={"disease": f"score_{name}"})
        parts.append(part.merge(scores, on="exam", how="left"))
    both = parts[0].merge(parts[1], on=["exam", "patient", "set"], how="outer")
    if not (both["first"].notna() & both["second"].notna()).any():
        raise StudyError(
            f"'{first.scheme.name}' and '{second.scheme.name}' have no graded exam in common; are they of one cohort?"
        )
    return both.sort_values("exam", ignore_index=True)


@dataclass(frozen=True)
class _View:
    """The exams of one set that both gradings have graded, and what is estimated of them."""

    which: str
    exams: pd.DataFrame
    names: tuple[str, str]
    resamples: Resamples
    settings: StatisticsSettings
    seed: int

    def _row(self, measure: str, exams: str = "all", **values: Any) -> dict[str, Any]:
        return {"set": self.which, "exams": exams, "measure": measure, **values}

    def _patients(self, keep: npt.NDArray[np.bool_] | slice = slice(None)) -> npt.NDArray[np.object_]:
        return self.exams["patient"].to_numpy(dtype=object)[keep]

    def prevalences(self, exams: str, keep: npt.NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
        """Estimate how common disease is by each definition among some exams, and the ratio."""
        flags = [self.exams[name].to_numpy(dtype=float)[keep] == 1 for name in ("first", "second")]
        n = int(keep.sum())
        for name, flag in zip(self.names, flags, strict=True):
            share, low, high = wilson(flag, self._patients(keep), self.settings.level)
            yield self._row(
                *("prevalence", exams), truth=name, n=n, cases=int(flag.sum()), estimate=share, low=low, high=high,
                method="wilson", reason=None if n else "no such exam",
            )  # fmt: skip
        row = self._row("prevalence_ratio", exams, truth=self.names[0], score=self.names[1], n=n)
        if not flags[0].any():
            yield row | {"reason": f"no exam is diseased by {self.names[0]}"}
            return

        def ratio(weights: Floats) -> Floats:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray((flags[1].astype(float) @ weights) / (flags[0].astype(float) @ weights))

        low, high = self.resamples.of(keep).interval(ratio)
        yield row | {
            **{"cases": int(flags[0].sum()), "estimate": flags[1].sum() / flags[0].sum(), "low": low, "high": high},
            **{"method": "patients", "reason": None if np.isfinite(low) else "too many replicates have no case"},
        }

    def agreement(self) -> Iterator[dict[str, Any]]:
        """Cross the two definitions, and measure their agreement."""
        one, two = (self.exams[name].to_numpy(dtype=int) for name in ("first", "second"))
        for measure, a, b in (("both", 1, 1), ("first_only", 1, 0), ("second_only", 0, 1), ("neither", 0, 0)):
            yield self._row(measure, n=len(one), estimate=int(((one == a) & (two == b)).sum()))
        found = measure_agreement(one, two, 1, self.settings.level, self._patients())
        for measure in MEASURES[:2]:
            yield self._row(
                measure, truth=self.names[0], score=self.names[1], n=found["n"], cases=int(one.sum()),
                estimate=found.get(measure), low=found.get(f"{measure}_low"), high=found.get(f"{measure}_high"),
                method="wilson" if measure == "percent" else "normal", reason=found["reason"] or None,
            )  # fmt: skip

    def discrimination(self) -> Iterator[dict[str, Any]]:
        """Estimate each network's AUC for each definition and for early disease, and compare the networks."""
        scores = [self.exams[f"score_{name}"].to_numpy(dtype=float) for name in ("first", "second")]
        # Both networks are judged on the exams that both have scored.
        scored = ~(np.isnan(scores[0]) | np.isnan(scores[1]))
        scores = [np.where(scored, score, np.nan) for score in scores]
        asked: dict[bytes, str] = {}
        truths = dict(zip((*self.names, "early"), ("first", "second", "early"), strict=True))
        for name, column in truths.items():
            truth = self.exams[column].to_numpy(dtype=float)
            same = asked.setdefault(truth.tobytes(), name)
            for network, score in zip(self.names, scores, strict=True):
                yield self._auc(name, network, truth, score)
            found = compare_paired(truth, scores[0], scores[1], self.settings, patients=self._patients())
            found |= {"estimate": found["difference"]}
            yield self._difference(name, found if same == name else found | untested(same_as(same)))
        own = [self.exams[name].to_numpy(dtype=float) for name in ("first", "second")]
        found = self._own(own, scores)
        yield self._difference(
            "own", found | untested(same_as(self.names[0])) if asked[own[1].tobytes()] == self.names[0] else found
        )

    def _auc(self, name: str, network: str, truth: Floats, score: Floats) -> dict[str, Any]:
        sample = make_sample(truth, score, self._patients())
        outcome = Outcome(f"{name}/{network}", "", "", "disease")
        found = auc_row(sample, outcome, self.which, self.resamples, settings=self.settings, seed=self.seed)
        values = {key: found[key] for key in ("cases", "low", "high", "method", "seed", "reason")}
        return self._row("auc", truth=name, score=network, n=len(sample.truth), estimate=found["auc"], **values)

    def _difference(self, truth: str, found: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {
            key: found.get(key) for key in ("n", "cases", "estimate", "low", "high", "p", "method", "seed", "reason")
        }
        return self._row("auc_difference", truth=truth, score=" - ".join(self.names), **values)

    def _own(self, truths: list[Floats], scores: list[Floats]) -> dict[str, Any]:
        """Compare each network's AUC for its own definition: other cases, so no paired DeLong, but the same patients."""
        samples = [make_sample(truth, score, self._patients()) for truth, score in zip(truths, scores, strict=True)]
        row: dict[str, Any] = {"n": len(samples[0].truth), "reason": samples[0].problem or samples[1].problem}
        if row["reason"]:
            return row
        aucs = [roc.auc(sample.truth, sample.score) for sample in samples]
        row["estimate"] = aucs[0] - aucs[1]
        if min(sample.fewest for sample in samples) < self.settings.minimum_cases:
            return row | {"reason": too_few(self.settings.minimum_cases)}
        _, low, high, p = compare_samples(samples[0], samples[1], self.settings.level)
        return row | {"low": low, "high": high, "p": p, "method": TEST}
