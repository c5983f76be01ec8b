"""Names that sections of the configuration take from one another: one that nothing has is a slip."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from analysis.grading.scheme import Scheme, load_scheme
from analysis.settings import GRADINGS
from analysis.simulate.settings import PopulationSettings
from analysis.statistics.names import check_names as check_outcomes
from analysis.statistics.names import find
from analysis.statistics.published import load_published
from analysis.study.sections import Sections

REFERENCES = Path("manuscript/references.bib")
#: What the simulator makes, by the key of `simulate.population`.
MADE = {
    name: set(getattr(PopulationSettings(), f"training_{part}"))
    for part in ("findings", "location")
    for name in (f"training_{part}", f"test_{part}")
}


def check_names(study: Sections) -> None:
    """Refuse a name that stands for nothing; ValueError names the key, and the nearest name there is."""
    gradings = {path.stem: path for path in sorted(GRADINGS.glob("*.yaml"))}
    scheme_of = cache(load_scheme)  # each is read once, and only where something asks for it
    for key, names in (
        ("grading", [study.grading]),
        ("network.tasks", study.network.tasks),
        ("compare", study.compare or []),
    ):
        find(names, gradings, key, f"grading in {GRADINGS}/")
    check_outcomes(study.statistics, map(scheme_of, gradings.values()))
    _graded(study, map(scheme_of, gradings.values()))
    for name, options in study.selection.sets:
        find(
            options.protocols or [], [*study.ingest.protocols, "other"], f"selection.sets.{name}.protocols", "protocol"
        )
    find(study.selection.body_parts, study.ingest.body_parts, "selection.body_parts", "part of ingest.body_parts")
    for name, known in MADE.items():
        find(
            getattr(study.simulate.population, name), known, f"simulate.population.{name}", "finding that is simulated"
        )
    cited = {f"cohort.{name}": getattr(study.cohort, name) for name in ("citation", "origin_citation")}
    for scheme in (scheme_of(gradings[name]) for name in dict.fromkeys((study.grading, *(study.compare or ())))):
        cited[scheme.where(*["citation"] * bool(scheme.citation))] = scheme.citation
    if Path(published := study.statistics.published).is_file():
        cited[f"{published}: source"] = load_published(published).source
    cited = {place: key for place, key in cited.items() if key}
    if cited and REFERENCES.is_file():
        known = set(re.findall(r"^@\w+\{\s*([^,\s]+)", REFERENCES.read_text(encoding="utf-8"), re.MULTILINE))
        for place, key in cited.items():
            find([key], known, place, f"reference in {REFERENCES}")


def _graded(study: Sections, gradings: Iterable[Scheme]) -> None:
    """Refuse an outcome, an item or a finding that no grading has; gradings are read only where one is named."""
    least = {f"selection.sets.{name}.at_least": options.at_least for name, options in study.selection.sets}
    if not (study.manuscript.curves or study.cohort.remarks or any(least.values())):
        return
    schemes = list(gradings)
    items = {name for scheme in schemes for name in scheme.items}
    findings = {name for scheme in schemes for name in scheme.findings}
    outcomes = {outcome.id for scheme in schemes for outcome in scheme.outcomes}
    find(study.manuscript.curves, outcomes, "manuscript.curves", "outcome of any grading")
    find(study.cohort.remarks or {}, items | findings, "cohort.remarks", "item or finding of any grading")
    for key, names in least.items():
        find(names, items | findings, key, "item or finding of any grading")
