"""Networks on the same exams as two tables, a figure and the values of a section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.files import write_table, write_text
from analysis.grading.scheme import Scheme
from analysis.network.trained.compared import Network
from analysis.network.trained.folder import tell_apart
from analysis.presentation.format import NONE, count, escape, interval, known, listed, number, p_equation, p_value, span
from analysis.presentation.markdown import Table, write_table_files
from analysis.presentation.settings import ManuscriptSettings
from analysis.schemas.comparisons import NETWORKS, PAIRS
from analysis.statistics.comparisons import GRADED
from analysis.yaml_files import dump_yaml

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What accuracy and kappa are called beside the AUCs.
MEASURES = {"accuracy": "accuracy", "quadratic_kappa": "quadratic kappa"}


@dataclass(frozen=True)
class Beside:
    """Networks beside each other, as the manuscript tells them.

    Attributes
    ----------
    networks : list of Network
        The study's own first.
    estimates, pairs : pandas.DataFrame
        Schemas NETWORKS and PAIRS.
    left_out : mapping of str to int
        For each network the test exams that it has not scored, which take no part.
    patients : int
        Whom the exams are of.
    scheme : Scheme
    settings : ManuscriptSettings

    Raises
    ------
    StudyError
        If two of the networks are one.
    """

    networks: list[Network]
    estimates: pd.DataFrame
    pairs: pd.DataFrame
    left_out: Mapping[str, int]
    patients: int
    scheme: Scheme
    settings: ManuscriptSettings

    def __post_init__(self) -> None:
        tell_apart((network.label, network.name) for network in self.networks)

    @property
    def level(self) -> str:
        """Level of the intervals in per cent."""
        return f"{100 * float(self.pairs['level'].iloc[0]):g}%"

    @property
    def shown(self) -> dict[tuple[str, str], str]:
        """Outcome or item and measure of each row, and what it is called; what no exam was read for has none."""
        seen = self.estimates[self.estimates["estimate"].notna()]
        there = set(zip(seen["outcome"], seen["measure"], strict=True))
        items = self.scheme.items
        titles = {
            (outcome.id, "auc"): f"{items[outcome.item].short} {outcome.label}" if outcome.item else outcome.label
            for outcome in self.scheme.outcomes
        }
        for name, item in items.items():
            titles |= {(name, measure): f"{item.short}: {MEASURES[measure]}" for measure in GRADED}
        return {key: title for key, title in titles.items() if key in there}

    def estimate(self, network: str, key: tuple[str, str]) -> dict[str, Any]:
        """Return one network's estimate."""
        frame = self.estimates
        found = frame[(frame["network"] == network) & (frame["outcome"] == key[0]) & (frame["measure"] == key[1])]
        return dict(found.iloc[0]) if len(found) else {}

    def pair(self, first: str, second: str, key: tuple[str, str]) -> dict[str, Any]:
        """Return one comparison."""
        frame = self.pairs
        found = frame[(frame["first"] == first) & (frame["second"] == second)]
        found = found[(found["outcome"] == key[0]) & (found["measure"] == key[1])]
        return dict(found.iloc[0]) if len(found) else {}


def named(label: str) -> str:
    """Return a network's name as the text has it: those of `compare_networks`, which may be words such as first, quoted."""
    return label if " " in label else f"“{label}”"


def write_beside(beside: Beside, out: Path) -> None:
    """Write networks.csv and pairs.csv (all estimates), the tables, networks.svg and .png, and values.yml to a folder."""
    from analysis.presentation.figures.style import save, style

    write_table(beside.estimates, out / "networks.csv", NETWORKS)
    write_table(beside.pairs, out / "pairs.csv", PAIRS)
    write_table_files(networks_table(beside), out, "compared")
    write_table_files(pairs_table(beside), out, "table")
    with style(beside.settings.figures):
        save(networks_figure(beside), out, "networks")
    write_text(out / "values.yml", dump_yaml({"networks": networks_values(beside)}))


def networks_table(beside: Beside) -> Table:
    """Return the table of the networks: what each is, and what it was trained on."""
    rows = [
        [
            network.label,
            network.name,
            network.architecture,
            count(network.members[0].parameters),
            count(len(network.members)),
            count(network.members[0].side),
            network.cohort,
        ]
        for network in beside.networks
    ]
    head = ["", "Name", "Architecture", "Parameters", "Members", "Pixels a side", "Trained on"]
    return Table(head, rows, align="lllrrrl")


def pairs_table(beside: Beside) -> Table:
    """Return the table of the comparisons: under each pair what either achieves, the difference by each way, and P."""
    digits = beside.settings.digits
    rows: list[list[str]] = []
    for first, second in combinations([network.label for network in beside.networks], 2):
        rows.append([f"First: {named(first)}; second: {named(second)}"])
        for key, title in beside.shown.items():
            found = beside.pair(first, second, key)
            if not found["n"]:  # what one of them never learnt
                continue
            cases = (
                f" ({count(found['cases'])} of {count(found['n'])})" if key[1] == "auc" else f" ({count(found['n'])})"
            )
            rows.append(
                [
                    title + cases,
                    *(number(found[f"{which}_value"], digits) for which in ("first", "second")),
                    interval(found, "difference", digits),
                    *(_limits(found, way, digits) for way in ("delong", "patients")),
                    p_value(found["p_holm"]),
                ]
            )
    head = [
        "AUC, accuracy or kappa",
        "First",
        "Second",
        f"Difference ({beside.level} CI)",
        "DeLong",
        "Patients resampled",
    ]
    return Table([*head, "P (Holm)"], rows)


