"""A study's files in the form the stages leave them, with numbers from a random generator: input for the tests of tables, figures and text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pandera.pandas as pa
import yaml

from analysis.files import write_table
from analysis.grading.scheme import Scheme, load_scheme
from analysis.presentation.settings import ManuscriptSettings
from analysis.schemas import AGREEMENT, EXAMS, FLOW, REFERENCE
from analysis.schemas.design import AUDIT, COVERAGE, FALSE_POSITIVES, SAMPLE_SIZE
from analysis.schemas.network import CASES, LEARNING, OCCLUSION, TEMPERATURES
from analysis.schemas.statistics import ESTIMATES

SCHEMAS = {name.partition(".")[0]: schema for name, schema in ESTIMATES.items()} | {
    "coverage": COVERAGE, "false_positives": FALSE_POSITIVES, "sample_size": SAMPLE_SIZE, "audit": AUDIT,
}  # fmt: skip
SIZES = {"training": 600, "validation": 100, "test": 300}


#: What a column holds where the rows of a table leave it out, if it can't be missing.
USUAL: dict[str, Any] = {
    "set": "test", "n": 300, "cases": 60, "controls": 240, "images": 3, "bin": 1, "level": 0.95, "replicates": 2000,
    "seed": 1, "source": "training set", "chosen_on": "validation", "exams_per_patient": 1, "label": "label", "second": "", "who": "", "phase": 1,
}  # fmt: skip


def write(rows: list[dict[str, Any]] | pd.DataFrame, path: Path, schema: pa.DataFrameSchema) -> None:
    """Write a table in the form of its schema; columns that the rows leave out are missing, or as usual."""
    frame = pd.DataFrame(rows)
    for name, column in schema.columns.items():
        if name not in frame and not column.regex:
            if column.nullable:
                frame[name] = np.nan
            elif name in USUAL:
                frame[name] = USUAL[name]
            else:
                frame[name] = 0 if "text" not in str(column.dtype) and "str" not in str(column.dtype) else "text"
    names = frame.columns if any(column.regex for column in schema.columns.values()) else list(schema.columns)
    write_table(frame[names], path, schema)


def make_study(folder: Path, scheme_path: Path, seed: int = 1, sizes: dict[str, int] | None = None) -> dict[str, Path]:
    """Write all inputs of the tables, figures and values below `folder`; return the options of the commands by name."""
    rng = np.random.default_rng(seed)
    scheme = load_scheme(scheme_path)
    sizes = sizes or SIZES
    for name in ("statistics", "reference", "selection", "index", "network/seed-0", "network/seed-1"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    reference = _reference(folder, scheme, sizes, rng)
    _selection(folder, reference, rng)
    _statistics(folder / "statistics", scheme, reference, rng)
    _agreement(folder, scheme, rng)
    _attribution(folder / "attribution", scheme, rng)
    _temperatures(folder / "temperatures.csv", scheme)
    for run in (0, 1):
        epochs = np.arange(1, 23)
        table = pd.DataFrame(
            {
                "phase": np.where(epochs <= 16, 1, 2),
                "side": 96,
                "epoch": epochs,
                "learning_rate": 0.05 * np.cos(epochs / 25),
                "loss_" + scheme.name: np.exp(-epochs / 12) + rng.normal(0, 0.02, len(epochs)),
                "auc": 0.9 - 0.35 * np.exp(-epochs / 6) + rng.normal(0, 0.01, len(epochs)),
                "smooth": 0.9,
            }
        )
        write(table, folder / f"network/seed-{run}/curve.csv", LEARNING)
    (folder / "manuscript.yaml").write_text(
        yaml.safe_dump(ManuscriptSettings().model_dump(mode="json")), encoding="utf-8"
    )
    return {
        "grading": scheme_path,
        "statistics": folder / "statistics",
        "reference": folder / "reference",
        "selection": folder / "selection",
        "index": folder / "index",
        "network": folder / "network",
        "attribution": folder / "attribution",
        "temperatures_file": folder / "temperatures.csv",
        "settings": folder / "manuscript.yaml",
    }


def _reference(folder: Path, scheme: Scheme, sizes: dict[str, int], rng: np.random.Generator) -> pd.DataFrame:
    n = sum(sizes.values())
    frame = pd.DataFrame(
        {
            "exam": [f"e{i:05d}" for i in range(n)],
            "patient": [f"p{i:05d}" for i in rng.permutation(n)],
            "set": np.repeat(list(sizes), list(sizes.values())),
        }
    )
    severity = rng.beta(1.1, 1.2, n)
    for name, item in scheme.items.items():
        frame[name] = np.clip(np.floor((severity + rng.normal(0, 0.1, n)) * len(item.levels)), 0, len(item.levels) - 1)
    for name, finding in scheme.findings.items():
        share = {"location": 0.3, "finding": 0.05, "implant": 0.02}[finding.kind]
        frame[name] = (rng.random(n) < share).astype(float)
        if name == list(scheme.findings)[-1]:
            frame[name] = 0.0
    first = next(iter(scheme.findings))
    frame.loc[(frame["set"] == "training") & (rng.random(n) < 0.5), first] = np.nan
    outcomes = scheme.derive(frame)
    frame = pd.concat([frame.drop(columns=[c for c in outcomes if c in frame]), outcomes], axis=1)
    write_table(frame, folder / "reference/reference.parquet", REFERENCE)
    return frame


def _selection(folder: Path, reference: pd.DataFrame, rng: np.random.Generator) -> None:
    n = len(reference)
    kept = pd.DataFrame(
        {
            "exam": reference["exam"],
            "patient": reference["patient"],
            "set": reference["set"],
            "reason": None,
            "protocol": rng.choice(["weight_bearing", "trauma"], n),
            "age": rng.normal(62, 14, n).round(),
            "sex": rng.choice(["female", "male"], n, p=[0.57, 0.43]),
            "day": 0,
            "images": rng.integers(1, 4, n),
            "words": rng.random(n) < 0.6,
        }
    )
    reasons = ["unreadable"] * 4 + ["no_knee"] * 9 + ["paediatric"] * 17 + ["unusable"] * 6 + ["repeat"] * 33
    left = kept.sample(len(reasons), random_state=1).assign(
        exam=[f"x{i}" for i in range(len(reasons))], set="excluded", reason=reasons
    )
    write_table(pd.concat([kept, left]), folder / "selection/exams.parquet", EXAMS)
    rest = n + len(reasons)
    rows: list[tuple[Any, ...]] = [("found", None, "Exams in the archive", None, rest, n)]
    labels = {
        "unreadable": "No readable radiograph",
        "no_knee": "No knee in the image",
        "paediatric": "Younger than 18 years",
        "unusable": "Image quality precludes grading",
    }
    for code, label in labels.items():
        rows.append(("excluded", code, label, None, reasons.count(code), reasons.count(code)))
        rest -= reasons.count(code)
    rows.append(("eligible", None, "Eligible exams", None, rest, n))
    rows.append(("excluded", "repeat", "Repeat within 90 days", None, reasons.count("repeat"), 5))
    rows.append(("included", None, "Exams in the study", None, n, n))
    for name, part in reference.groupby("set", sort=False):
        rows.append(("set", None, f"{str(name).capitalize()} set", name, len(part), part["patient"].nunique()))
    columns = ["step", "code", "label", "set", "exams", "patients"]
    counted = pd.DataFrame(rows, columns=columns)
    write(counted.assign(knees=counted["exams"]), folder / "selection/flow.csv", FLOW)


def _band(value: float, width: float, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    return max(low, value - width), min(high, value + width * 0.8)


def _statistics(out: Path, scheme: Scheme, reference: pd.DataFrame, rng: np.random.Generator) -> None:
    test = reference[reference["set"] == "test"]
    roc, thresholds, optimism, curves, calibration, reliability, prevalence, published = [], [], [], [], [], [], [], []
    subgroups, seeds = [], []
    for outcome in scheme.outcomes:
        cases = int(test[outcome.id].sum())
        controls = int((test[outcome.id] == 0).sum())
        named = {"outcome": outcome.id, "kind": outcome.kind, "item": outcome.item, "label": outcome.label}
        auc = float(np.clip(rng.normal(0.88, 0.06), 0.5, 0.99)) if cases else np.nan
        width = 0.3 / np.sqrt(cases + 1)
        low, high = _band(auc, width) if cases >= 5 else (np.nan, np.nan)
        roc.append(
            {
                "set": "test", **named, "cases": cases, "controls": controls, "auc": auc, "low": low, "high": high,
                "method": "score" if cases >= 5 else None, "delong_low": low, "delong_high": high,
                "bootstrap_low": low, "bootstrap_high": high, "patients_low": np.nan, "patients_high": np.nan,
                "score_low": low, "score_high": high, "effective_cases": cases, "effective_controls": controls,
                "patients": cases + controls, "few": min(cases, controls) < 50, "too_few": min(cases, controls) < 10,
                "level": 0.95, "replicates": 2000, "seed": 1,
                "reason": None if cases >= 5 else "no case" if not cases else f"{cases} cases: too few",
            }
        )  # fmt: skip
        if cases:
            seeds.append(
                {
                    "outcome": outcome.id, "seeds": 2, "lowest": auc - 0.02, "highest": auc + 0.01, "sd": 0.02,
                    "training_error": 0.01, "sampling_error": 0.03,
                }
            )  # fmt: skip
        for chosen in ("validation", "test"):
            row: dict[str, Any] = {"outcome": outcome.id, "chosen_on": chosen, "threshold": rng.random()}
            for column in ("sensitivity", "specificity", "youden", "ppv", "npv"):
                value = float(rng.uniform(0.5, 0.97)) if cases else np.nan
                row[column] = value
                row[f"{column}_low"], row[f"{column}_high"] = _band(value, 0.08)
            row |= {"chosen_cases": cases // 3, "chosen_controls": controls // 3, "too_few": cases < 30}
            thresholds.append(row | {"reason": None if cases else "no case"})
        youden = rng.uniform(0.3, 0.8)
        optimism.append(
            {
                "outcome": outcome.id,
                "youden_validation": youden,
                "youden_test": youden + 0.05,
                "difference": 0.05,
                "optimism": 0.03,
                "optimism_low": -0.02,
                "optimism_high": 0.08,
            }
        )
        specificity = np.linspace(0, 1, 51)
        sensitivity = 1 - specificity ** (auc / (1 - auc)) if cases else np.zeros(0)
        curves.append(
            pd.DataFrame(
                {
                    "outcome": outcome.id, "specificity": specificity[: len(sensitivity)], "sensitivity": sensitivity,
                    "low": np.clip(sensitivity - 0.06, 0, 1), "high": np.clip(sensitivity + 0.05, 0, 1),
                }
            )
        )  # fmt: skip
        row = {
            "outcome": outcome.id,
            "n": cases + controls,
            "prevalence": 0.2,
            "source": "training set",
            "reason": None,
        }
        for column, centre in (("intercept", 0.0), ("slope", 0.9), ("brier", 0.1), ("raw_intercept", 0.4)):
            value = float(rng.normal(centre, 0.1))
            if column == "brier":
                value = 0.21 + abs(value) / 2
            row[column] = value
            row[f"{column}_low"], row[f"{column}_high"] = value - 0.2, value + 0.2
        for limit in ("", "_low", "_high"):
            row[f"uncalibrated_slope{limit}"] = row[f"slope{limit}"] - 0.3
        calibration.append(row)
        for number in range(8):
            predicted = (number + 0.5) / 8
            reliability.append(
                {
                    "outcome": outcome.id, "bin": number + 1, "predicted": predicted,
                    "observed": np.clip(predicted + rng.normal(0, 0.08), 0, 1), "n": 30,
                }
            )  # fmt: skip
        prevalence.append({"outcome": outcome.id, "prevalence": 0.2, "source": "training set", "ppv": 0.5, "npv": 0.95})
        if outcome.kind in ("grade", "group") and outcome.item == "kl":
            other = float(np.clip(auc + rng.normal(0, 0.05), 0.5, 1)) if cases else np.nan
            published.append(
                {
                    "outcome": outcome.id, "published_cases": cases + 3, "published_auc": other,
                    "published_low": other - 0.04, "published_high": min(1, other + 0.03), "published_level": 0.95,
                    "auc": auc, "low": low, "high": high, "level": 0.95, "difference": auc - other,
                    "difference_low": auc - other - 0.06, "difference_high": auc - other + 0.06,
                    "p": 0.2 if cases else np.nan, "p_holm": 1.0 if cases else np.nan,
                }
            )  # fmt: skip
        if outcome.kind in ("group", "disease"):
            for subgroup, level in (
                ("sex", "female"), ("sex", "male"), ("age", "under 65"), ("age", "65 or older"),
                ("implant", "with"), ("implant", "without"),
            ):  # fmt: skip
                value = float(np.clip(auc + rng.normal(0, 0.03), 0.5, 1)) if cases else np.nan
                subgroups.append(
                    {
                        "outcome": outcome.id, "subgroup": subgroup, "level": level, "against": None, "n": 140, "cases": 50,
                        "auc": value, "low": value - 0.06, "high": min(1.0, value + 0.05), "difference": 0.01,
                        "difference_low": -0.05, "difference_high": 0.07, "p": 0.4, "p_holm": 1.0, "reason": None,
                    }
                )  # fmt: skip
    decisions = [
        {
            "outcome": outcome.id, "prevalence": 0.2, "source": "training set", "threshold": threshold,
            "net_benefit": 0.2 * (1 - threshold) ** 2, "net_benefit_all": 0.2 - 0.8 * threshold / (1 - threshold),
            "standardised": (1 - threshold) ** 2, "standardised_low": (1 - threshold) ** 2 - 0.1,
            "standardised_high": (1 - threshold) ** 2 + 0.1, "level": 0.95, "reason": None,
        }
        for outcome in scheme.outcomes
        if outcome.kind in ("group", "disease")
        for threshold in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]  # fmt: skip
    cumulative = [
        {
            "item": name, "at_least": level, "bin": number, "predicted": (number - 0.5) / 8,
            "observed": (number - 0.5) / 8, "low": (number - 0.9) / 8, "high": (number - 0.1) / 8, "n": 30,
        }
        for name, item in scheme.items.items()
        for level in list(item.levels)[1:]
        for number in range(1, 9)
    ]  # fmt: skip
    cumulative_fit = [
        {key: value for key, value in calibration[0].items() if not key.startswith("uncalibrated")}
        | {"item": name, "at_least": level}
        for name, item in scheme.items.items()
        for level in list(item.levels)[1:]
    ]
    sample_size = [
        {
            "outcome": outcome, "label": f"{cases} cases", "cases": cases, "controls": 300 - cases, "auc": 0.9,
            "low": 0.9 - 1 / cases, "high": 0.95, "width": 0.05 + 1 / cases, "clustered_width": 0.06 + 1 / cases,
            "level": 0.95,
        }
        # The last is an outcome of the published study alone.
        for outcome, cases in zip((*(one.id for one in scheme.outcomes[:3]), "theirs"), (13, 67, 116, 5), strict=True)
    ]  # fmt: skip
    confusion, summary = [], []
    for name, item in scheme.items.items():
        levels = range(len(item.levels))
        for part in ("validation", "test"):
            matrix = rng.poisson(4, (len(levels), len(levels))) + np.diag(rng.poisson(40, len(levels)))
            for i in levels:
                for j in levels:
                    confusion.append(
                        {
                            "set": part, "item": name, "truth": i, "predicted": j, "n": matrix[i, j],
                            "share": matrix[i, j] / matrix[i].sum(),
                        }
                    )  # fmt: skip
        for measure in (
            "accuracy", "balanced_accuracy", "mean_absolute_error", "quadratic_kappa", "mean_auc_weighted",
            "mean_auc_plain", "hand_till",
        ):  # fmt: skip
            value = float(rng.uniform(0.6, 0.9))
            summary.append(
                {
                    "item": name, "measure": measure, "estimate": value, "low": value - 0.05, "high": value + 0.04,
                    "n": len(test), "method": "bootstrap",
                }
            )  # fmt: skip
    readers = [
        {
            "item": name, "who": who, "role": role, "measure": "quadratic_kappa", "estimate": value,
            "low": value - 0.04, "high": value + 0.03, "n": len(test),
        }
        for name in scheme.items
        for who, role, value in (
            ("network", "network", rng.uniform(0.7, 0.8)), ("senior-1", "senior", rng.uniform(0.8, 0.9)),
            ("senior-2", "senior", rng.uniform(0.8, 0.9)),
        )
    ]  # fmt: skip
    coverage = [
        {
            "cases": cases, "controls": 300 - cases, "exams_per_patient": 1 + clustered, "clustered": clustered,
            "true_auc": true, "method": method,
            "coverage": value, "coverage_low": value - 0.02, "coverage_high": min(1.0, value + 0.02), "width": 0.1,
            "simulations": 400, "level": 0.95,
        }
        for cases in (3, 13, 23, 116)
        for true in (0.8, 0.95)
        for method, clustered, value in (
            ("delong", False, rng.uniform(0.88, 0.96)), ("bootstrap", False, rng.uniform(0.9, 0.97)),
            ("patients", True, rng.uniform(0.9, 0.96)), ("delong", True, rng.uniform(0.8, 0.9)),
            ("reported", False, rng.uniform(0.945, 0.955)), ("reported", True, rng.uniform(0.945, 0.955)),
        )
    ]  # fmt: skip
    false_positives = [
        {
            "test": test, "cases": cases, "controls": 2 * cases, "true_auc": true, "exams_per_patient": size,
            "rejected": rng.uniform(0.02, 0.06), "simulations": 500, "level": 0.95,
        }
        for test in ("subgroups", "networks", "readers")
        for cases in (5, 50)
        for true in (0.85, 0.99)
        for size in (1, 2)
    ]  # fmt: skip
    audit = [
        {
            "table": table, "row": row, "check": check, "published": 0.85, "recomputed": 0.85 + 0.01 * (row == "1"),
            "holds": row != "1", "note": "",
        }
        for table in ("Table 3", "Table 4")
        for row in ("0", "1", "2")
        for check in ("J = sensitivity + specificity - 1", "counts")
    ]  # fmt: skip
    comparisons = [
        {
            "outcome": "disease", "first": "network", "second": "senior-1", "measure": "balanced_accuracy", "cases": 60,
            "difference": 0.02, "low": -0.03, "high": 0.07, "p": 0.4, "p_holm": 0.4, "method": "score",
        }
    ]  # fmt: skip
    tables: dict[str, list[dict[str, Any]]] = {
        "roc": roc, "thresholds": thresholds, "optimism": optimism, "calibration": calibration,
        "reliability": reliability, "prevalence": prevalence, "subgroups": subgroups, "confusion": confusion,
        "summary": summary, "readers": readers, "coverage": coverage, "audit": audit, "comparisons": comparisons,
        "false_positives": false_positives, "decisions": decisions, "cumulative": cumulative,
        "cumulative_fit": cumulative_fit, "sample_size": sample_size,
        "published": published,
        "seeds": seeds,
    }  # fmt: skip
    for name, rows in tables.items():
        write(rows, out / f"{name}.csv", SCHEMAS[name])
    write(pd.concat(curves, ignore_index=True), out / "curves.parquet", ESTIMATES["curves.parquet"])


def _agreement(folder: Path, scheme: Scheme, rng: np.random.Generator) -> None:
    rows = []
    for part, pair in (("validation", ("reader-1", "reader-2")), ("test", ("senior-1", "senior-2"))):
        for item in scheme.items:
            row = {"set": part, "item": item, "first": pair[0], "second": pair[1], "n": 300, "conflicts": 70}
            for measure in ("percent", "kappa", "kappa_linear", "kappa_quadratic"):
                scale = 100 if measure == "percent" else 1
                value = float(rng.uniform(0.6, 0.9)) * scale
                row[measure], row[f"{measure}_low"], row[f"{measure}_high"] = (
                    value,
                    value - 0.05 * scale,
                    value + 0.05 * scale,
                )
            rows.append(row | {"level": 0.95, "reason": ""})
    write(rows, folder / "reference/agreement.csv", AGREEMENT)


def _attribution(out: Path, scheme: Scheme, rng: np.random.Generator) -> None:
    out.mkdir(parents=True, exist_ok=True)
    item = next(iter(scheme.items))
    cases: list[dict[str, Any]] = [
        {
            "exam": f"e{level}", "item": item, "truth": level, "predicted": level, "right": True,
            "outcome": f"{item}_{level}", "score": 0.9, "steps": 32, "completeness": 0.01 + 0.1 * level,
            "holds": level == 0, "unsaid": level == 1, "file": f"{item}-{level}.png",
        }
        for level in (0, 1)
    ]  # fmt: skip
    for case in cases:
        cv2.imwrite(str(out / case["file"]), rng.integers(0, 256, (40, 60, 3), np.uint8))
    occlusion = [
        {
            "region": region, "outcome": outcome.id, "n": 60, "before": 0.5, "after": 0.5 - lost,
            "change": -lost, "absolute_change": lost, "auc": 0.9, "auc_occluded": 0.9 - lost,
        }
        for region, lost in (("joint", 0.3), ("elsewhere", 0.1), ("implant", 0.2), ("other_bright", 0.05))
        for outcome in scheme.outcomes
    ]  # fmt: skip
    write(cases, out / "cases.csv", CASES)
    write(occlusion, out / "occlusion.csv", OCCLUSION)


def _temperatures(out: Path, scheme: Scheme) -> None:
    parts = {**dict.fromkeys(scheme.items, 0.84), "findings": 1.25}
    write([{"part": part, "exams": 100, "temperature": value} for part, value in parts.items()], out, TEMPERATURES)


#: An archive's source of each kind.
SOURCES = {"simulated": "simulated", "public": "kneekl224", "clinical": "folder"}


def study_config(
    kind: str = "simulated", changes: dict[str, dict[str, Any]] | None = None, **cohort: object
) -> dict[str, object]:
    """Return a resolved configuration as the values read it, with changes to its sections.

    `cohort` holds what it says of the cohort itself.
    """
    from analysis.study.configuration import Study, cohort_facts

    archive = {"source": SOURCES[kind], "folder": "handed-over"}
    base = Study.model_validate({"cohort": {}, "archive": archive, "grading": "kl"}).model_dump(mode="json")
    study = Study.model_validate(_merged(base, {"cohort": cohort, **(changes or {})}))
    return study.model_copy(update={"cohort": cohort_facts(study)}).model_dump(mode="json")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return base | {
        key: _merged(base[key], change) if isinstance(change, dict) and isinstance(base.get(key), dict) else change
        for key, change in changes.items()
    }
