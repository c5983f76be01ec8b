"""What a run ends with in the terminal: the main estimates, and where the manuscript is."""

from __future__ import annotations

import csv
import textwrap
from pathlib import Path

from analysis.presentation.beside import pair, told

KINDS = ("grade", "group", "disease")


def headline(study: Path, title: str) -> str:
    """Return the AUCs of the test set, each with pROC's DeLong interval and the one recommended.

    Parameters
    ----------
    study : Path
        The folder of a study's results, results/COHORT/GRADING.
    title : str
        What the study is called.

    Returns
    -------
    str
        Nothing where the study has no manuscript yet.
    """
    estimates, made = study / "statistics/roc.csv", sorted((study / "manuscript").glob("index.*"))
    manuscripts = [path for path in made if path.suffix in (".html", ".pdf", ".docx", ".xml")]
    if not estimates.is_file() or not manuscripts:
        return ""
    with estimates.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == "test" and row["kind"] in KINDS]
    lines = [f"{title}: area under the ROC curve in the test set"]
    pairs = [pair(row, 2) for row in rows]
    if rows:
        level = f"{100 * float(rows[0]['level']):g} %"
        head = ("AUC", f"DeLong {level}, pROC", f"recommended {level}")
        lines.append(f"  {'':<34}{'cases':>7}{'controls':>10}   {head[0]:<6}{head[1]:<21}{head[2]}")
    for row, both in zip(rows, pairs, strict=True):
        name = f"{row['item']} {row['label']}".strip() if row["item"] else row["label"]
        auc = f"{float(row['auc']):<6.2f}" if row["auc"] else "none  "
        limits = f"{both.delong or '-':<21}{both.recommended or row['reason'] or '-'} {both.signs}".rstrip()
        lines.append(f"  {name:<34}{row['cases']:>7}{row['controls']:>10}   {auc}{limits}")
    notes = [told(pairs), _networks(study / "statistics/seeds.csv", [row["outcome"] for row in rows])]
    for note in filter(None, notes if rows else []):
        lines += ["", textwrap.fill(note, 88, initial_indent="  ", subsequent_indent="  ")]
    lines += ["", "The manuscript:", *(f"  {path}" for path in manuscripts)]
    return "\n" + "\n".join(lines) + "\n"


def _networks(path: Path, outcomes: list[str]) -> str:
    """Say how far single networks lie apart, or that one can't tell; nothing where the scores are not of networks."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outcome"] in outcomes]
    if not rows:
        return ""
    most = max(int(row["seeds"]) for row in rows)
    if most == 1:
        return "One network was trained: how far its random start moves these AUCs can't be known from it."
    apart = [float(row["highest"]) - float(row["lowest"]) for row in rows]
    return (
        f"The scores of {most} networks are averaged. Single ones lie {min(apart):.2f} to {max(apart):.2f} apart in "
        "AUC, which the intervals don't count."
    )