def _limits(row: Mapping[str, Any], way: str, digits: int) -> str:
    low, high = (row[f"{way}_{end}"] for end in ("low", "high"))
    return f"{number(low, digits)} to {number(high, digits)}" if known(low) and known(high) else NONE


def networks_figure(beside: Beside) -> Figure:
    """Draw what each network achieves, beside its difference from the study's own."""
    from analysis.presentation.figures.panels import MARKERS, dots
    from analysis.presentation.figures.style import GREY, canvas, legend, wrap

    settings, labels = beside.settings.figures, [network.label for network in beside.networks]
    rows = {wrap(title, 34): key for key, title in beside.shown.items()}
    lines = sum(label.count("\n") + 1 for label in rows)
    height = 20 + max(1.6 + 1.7 * len(labels), 3.4) * len(rows) + lines
    figure, (left, right) = canvas(settings.double_mm, height, 1, 2, width_ratios=(1.15, 1), sharey=True)
    dots(
        left,
        {title: [beside.estimate(label, key) for label in labels] for title, key in rows.items()},
        settings.palette,
    )
    left.set(xlabel=f"AUC, accuracy or kappa ({beside.level} CI)", xlim=(None, 1.0))
    left.set_title("A")
    others = {title: [beside.pair(labels[0], label, key) for label in labels[1:]] for title, key in rows.items()}
    turned = {title: [_turned(row) for row in found] for title, found in others.items()}
    dots(right, turned, settings.palette[1:], "difference", first=1)
    right.axvline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)))
    right.set(xlabel=f"Difference from {labels[0]} ({beside.level} CI)")
    right.set_title("B")
    right.tick_params(labelleft=False)
    handles = [
        left.plot([], [], marker, color=colour, linestyle="-", label=label)[0]
        for marker, colour, label in zip(MARKERS, settings.palette, labels, strict=False)
    ]
    legend(figure, handles)
    return figure


def _turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comparison as second minus first."""
    return {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}


def networks_values(beside: Beside) -> dict[str, Any]:
    """Return the numbers of the section, and what chooses its sentences (True and False)."""
    digits, labels = beside.settings.digits, [network.label for network in beside.networks]
    alpha = 1 - float(beside.pairs["level"].iloc[0])
    tested = beside.pairs[beside.pairs["p_holm"].notna()]
    certain = tested[tested["p_holm"] < alpha]
    shown = beside.shown
    called = [f"that of {labels[0]}", *map(named, labels[1:])]
    kappas = [
        f"{number(beside.estimate(label, key).get('estimate'), digits)} ({named(label)})"
        for key in list(shown)
        if key[1] == "quadratic_kappa" and key[0] == next(iter(beside.scheme.items))
        for label in labels
    ]
    members = {len(network.members) for network in beside.networks}
    left = {label: n for label, n in beside.left_out.items() if n}
    return {
        "any": True,
        "number": count(len(labels)),
        "own": labels[0],
        "names": listed([f"{told} (`{network.name}`)" for told, network in zip(called, beside.networks, strict=True)]),
        "n": count(beside.pairs["n"].max()),
        "patients": count(beside.patients),
        "level": beside.level,
        "left_out": bool(left),
        "left_outs": listed([f"{count(n)} by {named(label)}" for label, n in left.items()]) or "none",
        "architectures": len({network.form for network in beside.networks}) > 1,
        "same_data": len({network.members[0].data for network in beside.networks}) == 1,
        "same_members": len(members) == 1,
        "alone": min(members) == 1,
        "kappas": listed(kappas) or NONE,
        "any_kappas": bool(kappas),
        "tested": len(tested) > 0,
        "tests": f"{count(len(tested))} test{'' if len(tested) == 1 else 's'}",
        "some_differ": len(certain) > 0,
        "none_differ": len(tested) > 0 and not len(certain),
        "differ": count(len(certain)),
        "which": "; ".join(_told(certain, shown, digits)) or "none",
        "smallest_p": p_equation(tested["p_holm"].min()) if len(tested) else NONE,
        "lowest": number(tested["low"].min(), digits) if len(tested) else NONE,
        "highest": number(tested["high"].max(), digits) if len(tested) else NONE,
    }


def _told(certain: pd.DataFrame, shown: Mapping[tuple[str, str], str], digits: int) -> Iterator[str]:
    """Give the differences that are certain, those of one network above another together."""
    up = certain["difference"] > 0
    ranked = certain.assign(
        better=certain["first"].where(up, certain["second"]), worse=certain["second"].where(up, certain["first"])
    )
    for (better, worse), rows in ranked.groupby(["better", "worse"], sort=False):
        titles = listed([escape(shown[key]) for key in zip(rows["outcome"], rows["measure"], strict=True)])
        largest = f"{'largest ' if len(rows) > 1 else ''}P {p_equation(rows['p_holm'].max())}"
        yield f"{named(str(better))} above {named(str(worse))} in {titles} (by {span(rows['difference'].abs(), digits)}, {largest})"
