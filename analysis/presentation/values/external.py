"""A network that was trained elsewhere: which it is, and how it does here beside there, in numbers for the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.presentation.format import NOT_ESTIMABLE, count, escape, listed, number, span
from analysis.presentation.results import BUT_IMPLANTS, Results
from analysis.presentation.tables.subgroups import asked
from analysis.presentation.values.cohort import noun
from analysis.presentation.values.performance import names
from analysis.schemas import SETS

if TYPE_CHECKING:
    import pandas as pd

#: Digits of a hash that are printed: enough to tell a file by.
DIGITS = 16


def external_values(results: Results, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `external`: whether the network was trained elsewhere, which it is, and how it does here beside there."""
    origin, digits = results.origin, results.settings.digits
    title = str((origin.get("cohort") or {}).get("title") or "another archive")
    own = config["external"]["thresholds"] == "validation"
    everything = bool(origin) and "read_as" in results.exams
    cohort = origin.get("cohort") or {}
    sets = {(row["set"], row["characteristic"]): row["count"] for row in results.developed.to_dict("records")}
    return {
        "external": {
            "any": bool(origin),
            "network": f"`{origin.get('name', 'none')}`",
            "hashes": listed([f"`{digest[:DIGITS]}`" for digest in (origin.get("weights") or {}).values()]) or "none",
            "cohort": noun(escape(title), cohort.get("kind")),
            "everything": everything,
            "drawn": bool(origin) and not everything,
            "carried": bool(origin) and not own,
            "own_thresholds": bool(origin) and own,
            "level": results.development_level,
            "other_level": results.development_level != results.level,
            "chosen_on": "validation set" + (" of the network's own study" if origin and not own else ""),
            "readings": _readings(results, config) if everything else "none",
            "development_simulated": cohort.get("kind") == "simulated",
            "numbers_known": ("training", "exams") in sets,
            **{
                f"{name}_exams": count(sets.get((name, "exams"))) if (name, "exams") in sets else NOT_ESTIMABLE
                for name in ("training", "validation", "test")
            },
            **_discrimination(results, digits),
            **_calibration(results, digits),
        }
    }


def _readings(results: Results, config: Mapping[str, Any]) -> str:
    """Describe how the exams were read, where each was taken as it had been."""
    exams = results.exams
    numbers = exams.loc[exams["set"] == "test", "read_as"].value_counts()
    parts = []
    for name in SETS[::-1]:
        if numbers.get(name):
            policy = config["reference"][name]
            agreed = (
                " with consensus on conflicts" if policy["conflicts"] == "consensus" and policy["readings"] > 1 else ""
            )
            told = f"{read_by(policy)}{',' if agreed else ''}{agreed}"
            parts.append(f"{told} ({counted(numbers[name], 'exam')})")
    return "; by ".join(parts[:-1]) + ("; or by " if parts[1:] else "") + "".join(parts[-1:])


def counted(number_: int, what: str) -> str:
    """Return a number of things in words: 1 exam, 1,000 exams."""
    return f"{count(number_)} {what}{'' if number_ == 1 else 's'}"


def read_by(policy: Mapping[str, Any]) -> str:
    """Describe by how many readers an exam of a set is read, and of what standing."""
    number_ = policy["readings"]
    words = ("one", "two", "three")
    told = words[number_ - 1] if number_ <= len(words) else str(number_)
    who = {"senior": "senior reader", "reader": "reader"}[policy["role"]]
    return f"{told} {who}{'s, independently' if number_ > 1 else ''}"


def _discrimination(results: Results, digits: int) -> dict[str, Any]:
    """Describe how the AUCs here differ from those in the network's own test set."""
    frame = results.estimates("development")
    frame = frame[(frame["measure"] == "auc") & frame["difference"].notna()].set_index("outcome")
    usable = [
        same[0].id for same in asked(results, *BUT_IMPLANTS, among=set(frame.index)) if not results.few(same[0].id)
    ]
    frame = frame.loc[usable]
    tested = frame[frame["p_holm"].notna()]
    certain = tested[tested["p_holm"] < results.alpha]
    worse, better = (
        [results.scheme.outcome(str(name)) for name in certain.index[certain["difference"] * sign < 0]]
        for sign in (1, -1)
    )
    told = [f"{how} for {count(len(which))}" for how, which in (("less well", worse), ("better", better)) if which]
    mean, here, there = (float(frame[name].mean()) for name in ("difference", "estimate", "development"))
    lower = int((frame["difference"] < 0).sum())
    # ASSUME: more than a tenth of AUC lost on average, or a mean below 0.7, is not to be read as a network that works here.
    bad = here < 0.7 or mean < -0.1
    return {
        "compared": len(frame) > 0,
        "outcomes": counted(len(frame), "outcome"),
        "lower": "all" if lower == len(frame) else count(lower) if lower else "none",
        "difference": number(mean, digits, NOT_ESTIMABLE),
        "here": number(here, digits, NOT_ESTIMABLE),
        "there": number(there, digits, NOT_ESTIMABLE),
        "tested": len(tested) > 0,
        "tests": counted(len(tested), "test"),
        "some_differ": bool(told),
        "certain": ", and ".join(
            f"{how} here for {names(results, which)}" for how, which in (("lower", worse), ("higher", better)) if which
        )
        or "none",
        "sides": f"{listed(told)} of {counted(len(tested), 'outcome')}" if told else "none",
        "none_certain": len(tested) > 0 and not worse and not better,
        "reach": span([*tested["difference_low"], *tested["difference_high"]], digits),
        "bad": bad,
        "untested": not len(tested) and not bad,
        "much_worse": mean < -0.1,
        "low": here < 0.7 and not mean < -0.1,
    }


def _calibration(results: Results, digits: int) -> dict[str, Any]:
    """Describe the calibration as it comes, and after updating."""
    frame = results.estimates("updating")
    frame = frame[frame["slope"].notna()]
    among = set(frame["outcome"])
    usable = {same[0].id for same in asked(results, *BUT_IMPLANTS, among=among) if not results.few(same[0].id)}
    frame = frame[frame["outcome"].isin(usable)]
    raw, new = (frame[frame["update"] == update] for update in ("none", "intercept and slope"))

    def brier(part: pd.DataFrame) -> str:
        return number(part.loc[part["outcome"].isin(both), "brier"].mean(), 3, NOT_ESTIMABLE)

    # Scores that are too high are put right by a negative intercept.
    sides = {"too high": raw["intercept_high"] < 0, "too low": raw["intercept_low"] > 0}
    off = {how: int(which.sum()) for how, which in sides.items() if which.any()}
    both = set(raw["outcome"]) & set(new["outcome"])
    # Fits to such scores give each part of the patients its own prevalence, and little else.
    flat = int((raw["outcome"].isin(both) & (raw["slope_low"] <= 0)).sum())
    return {
        "calibrated": len(raw) > 0,
        "updated": len(both) > 0,
        "calibrations": counted(len(raw), "outcome"),
        "large": span(raw["intercept"], digits),
        "miscalibrated": listed([f"{how} for {counted(n, 'outcome')}" for how, n in off.items()]) or "none",
        "some_intercepts_off": bool(off),
        "slopes": span(raw["slope"], digits),
        "some_flat": flat > 0,
        "flat": counted(flat, "outcome"),
        "updated_large": span(new["intercept"], digits),
        "updated_slopes": span(new["slope"], digits),
        "brier": brier(raw),
        "updated_brier": brier(new),
    }
