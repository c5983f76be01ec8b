"""The readers in tables: against each other, and beside the network."""

from __future__ import annotations

from analysis.presentation.format import count, interval
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results
from analysis.presentation.tables.performance import MEASURES, PERCENT
from analysis.schemas import SETS


def agreement(results: Results) -> Table | None:
    """Agreement between the readers before consensus."""
    frame = results.agreement
    if frame.empty:
        return None
    rows: list[list[str]] = []
    digits = results.settings.digits
    several = bool((frame["first"] == "all").any())
    for name in SETS:
        part = frame[(frame["set"] == name) & (frame["second"] != "consensus") & (frame["n"] > 0)]
        part = part[
            part["item"].isin([*results.scheme.items, *results.scheme.sums, "disease", *results.scheme_locations])
        ]
        if part.empty:
            continue
        pairs = part[["first", "second"]].drop_duplicates()
        rows.append([f"{name.capitalize()} set"])
        for _, row in part.iterrows():
            title = results.title(row["item"])
            who = f", {reader(row['first'])} and {reader(row['second'])}" if len(pairs) > 1 else ""
            who = ", all readers" if row["first"] == "all" else who
            rows.append(
                [
                    f"{title}{who}",
                    count(row["n"]),
                    interval(dict(row), "percent", 0),
                    interval(dict(row), "kappa", digits),
                    interval(dict(row), "kappa_quadratic", digits),
                    *([interval(dict(row), "alpha", digits)] if several else []),
                    count(row["conflicts"]),
                ]
            )
    if not rows:
        return None
    alpha = ["Krippendorff's alpha"] if several else []
    return Table(["", "Exams", "Agreement, %", "Kappa", "Quadratic weighted kappa", *alpha, "Not all agreed"], rows)


def readers(results: Results) -> Table | None:
    """Tabulate the network and each reader, compared with the same reference standard."""
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
            cells = part[part["who"] == who].set_index("measure").to_dict("index")
            row = [reader(who).capitalize()]
            for name in measures:
                row.append(interval(cells.get(name, {}), "estimate", *((0, 100) if name in PERCENT else (digits, 1))))
            for name in others:
                row.append(interval(cells.get(name, {}), "estimate", digits))
            rows.append(row)
    head = ["", *(MEASURES[name] for name in measures), *(str(name).replace("_", " ").capitalize() for name in others)]
    return Table(head, rows)


def reader(name: object) -> str:
    """Return a reader's name as it is printed: "senior 1"."""
    return str(name).replace("_", " ").replace("-", " ")
