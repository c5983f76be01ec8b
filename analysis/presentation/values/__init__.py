"""Every number of the text, and the yes or no that chooses its sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from analysis.archive.facts import CohortSettings
from analysis.archive.settings import IngestSettings
from analysis.cohort.settings import SelectionSettings
from analysis.files import write_text
from analysis.grading.rule import parse_rule
from analysis.grading.scheme import Scheme
from analysis.grading.settings import ReferenceSettings
from analysis.grading.words import in_words
from analysis.imaging.settings import ImagesSettings
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.presentation.format import count, decapitalise, escape, listed, literal
from analysis.presentation.hashes import Sources, hashes
from analysis.presentation.results import Results
from analysis.presentation.settings import ManuscriptSettings
from analysis.presentation.values.audit import audit_values
from analysis.presentation.values.calibration import (
    calibration_values,
    optimism_values,
    prevalence_values,
    sample_size_values,
)
from analysis.presentation.values.cohort import cohort_values, fact_values, noun, rule_values
from analysis.presentation.values.config import chosen, given, readable
from analysis.presentation.values.decisions import decision_values
from analysis.presentation.values.external import external_values, read_by
from analysis.presentation.values.intervals import coverage_values
from analysis.presentation.values.learning_curve import learning_curve_values
from analysis.presentation.values.network import network_noun, network_values
from analysis.presentation.values.performance import performance_values, published_values, summary_values
from analysis.presentation.values.readers import agreement_values, reader_values
from analysis.presentation.values.subgroups import subgroup_values
from analysis.presentation.values.temperature import temperature_values
from analysis.presentation.values.training import training_values
from analysis.schemas import SETS
from analysis.settings import Settings, parse
from analysis.simulate.settings import SimulateSettings
from analysis.statistics.published import load_published
from analysis.statistics.settings import ExternalSettings, StatisticsSettings
from analysis.yaml_files import dump_yaml, load_yaml

#: Facts of the published study that the text names; not results of this one.
ORIGINAL = Path(__file__).parent / "original.yaml"

#: What begins a tag of HTML in somebody's own words, as a title's; an address of the web or of mail is a link.
TAG = re.compile(r"(?<!\\)<(?=[A-Za-z/!?])(?!https?:|mailto:)")

#: What the text says of other networks where none is compared; compare-networks says it otherwise.
ALONE = {"any": False, "architectures": False}

#: Sections of the configuration that the text may quote; paths, keys and search words are not published.
TOLD: dict[str, type[Settings]] = {
    "ingest": IngestSettings,
    "images": ImagesSettings,
    "selection": SelectionSettings,
    "reference": ReferenceSettings,
    "network": NetworkSettings,
    "prediction": PredictionSettings,
    "attribution": AttributionSettings,
    "statistics": StatisticsSettings,
    "external": ExternalSettings,
}


def collect(results: Results, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all values, nested by subject.

    Parameters
    ----------
    results : Results
    config : mapping
        The whole configuration as resolved.

    Returns
    -------
    dict
        Text for numbers, True and False for conditions; and the title and the authors.
    """
    cohort = parse(CohortSettings, config["cohort"], "the configuration's section cohort")
    results = replace(results, scheme=literal(results.scheme))
    scheme, settings = results.scheme, results.settings
    told = {name: config[name] for name in ("seed", *TOLD)}
    told["selection"] = {key: value for key, value in told["selection"].items() if key != "words"}
    # Of ingest the text tells its choices alone; its patterns are for reading headers.
    told["ingest"] = {key: told["ingest"][key] for key in ("unnamed", "burned_in", "for_processing", "cut")}
    original = load_yaml(ORIGINAL)
    measured, sources = _measured(results, config)
    compared = measured.pop("compared")
    measured["flow"] |= rule_values(config["selection"])
    cut, two_knees = told["ingest"]["cut"], measured["files"]["any_films_cut"]
    alone = cut["single"] == "knee"
    measured["files"] |= {
        "cut": two_knees or alone,
        "joint_located": (two_knees and cut["both"] == "knee") or alone,
    }
    read = {name for name in (*scheme.items, *scheme.findings) if results.graded[name].notna().any()}
    found: dict[str, Any] = {
        "title": settings.title
        or f"{scheme.title} grading of knee radiographs by {network_noun(config['network'])}: "
        f"{'external validation on' if results.origin else 'a study of'} {noun(escape(str(cohort.title)), cohort.kind)}",
        "lang": settings.language,
        "cohort": fact_values(cohort, read) | {"as_published": _as_published(config)},
        "scheme": _scheme(scheme, read),
        **measured,
        "differences": {"any": bool(measured["subgroups"]["any"] or compared["any"])},
        "original": readable(original)
        | {
            "source": load_published(config["statistics"]["published"]).source,
            "compared": compared,
            "level": results.published_level,
            "other_level": results.published_level != results.level,
        },
        "sources": sources,
        "manuscript": _manuscript(settings),
        "has": _has(results),
        "readings": {name: read_by(config["reference"][name]) for name in SETS},
        "config": readable(told),
        "chosen": {name: options for name, model in TOLD.items() if (options := chosen(model, told[name]))},
        "given": given(told),
        "network": network_values(results, config, original),
        "networks": ALONE,
    }
    authors = [
        {key: escape(told) for key, told in author.model_dump(exclude_none=True).items()} for author in settings.authors
    ]
    if authors:
        found["author"] = authors
    return found


