"""The cohort, the readers and the network in tables."""

from __future__ import annotations

from analysis.archive.people.names import exam_of
from analysis.network.form.structure import read_structure
from analysis.presentation.format import NONE, count, count_percent, number
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results
from analysis.schemas import SETS


def network(results: Results) -> Table | None:
    """Structure of the network, as the weights of the first one trained describe it."""
    if not results.weights:
        return None
    rows = read_structure(results.weights)
    return Table(
        ("Layers", "Blocks", "Kernel", "Filters", "Part", "Parameters"),
        [
            (
                row.kind,
                str(row.blocks),
                row.kernel,
                NONE if row.filters is None else count(row.filters),
                row.part,
                count(row.parameters),
            )
            for row in rows
        ],
        align="lrrrlr",
    )


def distribution(results: Results) -> Table:
    """Grades, locations, findings and implants by set, of the exams that were read for them."""
    frame = results.graded
    sets = [name for name in SETS if (frame["set"] == name).any()]
    parts: dict[str, list[list[str]]] = {}
    for outcome in results.scheme.outcomes:
        if outcome.kind == "group" or not results.was_read(outcome):
            continue
        cells = []
        for name in sets:
            values = frame.loc[frame["set"] == name, outcome.id].dropna()
            cases = int(values.sum())
            cells += [count_percent(cases, len(values)), count_percent(len(values) - cases, len(values))]
        parts.setdefault(results.heading(outcome), []).append([results.name(outcome, mark=False), *cells])
    rows = [line for heading, found in parts.items() for line in ([heading], *found)]
    head = [f"{name.capitalize()}, {answer}" for name in sets for answer in ("yes", "no")]
    return Table(["", *head], rows)


def images(results: Results) -> Table | None:
    """Exams, patients and images by set, with age, sex and view."""
    exams = results.exams
    sets = [name for name in SETS if (exams["set"] == name).any()]
    if not sets:
        return None
    parts = {name: exams[exams["set"] == name] for name in sets}
    rows = [
        ["Exams", *(count(exam_of(part["exam"]).nunique()) for part in parts.values())],
        ["Patients", *(count(part["patient"].nunique()) for part in parts.values())],
        ["Images", *(count(part["images"].sum()) for part in parts.values())],
    ]
    if any(exam_of(part["exam"]).duplicated().any() for part in parts.values()):
        rows[0][0] = "Exams as taken"
        rows.insert(1, ["Exams, each knee counted", *(count(len(part)) for part in parts.values())])
    if exams["age"].notna().any():
        rows.append(
            [
                "Age, years, median (interquartile range)",
                *(
                    f"{number(part['age'].median(), 0)} ({number(part['age'].quantile(0.25), 0)} to "
                    f"{number(part['age'].quantile(0.75), 0)})"
                    if part["age"].notna().any()
                    else NONE
                    for part in parts.values()
                ),
            ]
        )
    for title, column in (("Sex", "sex"), ("Protocol", "protocol")):
        values = [value for value in sorted(exams[column].dropna().unique()) if str(value)]
        if values:
            rows.append([f"{title}, exams (%)"])
            for value in values:
                name = str(value).replace("_", " ")
                rows.append([name.capitalize(), *(_share(part[column], value) for part in parts.values())])
    return Table(["", *(name.capitalize() for name in sets)], rows)


def _share(column: object, value: object) -> str:
    import pandas as pd

    assert isinstance(column, pd.Series)
    known = column.dropna()
    return count_percent(int((known == value).sum()), len(known)) if len(known) else NONE
