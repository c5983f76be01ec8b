"""Numbers about the cohort, its readers and its reference standard."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from analysis.archive.facts import CohortSettings
from analysis.archive.people.names import exam_of
from analysis.presentation.format import (
    NOT_ESTIMABLE,
    count,
    counted,
    decapitalise,
    escape,
    listed,
    number,
    percent,
    were,
)
from analysis.presentation.results import Results
from analysis.schemas import SETS

#: With such a word a title needs no article.
_DETERMINERS = {"a", "an", "the", "our", "this", "one", "another"}


def noun(title: str, kind: str | None) -> str:
    """Return a cohort's title with the article that it needs in a sentence: a simulated archive is one of many."""
    bare = kind == "simulated" and title.split(" ", 1)[0].lower() not in _DETERMINERS
    return f"{'an' if title[:1].lower() in 'aeiou' else 'a'} {title}" if bare else title


def fact_values(cohort: CohortSettings, read: Collection[str]) -> dict[str, Any]:
    """Return the values under `cohort`: what it is, whatever source its radiographs come from.

    Parameters
    ----------
    cohort : CohortSettings
    read : collection of str
        Items and findings that any exam was read for; of others nothing is remarked.
    """
    remarks = (said.strip() for name, said in (cohort.remarks or {}).items() if name in read)
    return {
        "name": cohort.name,
        # Names stand in sentences of ours, and mean nothing to markdown; sentences of the study's own may.
        **{name: escape((getattr(cohort, name) or "").strip()) for name in ("title", "data_set", "origin")},
        **{
            name: (getattr(cohort, name) or "").strip()
            for name in ("description", "availability", "ethics", "blinding")
        },
        "grading": " ".join([(cohort.grading or "").strip(), *remarks]),
        **{kind: cohort.kind == kind for kind in ("simulated", "public", "clinical")},
        "readers": escape(cohort.readers or "")
        or ("simulated readers" if cohort.kind == "simulated" else "human readers"),
        "grading_told": bool(cohort.grading),
        "single_knees": bool(cohort.single_knees),
        "implants": bool(cohort.implants),
        "published_grades": bool(cohort.published_grades),
        "split_given": cohort.split == "given",
        "split_published": cohort.split == "given" and cohort.kind == "public",
        "published": bool(cohort.data_set),
        "cited": bool(cohort.citation),
        "citation": cohort.citation or "",
        "origin_known": bool(cohort.origin),
        "origin_citation": cohort.origin_citation or "",
    }


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
    sets["several_images"] = bool((used["images"] > 1).any())
    sets["seen"] = "all images of an exam" if sets["several_images"] else "the one image of each exam"
    sets["overlap"] = bool((used.groupby("patient")["set"].nunique() > 1).any())
    ages = used["age"].dropna()
    sex = used["sex"].dropna()
    ageless = int(used["age"].isna().sum())
    flow = results.flow
    reasons = flow[(flow["step"] == "excluded") & (flow["knees"] > 0)]
    knees_of = exam_of(exams["exam"]).value_counts()
    return {
        "sets": sets,
        "demography": {
            "any_known": len(ages) + len(sex) > 0,
            "ages_unknown": counted(ageless, "exam"),
            "any_age_unknown": ageless > 0,
            "age_known": len(ages) > 0,
            "age": f"{number(ages.median(), 0)} ({number(ages.quantile(0.25), 0)} to {number(ages.quantile(0.75), 0)})"
            if len(ages)
            else NOT_ESTIMABLE,
            "sex_known": len(sex) > 0,
            "female": percent(int((sex == "female").sum()), len(sex)) if len(sex) else NOT_ESTIMABLE,
        },
        "flow": {
            "exams": count(len(knees_of)),
            "found": count(len(exams)),
            "of_two_knees": "all" if (knees_of > 1).all() else count(int((knees_of > 1).sum())),
            "any_of_two_knees": bool((knees_of > 1).any()),
            "excluded": count(len(left)),
            "excluded_verb": "was" if len(left) == 1 else "were",
            "excluded_percent": percent(len(left), len(exams), 1),
            "any_excluded": len(left) > 0,
            "reasons": listed(
                [f"{decapitalise(str(row['label']))} ({count(row['knees'])})" for _, row in reasons.iterrows()]
            )
            or "no reason",
        },
        "files": _file_values(results),
        "reference": _reference(results),
    }


