"""What the estimates can be trusted with: readers, subgroups, intervals, their coverage, and the published tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.grading.scheme import Outcome
from analysis.report.inputs import Results
from analysis.report.markdown import Table
from analysis.report.occlusion import hidden
from analysis.report.tables.performance import MEASURES, PERCENT, by_heading
from analysis.report.text import NONE, count, decapitalise, interval, known, number, p_value

METHODS = {
    "delong": "DeLong",
    "bootstrap": "bootstrap of exams",
    "patients": "bootstrap of patients",
    "newcombe": "Newcombe",
}


def readers(results: Results) -> Table | None:
    """Tabulate the network and each reader, held against the same reference."""
    frame = results.estimates("readers")
    if frame.empty:
        return None
    digits = results.settings.digits
    measures = [name for name in MEASURES if (frame["measure"] == name).any()]
    others = [name for name in frame["measure"].unique() if name not in MEASURES]
    rows: list[list[str]] = []
    for item in frame["item"].unique():
        part = frame[frame["item"] == item]
        rows.append([results.title(str(item))])
        for who in part["who"].unique():
            cells = part[part["who"] == who].set_index("measure")
            row = [str(who).replace("_", " ").replace("-", " ").capitalize()]
            for name in measures:
                found = dict(cells.loc[name]) if name in cells.index else {}
                row.append(interval(found, "estimate", *((0, 100) if name in PERCENT else (digits, 1))))
            for name in others:
                found = dict(cells.loc[name]) if name in cells.index else {}
                row.append(interval(found, "estimate", digits))
            rows.append(row)
    head = ["", *(MEASURES[name] for name in measures), *(str(name).replace("_", " ").capitalize() for name in others)]
    return Table(head, rows)


def subgroups(results: Results) -> Table | None:
    """AUC by subgroup, with the difference to the other exams and P values after Holm's correction."""
    frame = results.estimates("subgroups")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for outcome in results.outcomes("group", "disease"):
        part = frame[(frame["outcome"] == outcome.id) & frame["auc"].notna()]
        if part.empty:
            continue
        rows.append([outcome.title])
        for _, row in part.iterrows():
            rows.append(
                [
                    _level(dict(row)),
                    f"{count(row['cases'])} / {count(row['n'])}",
                    interval(dict(row), "auc", digits),
                    interval(dict(row), "difference", digits),
                    p_value(row.get("p_holm")),
                ]
            )
    if not rows:
        return None
    level = results.level
    return Table(["", "Cases / exams", f"AUC ({level} CI)", f"Difference ({level} CI)", "P (Holm)"], rows)


def _level(row: Mapping[Any, Any]) -> str:
    """Return "Sex: female, against male"; the difference is to what stands after "against"."""
    text = f"{row['subgroup']}: {row['level']}" + (f", against {row['against']}" if known(row.get("against")) else "")
    text = text.replace("_", " ")
    return text[0].upper() + text[1:]


def comparisons(results: Results) -> Table | None:
    """Comparisons of AUCs."""
    frame = results.estimates("comparisons")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows = [
        [
            results.title(str(row["outcome"])),
            str(row["first"]).replace("_", " "),
            str(row["second"]).replace("_", " "),
            interval(dict(row), "difference", digits),
            p_value(row.get("p")),
            METHODS.get(str(row["method"]), str(row["method"])) if known(row.get("method")) else NONE,
        ]
        for _, row in frame.iterrows()
    ]
    return Table(["", "First", "Second", "Difference", "P", "Method"], rows, align="lllrrl")


def intervals(results: Results) -> Table | None:
    """Every kind of interval of each AUC, and the one that is reported."""
    digits = results.settings.digits + 1

    def cells(outcome: Outcome) -> list[str] | None:
        row = results.auc(outcome.id)
        if not known(row["auc"]):
            return [NONE] * (len(METHODS) + 1) + [str(row.get("reason") or NONE)]
        found = []
        for method in METHODS:
            low, high = row.get(f"{method}_low"), row.get(f"{method}_high")
            found.append(f"{number(low, digits)} to {number(high, digits)}" if known(low) else NONE)
        reported = row.get("method")
        chosen = (
            METHODS.get(str(reported), str(row.get("reason"))) if known(reported) else str(row.get("reason") or NONE)
        )
        return [number(row["auc"], digits), *found, chosen]

    head = ["", "AUC", *(title[0].upper() + title[1:] for title in METHODS.values()), "Reported"]
    return Table(head, by_heading(results, results.outcomes(), cells), align="lr" + "r" * len(METHODS) + "l")


def coverage(results: Results) -> Table | None:
    """How often each kind of interval covered the true AUC in simulated studies."""
    frame = results.covered
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for clustered in sorted(frame["clustered"].unique()):
        rows.append(["Several exams of each patient" if clustered else "One exam of each patient"])
        part = frame[frame["clustered"] == clustered].sort_values(["true_auc", "cases", "method"], kind="stable")
        for _, row in part.iterrows():
            name = METHODS.get(str(row["method"]), str(row["method"]).replace("_", " "))
            rows.append(
                [
                    name[0].upper() + name[1:],
                    f"{count(row['cases'])} / {count(row['controls'])}",
                    number(row["true_auc"], digits),
                    interval(dict(row), "coverage", 1, 100),
                    number(row["width"], digits),
                ]
            )
    return Table(["", "Cases / controls", "True AUC", "Coverage, %", "Mean width"], rows)


def occlusion(results: Results) -> Table | None:
    """What becomes of grades and implants when a part of each image is hidden."""
    regions = hidden(results)
    if not regions:
        return None
    digits = results.settings.digits
    implant = next((o for o in results.scheme.outcomes if o.kind == "implant"), None)
    head = ["Hidden part", "Exams", "Mean AUC of single grades", "… with it hidden", "Mean change of a grade's score"]
    if implant:
        head += [f"Mean score of {decapitalise(implant.title)}", "… with it hidden"]
    rows = []
    for region in regions.values():
        rows.append(
            [
                region.title,
                count(region.exams),
                *(number(value, digits) for value in (region.auc, region.auc_hidden, region.change)),
                *(number(value, digits) for value in (region.implant, region.implant_hidden) if implant),
            ]
        )
    return Table(head, rows)


def audit(results: Results) -> Table | None:
    """Tabulate what can be recomputed from the published tables, and whether it agrees."""
    frame = results.audited
    if frame.empty:
        return None
    rows: list[list[str]] = []
    for table in frame["table"].unique():
        part = frame[frame["table"] == table]
        failed = part[~part["holds"].astype(str).isin(("True", "true", "1"))]
        rows.append([str(table)])
        rows.append(["All checks", "", "", f"{count(len(part) - len(failed))} of {count(len(part))} hold", ""])
        for _, row in failed.iterrows():
            rows.append(
                [
                    f"{row['row']}: {row['check']}",
                    _value(row.get("published")),
                    _value(row.get("recomputed")),
                    "does not hold",
                    str(row["note"]) if known(row.get("note")) else "",
                ]
            )
    return Table(["", "Published", "Recomputed", "Result", "Note"], rows, align="lrrll")


def _value(value: object) -> str:
    try:
        return f"{float(value):g}" if known(value) else NONE  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
