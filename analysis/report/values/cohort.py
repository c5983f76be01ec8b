"""Numbers about the cohort, its readers and its reference standard."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.inputs import Results
from analysis.report.text import (
    NOT_ESTIMABLE,
    count,
    decapitalise,
    interval,
    known,
    listed,
    number,
    percent,
    percentage,
    span,
)
from analysis.schemas import SETS


def cohort_values(results: Results) -> dict[str, Any]:
    """Return the values under `sets` and `flow`: exams, patients and images, and what was left out."""
    exams = results.exams
    parts = {name: exams[exams["set"] == name] for name in SETS}
    used = exams[exams["set"].isin(SETS)]
    left = exams[exams["set"] == "excluded"]
    sets: dict[str, Any] = {
        name: {
            "exams": count(len(part)),
            "patients": count(part["patient"].nunique()),
            "images": count(part["images"].sum()),
            "clustered": bool(part["patient"].duplicated().any()),
        }
        for name, part in parts.items()
    }
    sets["all"] = {
        "exams": count(len(used)),
        "patients": count(used["patient"].nunique()),
        "images": count(used["images"].sum()),
    }
    sets["overlap"] = bool((used.groupby("patient")["set"].nunique() > 1).any())
    ages = used["age"].dropna()
    sex = used["sex"].dropna()
    flow = results.flow
    reasons = flow[(flow["step"] == "excluded") & (flow["exams"] > 0)]
    return {
        "sets": sets,
        "demography": {
            "age_known": len(ages) > 0,
            "age": f"{number(ages.median(), 0)} ({number(ages.quantile(0.25), 0)} to {number(ages.quantile(0.75), 0)})"
            if len(ages)
            else NOT_ESTIMABLE,
            "sex_known": len(sex) > 0,
            "female": percent(int((sex == "female").sum()), len(sex)) if len(sex) else NOT_ESTIMABLE,
        },
        "flow": {
            "found": count(len(exams)),
            "excluded": count(len(left)),
            "excluded_percent": percent(len(left), len(exams), 1),
            "any_excluded": len(left) > 0,
            "reasons": listed(
                [f"{decapitalise(str(row['label']))} ({count(row['exams'])})" for _, row in reasons.iterrows()]
            )
            or "no reason",
        },
        "reference": _reference(results),
    }


def _reference(results: Results) -> dict[str, Any]:
    """Prevalence of disease and the commonest grade, by set."""
    frame, scheme = results.graded, results.scheme
    disease = next((outcome for outcome in scheme.outcomes if outcome.kind == "disease"), None)
    found: dict[str, Any] = {"disease": decapitalise(disease.title) if disease else "disease"}
    items = list(scheme.items)
    for name in SETS:
        part = frame[frame["set"] == name]
        values = part[disease.id].dropna() if disease else part.iloc[:0, 0]
        entry: dict[str, Any] = {"disease_percent": percent(float(values.sum()), len(values)) if disease else "–"}
        if len(items) == 1 and items[0] in part and part[items[0]].notna().any():
            counts = part[items[0]].dropna().astype(int).value_counts()
            most = sorted(counts.index[counts == counts.max()])
            share = percent(int(counts.max()), int(counts.sum()))
            entry["commonest"] = (
                f"{listed([str(grade) for grade in most])} ({share}%{' each' if len(most) > 1 else ''})"
            )
        else:
            entry["commonest"] = NOT_ESTIMABLE
        implants = part.get("implant")
        known_implants = implants.dropna() if implants is not None else None
        entry["implants"] = (
            percent(float(known_implants.sum()), len(known_implants))
            if known_implants is not None and len(known_implants)
            else NOT_ESTIMABLE
        )
        found[name] = entry
    found["implants_known"] = all(found[name]["implants"] != NOT_ESTIMABLE for name in ("training", "test"))
    return found


def agreement_values(results: Results) -> dict[str, Any]:
    """Return the values under `agreement`: readers against each other, before consensus."""
    frame = results.agreement
    digits = results.settings.digits
    found: dict[str, Any] = {}
    for name in SETS:
        part = frame
        if len(frame):
            part = frame[(frame["set"] == name) & (frame["second"] != "consensus") & (frame["n"] > 0)]
            part = part[part["item"].isin(list(results.scheme.items))]
        kappas = part["kappa_quadratic"].dropna() if len(part) else pd.Series(dtype=float)
        found[name] = {
            "any": len(kappas) > 0,
            "single": len(part) == 1,
            "kappa": interval(dict(part.iloc[0]), "kappa_quadratic", digits, none=NOT_ESTIMABLE)
            if len(part) == 1
            else span(kappas, digits),
            "percent": _percent(part),
            "exams": count(part["n"].max()) if len(part) else "0",
            "conflicts": count(part["conflicts"].sum()) if len(part) else "0",
        }
    return {"agreement": found}


def _percent(part: pd.DataFrame) -> str:
    """Return the agreement of a set's readers in percent, over items if there are several."""
    if part.empty:
        return NOT_ESTIMABLE
    if len(part) == 1:
        return percentage(dict(part.iloc[0]), "percent", 0, 1)
    return f"{span(part['percent'], 0)}%"


def reader_values(results: Results) -> dict[str, Any]:
    """Return the values under `readers`: the network beside the readers, by weighted kappa with the reference."""
    frame = results.estimates("readers")
    digits = results.settings.digits
    blank = {
        "any": False,
        "below": False,
        "within": False,
        "above": False,
        "network": NOT_ESTIMABLE,
        "people": NOT_ESTIMABLE,
    }
    if frame.empty:
        return {"readers": blank}
    names = [name for name in ("quadratic_kappa", "kappa_quadratic") if (frame["measure"] == name).any()]
    if not names:
        return {"readers": blank}
    part = frame[(frame["measure"] == names[0]) & frame["item"].isin(list(results.scheme.items))]
    part = part[part["estimate"].notna()]
    machine = part["who"].astype(str).str.contains("network")
    if not machine.any() or machine.all():
        return {"readers": blank}
    own, people = part[machine], part[~machine]
    low, high = people["estimate"].min(), people["estimate"].max()
    mean = own["estimate"].mean()
    reached = {
        "any": True,
        "below": bool(mean < low),
        "within": bool(low <= mean <= high),
        "above": bool(mean > high),
        "network": interval(dict(own.iloc[0]), "estimate", digits) if len(own) == 1 else span(own["estimate"], digits),
        "people": span(people["estimate"], digits) if known(low) else NOT_ESTIMABLE,
    }
    return {"readers": reached}
