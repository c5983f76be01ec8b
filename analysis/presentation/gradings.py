"""Two gradings side by side as a table, a figure and the values of a paragraph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.files import write_text
from analysis.grading.scheme import Scheme
from analysis.presentation.format import (
    NONE,
    count,
    decapitalise,
    escape,
    interval,
    known,
    number,
    p_equation,
    p_value,
    percentage,
)
from analysis.presentation.markdown import Table, write_table_files
from analysis.presentation.settings import ManuscriptSettings
from analysis.schemas import SETS
from analysis.schemas.comparisons import GRADINGS
from analysis.yaml_files import dump_yaml

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Comparison:
    """The estimates of `analysis.statistics.gradings`, as the manuscript tells them.

    Parameters
    ----------
    table : pandas.DataFrame
        As `compare_gradings` returns it.
    first, second : Scheme
    settings : ManuscriptSettings
    """

    def __init__(self, table: pd.DataFrame, first: Scheme, second: Scheme, settings: ManuscriptSettings) -> None:
        self.table = table
        self.schemes = (first, second)
        self.names = (first.name, second.name)
        self.titles = (first.title, second.title)
        self.settings = settings
        self.level = f"{100 * float(table['level'].iloc[0]):g}%"
        self.sets = [name for name in SETS if self.row(name, "compared").get("n")]

    def row(self, which: str, measure: str, exams: str = "all", **named: str) -> dict[str, Any]:
        """Return one estimate; empty where it isn't there."""
        found = self.table
        for column, value in {"set": which, "measure": measure, "exams": exams, **named}.items():
            found = found[found[column] == value]
        return dict(found.iloc[0]) if len(found) else {}

    def truths(self) -> dict[str, str]:
        """Return what the networks are asked in the test set, and how a table calls it."""
        names = {name: f"Disease by {title}" for name, title in zip(self.names, self.titles, strict=True)}
        if self.schemes[0].early:
            names["early"] = f"{self.schemes[0].early.title} by {self.titles[0]}, against none"
        return names | {"own": "Disease, each network by its own grading"}

    def auc(self, truth: str, index: int) -> dict[str, Any]:
        """Return the AUC of one network; for "own" of that for its own definition."""
        return self.row("test", "auc", truth=self.names[index] if truth == "own" else truth, score=self.names[index])


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write gradings.csv (all estimates), table.md and table.csv, gradings.svg and .png, values.yml to a folder."""
    from analysis.files import write_table
    from analysis.presentation.figures.style import save, style

    write_table(comparison.table, out / "gradings.csv", GRADINGS)
    write_table_files(comparison_table(comparison), out, "table")
    with style(comparison.settings.figures):
        save(comparison_figure(comparison), out, "gradings")
    text = dump_yaml({"gradings": comparison_values(comparison)})
    write_text(out / "values.yml", text)


def comparison_table(c: Comparison) -> Table:
    """Return the table: prevalence by set, agreement, and AUCs in the test set."""
    digits = c.settings.digits
    rows: list[list[str]] = [["Disease, % of exams; ratio"]]
    groups = [(f"{name.capitalize()} set", "all") for name in c.sets]
    if c.schemes[0].early:
        groups += [(f"{c.schemes[0].early.title} by {c.titles[0]}, {name} set", "early") for name in c.sets]
    for (label, exams), which in zip(groups, c.sets * 2, strict=False):
        shares = [c.row(which, "prevalence", exams, truth=name) for name in c.names]
        if shares[0]["n"]:
            cells = [interval(share, "estimate", 0, 100) for share in shares]
            ratio = interval(c.row(which, "prevalence_ratio", exams), "estimate", digits)
            rows.append([f"{label} (n = {count(shares[0]['n'])})", *cells, ratio, NONE])
    if "test" in c.sets:
        rows.append(["Agreement on disease, test set"])
        rows.append(["Exams called diseased by this grading alone",
                     *(count(c.row("test", f"{name}_only")["estimate"]) for name in ("first", "second")), NONE, NONE])  # fmt: skip
        rows.append(["Same answer, % of exams", "", "", interval(c.row("test", "percent"), "estimate", 0), NONE])
        rows.append(["Cohen's kappa", "", "", interval(c.row("test", "kappa"), "estimate", digits), NONE])
        rows.append(["AUC of the network taught by this grading, test set; difference"])
        for truth, label in c.truths().items():
            both = [c.auc(truth, index) for index in (0, 1)]
            difference = c.row("test", "auc_difference", truth=truth)
            number_ = "" if truth == "own" else f" ({count(both[0].get('cases'))} of {count(both[0].get('n'))} exams)"
            rows.append([f"{label}{number_}", *(interval(auc, "estimate", digits) for auc in both),
                         interval(difference, "estimate", digits), p_value(difference.get("p_holm"))])  # fmt: skip
    return Table(["", *c.titles, f"Comparison ({c.level} CI)", "P (Holm)"], rows)


def comparison_figure(c: Comparison) -> Figure:
    """Draw the prevalence by either definition, set by set, beside the AUCs of both networks."""
    from analysis.presentation.figures.panels import MARKERS, dots
    from analysis.presentation.figures.style import GREY, canvas, legend, wrap

    settings = c.settings.figures
    figure, axes = canvas(settings.double_mm, 70, 1, 2, width_ratios=(1, 1.15))
    left, right = axes
    shares = {f"{name.capitalize()} set": [c.row(name, "prevalence", truth=n) for n in c.names] for name in c.sets}
    dots(left, shares, settings.palette, scale=100)
    left.set(xlabel=f"Exams with disease, % ({c.level} CI)", xlim=(0, 100))
    left.set_title("A")
    truths = {wrap(label, 30): [c.auc(truth, index) for index in (0, 1)] for truth, label in c.truths().items()}
    dots(right, truths, settings.palette)
    right.axvline(0.5, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    right.set(xlabel=f"AUC in the test set ({c.level} CI)", xlim=(None, 1.0))
    right.set_title("B")
    handles = [
        left.plot([], [], marker, color=settings.palette[index], linestyle="-", label=c.titles[index])[0]
        for index, marker in enumerate(MARKERS[:2])
    ]
    legend(figure, handles)
    return figure


def comparison_values(c: Comparison) -> dict[str, Any]:
    """Return the numbers of the paragraph, and what chooses its sentences (True and False)."""
    digits, alpha = c.settings.digits, 1 - float(c.table["level"].iloc[0])
    titles = list(map(escape, c.titles))
    found: dict[str, Any] = {"any": True, "first": titles[0], "second": titles[1], "level": c.level}
    for which in SETS:
        here = which in c.sets
        found[which] = {"any": here}
        if here:
            shares = [c.row(which, "prevalence", truth=name) for name in c.names]
            ratio = c.row(which, "prevalence_ratio")
            low: Any = ratio.get("low")
            high: Any = ratio.get("high")
            found[which] |= {
                "n": count(shares[0]["n"]),
                "first": percentage(shares[0], "estimate"),
                "second": percentage(shares[1], "estimate"),
                "ratio": interval(ratio, "estimate", digits),
                "tested": bool(known(low) and known(high)),
                "more_by_second": bool(known(low) and low > 1),
                "fewer_by_second": bool(known(high) and high < 1),
                "alike": bool(known(low) and known(high) and low <= 1 <= high),
            }
    kappa = c.row("test", "kappa")
    found["agreement"] = {
        "any": bool(known(kappa.get("estimate"))),
        "percent": percentage(c.row("test", "percent"), "estimate", scale=1),
        "kappa": interval(kappa, "estimate", digits),
        "first_only": count(c.row("test", "first_only").get("estimate")),
        "second_only": count(c.row("test", "second_only").get("estimate")),
    }
    for truth, name in {
        **dict(zip(c.names, ("by_first", "by_second"), strict=True)),
        "early": "early",
        "own": "own",
    }.items():
        both = [c.auc(truth, index) for index in (0, 1)]
        difference = c.row("test", "auc_difference", truth=truth)
        p: Any = difference.get("p_holm")
        gap: Any = difference.get("estimate")
        differs = bool(known(p) and p < alpha)
        found[name] = {
            "any": bool(known(gap)),
            "n": count(both[0].get("n")),
            "cases": count(both[0].get("cases")),
            "first": interval(both[0], "estimate", digits),
            "second": interval(both[1], "estimate", digits),
            "difference": interval(difference, "estimate", digits),
            "gap": number(abs(gap), digits) if known(gap) else NONE,
            "p": p_equation(p) if known(p) else NONE,
            "tested": bool(known(p)),
            "first_better": differs and gap > 0,
            "second_better": differs and gap < 0,
            "undecided": bool(known(p)) and not differs,
        }
    early = c.schemes[0].early
    found["early"]["title"] = escape(decapitalise(early.title)) if early else NONE
    return found