def _file_values(results: Results) -> dict[str, Any]:
    """Describe what became of the archive's files, and of the images among them."""
    files, images = results.files, results.indexed

    def total(frame: pd.DataFrame, **of: str) -> int:
        hit = [frame[column].fillna("").str.startswith(start) for column, start in of.items()]
        return int(frame.loc[pd.concat(hit, axis=1).all(axis=1), "n"].sum())

    films = total(files, kind="rejected", code="film")
    copies = total(images, code="duplicate")
    corrected = int(images.loc[images["code"] == "corrected", "n"].sum())
    others = sum(total(images, code=code) for code in ("indexed", "prepared", "corrected"))
    unreadable = total(images, code="") - others - copies
    numbers = {
        "found": total(files, kind="found"),
        "indexed": total(files, kind="indexed"),
        "duplicates": total(files, kind="duplicate"),
        "rejected": total(files, kind="rejected"),
        "burned_in": total(files, kind="rejected", code="burned_in"),
        "films_cut": total(files, kind="films_of_two_knees"),
        "films_refused": films,
        "unreadable": unreadable,
        "copies": copies,
        "corrected": corrected,
    }
    return {
        "known": not files.empty,
        **{name: count(n) for name, n in numbers.items()},
        **{f"{name}_were": were(n) for name, n in numbers.items()},
        **{f"any_{name}": n > 0 for name, n in numbers.items()},
        "all_indexed": numbers["indexed"] == numbers["found"],
        "duplicates_told": f"{were(numbers['duplicates'])} {'a copy' if numbers['duplicates'] == 1 else 'copies'} of these",
    }


def rule_values(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the rules that left exams out, in the order in which they were applied."""
    said = {
        "unreadable": "exams without an image that can be used",
        "no_knee": "exams that show no knee",
        "paediatric": f"exams of patients younger than {selection['minimum_age']:g} years",
        "unusable": "exams whose quality precludes grading",
        "repeat": f"exams within {count(selection['repeat_days'])} days of the patient's previous one of the same knee "
        "(of any knee where the side is not known)",
    }
    rules = [said[rule] for rule in selection["rules"]]
    protocols = [str(name).replace("_", " ") for name in selection["sets"]["test"]["protocols"] or ()]
    protocols = ["weight-bearing" if name == "weight bearing" else name for name in protocols]
    return {
        "any_rules": len(rules) > 0,
        "by_age": "paediatric" in selection["rules"],
        "rules": "; ".join(rules) or "none",
        "protocols": f"the {listed(protocols, 'or')} protocol",
    }


def _reference(results: Results) -> dict[str, Any]:
    """Prevalence of disease and the commonest grade, by set."""
    frame, scheme = results.graded, results.scheme
    disease = next((outcome for outcome in scheme.outcomes if outcome.kind == "disease"), None)
    found: dict[str, Any] = {"disease": decapitalise(disease.title) if disease else "disease"}
    items = list(scheme.items)
    commonest: dict[str, tuple[str, str]] = {}
    for name in SETS:
        part = frame[frame["set"] == name]
        values = part[disease.id].dropna() if disease else part.iloc[:0, 0]
        entry: dict[str, Any] = {"disease_percent": percent(float(values.sum()), len(values)) if disease else "–"}
        if len(items) == 1 and items[0] in part and part[items[0]].notna().any():
            counts = part[items[0]].dropna().astype(int).value_counts()
            most = sorted(counts.index[counts == counts.max()])
            share = percent(int(counts.max()), int(counts.sum()))
            commonest[name] = listed([str(grade) for grade in most]), f"{share}%{' each' if len(most) > 1 else ''}"
            entry["commonest"] = "{} ({})".format(*commonest[name])
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
    found["commonest"] = _beside(commonest)
    found["implants_known"] = all(found[name]["implants"] != NOT_ESTIMABLE for name in ("training", "test"))
    return found


def _beside(commonest: Mapping[str, tuple[str, str]]) -> str:
    """Name the commonest grade of the training and of the test set, once where it is the same."""
    if not {"training", "test"} <= commonest.keys():
        return NOT_ESTIMABLE
    (grade, share), (other, share_there) = commonest["training"], commonest["test"]
    if grade == other:
        return f"{grade} in both the training set ({share}) and the test set ({share_there})"
    return f"{grade} ({share}) in the training set and {other} ({share_there}) in the test set"
