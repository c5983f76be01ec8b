"""Numbers about the readers: against each other, and beside the network."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, count, interval, listed, percentage, span
from analysis.presentation.results import Results
from analysis.schemas import SETS

#: Where the network's estimate lies beside the readers'.
PLACES = {
    "below": "below that of every reader",
    "within": "among those of the readers",
    "above": "above that of every reader",
}


def agreement_values(results: Results) -> dict[str, Any]:
    """Return the values under `agreement`: readers against each other, before consensus."""
    frame = results.agreement
    digits = results.settings.digits
    found: dict[str, Any] = {}
    for name in SETS:
        part = frame[(frame["set"] == name) & (frame["second"] != "consensus") & (frame["n"] > 0)]
        part = part[part["item"].isin(list(results.scheme.items))]
        overall, part = part[part["first"] == "all"], part[part["first"] != "all"]
        alphas, kappas = overall["alpha"].dropna(), part["kappa_quadratic"].dropna()
        found[name] = {
            "twice": len(part) + len(overall) > 0,
            "any": len(kappas) + len(alphas) > 0,
            "overall": len(alphas) > 0,
            "pair": len(kappas) > 0 and not len(alphas),
            "alpha": interval(dict(overall.iloc[0]), "alpha", digits, none=NOT_ESTIMABLE)
            if len(overall) == 1
            else span(alphas, digits),
            "all_exams": count(overall["n"].max(), "0"),
            "single": len(part) == 1,
            "kappa": interval(dict(part.iloc[0]), "kappa_quadratic", digits, none=NOT_ESTIMABLE)
            if len(part) == 1
            else span(kappas, digits),
            "percent": _percent(part),
            "exams": count(part["n"].max(), "0"),
            "conflicts": count(part["conflicts"].sum()),
        }
    level = results.agreement_level
    return {"agreement": found | {"level": level, "other_level": level != results.level}}


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
    blank: dict[str, Any] = dict.fromkeys(("any", *PLACES, "mixed"), False)
    blank |= dict.fromkeys(("network", "people", "places"), NOT_ESTIMABLE) | {"read": not frame.empty}
    part = frame[(frame["measure"] == "quadratic_kappa") & frame["item"].isin(list(results.scheme.items))]
    part = part[part["estimate"].notna()]
    machine = part["who"].astype(str).str.contains("network")
    if not machine.any() or machine.all():
        return {"readers": blank}
    own, people = part[machine], part[~machine]
    # Item by item: a network that is last on one and first on another is not among the readers.
    ends = people.groupby("item")["estimate"].agg(["min", "max"])
    both = own.groupby("item")["estimate"].mean().to_frame("own").join(ends, how="inner")
    where = {
        "below": both["own"] < both["min"],
        "within": both["own"].between(both["min"], both["max"]),
        "above": both["own"] > both["max"],
    }
    places = [f"{PLACES[place]} for {count(hit.sum())}" for place, hit in where.items() if hit.any()]
    reached = {
        "any": True,
        "read": True,
        **{place: bool(len(both) and hit.all()) for place, hit in where.items()},
        "mixed": len(places) > 1,
        "places": f"{listed(places)} of {count(len(both))} items",
        "network": interval(dict(own.iloc[0]), "estimate", digits) if len(own) == 1 else span(own["estimate"], digits),
        "people": span(people["estimate"], digits),
    }
    return {"readers": reached}