def _scheme(scheme: Scheme, read: set[str]) -> dict[str, Any]:
    """Return what the text says of the grading, of whose findings it names those that anybody read."""
    items = [decapitalise(item.title) for item in scheme.items.values()]
    findings = [finding.title for name, finding in scheme.findings.items() if name in read]
    return {
        "name": scheme.name,
        "title": scheme.title,
        "cited": bool(scheme.citation),
        "citation": scheme.citation or "",
        "items": listed(items) or "no item",
        "item": items[0] if len(items) == 1 else "grade",
        "n_items": count(len(items)),
        "one_item": len(items) == 1,
        "several_items": len(items) > 1,
        "graded": len(items) > 0,
        "findings": _noted(findings),
        "any_findings": len(findings) > 0,
        "any_others": len(findings) > 0 or _of_several_items(scheme),
        "outcomes": count(len(scheme.outcomes)),
        "disease_title": scheme.disease.title if scheme.disease else "Disease",
        "disease": decapitalise(scheme.disease.title) if scheme.disease else "disease",
        "rule": in_words(scheme.disease.rule, scheme) if scheme.disease else "none",
    }


def write_values(results: Results, config: Mapping[str, Any], out: Path) -> None:
    """Write all values to a YAML file."""
    write_text(out, dump_yaml(_plain(collect(results, config))))


def _measured(results: Results, config: Mapping[str, Any]) -> tuple[dict[str, Any], Sources]:
    """Return all values that come from results, by subject, and the files each subject was made from."""
    found: dict[str, Any] = {}
    sources: Sources = {}
    for make in (
        cohort_values, agreement_values, reader_values, performance_values, summary_values, training_values, optimism_values,
        prevalence_values, sample_size_values,
        calibration_values, temperature_values, decision_values, subgroup_values, coverage_values, audit_values, published_values,
        partial(learning_curve_values, config=config), partial(external_values, config=config),
    ):  # fmt: skip
        with results.recording() as seen:
            part = make(results)
        found |= part
        sources |= {name: hashes(seen) for name in part}
    return found, sources


def _plain(value: Any) -> Any:
    """Turn NumPy's truth values into Python's, and let no word in angle brackets be taken for a tag, which vanishes."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return TAG.sub(r"\\<", value) if isinstance(value, str) else bool(value)


def _as_published(config: Mapping[str, Any]) -> bool:
    """Whether implants are simulated as often as the published study counted them, which the defaults are."""
    population = parse(
        SimulateSettings, config.get("simulate") or {}, "the configuration's section simulate"
    ).population
    names = ("training_findings", "training_of", "test_findings", "test_of")
    return all(getattr(population, name) == getattr(SimulateSettings().population, name) for name in names)


def _of_several_items(scheme: Scheme) -> bool:
    """Whether disease follows from several items, so that it is learnt as an outcome of its own."""
    return scheme.disease is not None and len(parse_rule(scheme.disease.rule, scheme.highest).names) > 1


def _noted(findings: list[str]) -> str:
    """Return "any of 18 findings", or the one or two that there are."""
    few = len(findings) in (1, 2)
    return " or ".join(map(decapitalise, findings)) if few else f"any of {count(len(findings))} findings"


def _manuscript(settings: ManuscriptSettings) -> dict[str, Any]:
    return {
        "funding": settings.funding,
        "interests": settings.interests,
        "registration": settings.registration,
        "involvement": settings.involvement,
        "any_authors": len(settings.authors) > 0,
        "no_authors": len(settings.authors) == 0,
        "has_url": bool(settings.code_url),
        "code_url": f"<{settings.code_url}>" if settings.code_url else "none",
    }


def _has(results: Results) -> dict[str, bool]:
    """Whether each table and figure has anything to show in this run."""
    from analysis.presentation.figures import PRESENT
    from analysis.presentation.tables import TABLES

    found = {f"table_{name}": make(results) is not None for name, make in TABLES.items()}
    return found | {f"figure_{name}": present(results) for name, present in PRESENT.items()}
