"""What the network looks at, in a table."""

from __future__ import annotations

from analysis.presentation.format import count, decapitalise, number
from analysis.presentation.markdown import Table
from analysis.presentation.occlusion import hidden, implant_of
from analysis.presentation.results import Results


def occlusion(results: Results) -> Table | None:
    """How grades and implants change when a part of each image is hidden."""
    regions = hidden(results)
    if not regions:
        return None
    digits = results.settings.digits
    implant = implant_of(results) if {"implant", "other_bright"} & regions.keys() else None
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
