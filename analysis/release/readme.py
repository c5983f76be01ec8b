"""The model card: a page of values, in the form of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from analysis.grading.scheme import Scheme
from analysis.network.trained.folder import NOT_A_DEVICE
from analysis.network.trained.trust import MARKS, NEAREST, SHARE, SIDE, Trust
from analysis.presentation.format import count, interval, listed, number, percent
from analysis.presentation.markdown import Table, to_markdown
from analysis.yaml_files import dump_yaml, load_yaml

TEMPLATE = Path(__file__).parent / "README.md.jinja"


def readme(
    *,
    scheme: Scheme,
    values: Mapping[str, Any],
    config: Mapping[str, Any],
    roc: pd.DataFrame,
    thresholds: pd.DataFrame,
    marked: pd.DataFrame,
    trust: Trust,
    parts: Mapping[str, str],
    made: Mapping[str, Any],
    citation: Path,
) -> str:
    """Write the model card.

    Parameters
    ----------
    scheme : Scheme
    values, config : mapping
        values.yml and the whole configuration.
    roc, thresholds : pandas.DataFrame
        performance.csv and thresholds.csv of the card.
    marked : pandas.DataFrame
        trust.csv.
    trust : Trust
    parts : mapping
        Tables of the report, as markdown.
    made : mapping
        name, code, data, weights: the network's name and hashes.
    citation : Path
        CITATION.cff.
    """
    digits, seeds = int(config["manuscript"]["digits"]), len(config["network"]["seeds"])
    minimum = int(config["statistics"]["minimum_cases"])
    stars = stars_of(thresholds, minimum)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        NOT_A_DEVICE=NOT_A_DEVICE,
        metadata=dump_yaml(_metadata(scheme, values, config, roc, made)).strip(),
        title=f"{scheme.title} grading of knee radiographs: {made['name']}",
        folder=made["name"],
        values=values,
        config=config,
        parts={name: "" for name in ("distribution", "images", "subgroups", "calibration", "summary")} | dict(parts),
        members="one network"
        if seeds == 1
        else f"{count(seeds)} networks from different starts, whose scores are averaged",
        level=f"{100 * float(roc['level'].iloc[0]):g}%",
        performance=_performance(scheme, roc, thresholds, stars, digits),
        minimum=minimum,
        few=any(stars.values()),
        on_test="**" in stars.values(),
        rules=listed([f"{words} (`{mark}`)" for mark, words in rules(trust).items()], "or"),
        marks=_marks(marked),
        made=made,
        citation=_cite(load_yaml(citation), made["name"]),
    )


def rules(trust: Trust) -> dict[str, str]:
    """Return each rule of what shouldn't be trusted in a clause, with its limits."""
    limits = trust.limits
    sure = [f"{100 * value:.0f}% for {item}" for item, value in limits["sure"].items()]
    more = {
        "unlike": f"reduced to {SIDE} x {SIDE} pixels, it is further from the {NEAREST} nearest of {count(len(trust.thumbnails))} "
        f"training images than {100 * SHARE:g}% of the validation set: {limits['unlike']:.1f} grey levels",
        "brightness": f"a mean grey level below {limits['darkest']:.0f} or above {limits['brightest']:.0f} of 255",
        "small": f"less than {limits['smallest']} pixels along its longer side",
        "view": f"it saw {listed(limits['views']) or 'none that was named'}",
        "unsure": f"less than {listed(sure) or 'nothing'}",
    }
    return {mark: f"{words} ({more[mark]})" for mark, words in MARKS.items()}


def stars_of(thresholds: pd.DataFrame, minimum: int) -> dict[str, str]:
    """Mark each outcome whose threshold rests on few exams, or was chosen on the exams that it is tested on."""
    few = thresholds[["chosen_cases", "chosen_controls"]].min(axis=1) < minimum
    on_test = thresholds["chosen_on"] == "test"
    marks = np.where(thresholds["threshold"].isna(), "", np.where(on_test, "**", np.where(few, "*", "")))
    return dict(zip(thresholds["outcome"], marks.tolist(), strict=True))


def _performance(
    scheme: Scheme, roc: pd.DataFrame, thresholds: pd.DataFrame, stars: Mapping[str, str], digits: int
) -> str:
    """Return a row an outcome: numbers, AUC, and what the threshold does."""
    limits, rows = thresholds.set_index("outcome").to_dict("index"), []
    for row in roc.to_dict("records"):
        own = limits[row["outcome"]]
        title = scheme.outcome(row["outcome"]).title
        rows.append(
            [
                title,
                f"{count(row['cases'])} / {count(row['controls'])}",
                interval(row, "auc", digits),
                f"{number(own['threshold'], 3)} {stars[row['outcome']]}".strip(),
                *(interval(own, name, 0, 100) for name in ("sensitivity", "specificity")),
            ]
        )
    head = ("Outcome", "Cases / controls", "AUC (interval)", "Threshold", "Sensitivity, %", "Specificity, %")
    return to_markdown(Table(head, rows))


def _marks(marked: pd.DataFrame) -> str:
    rows = [
        [
            str(row["images"]),
            count(row["n"]),
            f"{percent(row['marked'], row['n'], 1)} "
            f"({number(100 * row['share_low'], 1)} to {number(100 * row['share_high'], 1)})",
        ]
        for row in marked.to_dict("records")
    ]
    return to_markdown(Table(("", "Images", "Marked, % (interval)"), rows))


def _metadata(
    scheme: Scheme, values: Mapping[str, Any], config: Mapping[str, Any], roc: pd.DataFrame, made: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the block that Hugging Face reads."""
    cohort = values["cohort"]
    metrics = [
        {
            "type": "roc_auc",
            "name": f"AUC, {scheme.outcome(row['outcome']).title}",
            "value": round(float(row["auc"]), 4),
        }
        for row in roc.to_dict("records")
        if pd.notna(row["auc"])
    ]
    dataset = {"type": cohort["name"], "name": config["cohort"]["title"], "split": "test"}
    task = {"type": "image-classification", "name": f"{scheme.title} grading of knee radiographs"}
    # The weights of a network follow the terms of the images that it learnt from; simulated ones have none.
    licence = (
        {"license": "mit"} if cohort["simulated"] else {"license": "other", "license_name": "as-the-training-images"}
    )
    return {
        "language": "en",
        **licence,
        "library_name": "knee-grading",
        "pipeline_tag": "image-classification",
        "tags": ["medical-imaging", "radiography", "knee", "osteoarthritis", "pytorch", "safetensors"],
        "datasets": [cohort["name"]],
        "model-index": [
            {"name": made["name"], "results": [{"task": task, "dataset": dataset, "metrics": metrics}]},
        ],
    }


def _cite(file: Mapping[str, Any], name: str) -> str:
    """Return a sentence made of CITATION.cff."""
    own = f"{file['title']}, version {file['version']}; network {name}."
    article = next(iter(file.get("references", [])), None)
    if article is None:
        return own
    authors = ", ".join(f"{one['family-names']} {one['given-names'][0]}" for one in article["authors"])
    return (
        f"{own}\n\nThe study that it rebuilds: {authors}. {article['title']}. {article['journal']} {article['year']};"
        f"{article['volume']}:{article['start']}. doi:{article['doi']}"
    )
