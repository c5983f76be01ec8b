"""Numbers about what the estimates can be trusted with: thresholds, calibration, subgroups, intervals, audit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.inputs import Results
from analysis.report.occlusion import hidden
from analysis.report.text import NOT_ESTIMABLE, count, known, listed, number, p_equation, span
from analysis.report.values.performance import name


def _usable(results: Results, name: str, column: str) -> pd.Series:
    """Return one column of a table of estimates, of the outcomes that have enough cases."""
    frame = results.estimates(name)
    if frame.empty:
        return pd.Series(dtype=float)
    ids = [o.id for o in results.outcomes("grade", "group", "disease") if not results.few(o.id)]
    return frame.loc[frame["outcome"].isin(ids), column].dropna().astype(float)


def optimism_values(results: Results) -> dict[str, Any]:
    """Return `optimism`: what choosing thresholds on the test set itself would gain."""
    gain = _usable(results, "optimism", "optimism")
    digits = results.settings.digits
    return {
        "optimism": {
            "any": len(gain) > 0,
            "mean": number(gain.mean(), digits) if len(gain) else NOT_ESTIMABLE,
            "most": number(gain.max(), digits) if len(gain) else NOT_ESTIMABLE,
        }
    }


def calibration_values(results: Results) -> dict[str, Any]:
    """Return `calibration`: the span of slopes, and on which side of one most of them are."""
    slopes = _usable(results, "calibration", "slope")
    extreme = bool(len(slopes) and (slopes < 1).mean() > 0.5)
    return {
        "calibration": {
            "any": len(slopes) > 0,
            "slopes": span(slopes, results.settings.digits),
            "mostly_extreme": extreme,
            "mostly_moderate": len(slopes) > 0 and not extreme,
        }
    }


def decision_values(results: Results) -> dict[str, Any]:
    """Return `decisions`: how far attributions add up; and `occlusion`: what hiding a part of the images does."""
    digits, cases, regions = results.settings.digits, results.cases, hidden(results)
    sound = int(cases["holds"].astype(bool).sum()) if len(cases) else 0
    parts: dict[str, Any] = {
        part: {
            "any": region in regions and known(getattr(regions[region], before)),
            "exams": count(regions[region].exams) if region in regions else "0",
            "before": number(getattr(regions[region], before), digits) if region in regions else NOT_ESTIMABLE,
            "after": number(getattr(regions[region], after), digits) if region in regions else NOT_ESTIMABLE,
        }
        for part, region, before, after in (
            ("joint", "joint", "auc", "auc_hidden"),
            ("elsewhere", "elsewhere", "auc", "auc_hidden"),
            ("implant", "implant", "implant", "implant_hidden"),
            ("other", "other_bright", "implant", "implant_hidden"),
        )
    }
    lost = {part: regions[part].auc - regions[part].auc_hidden for part in ("joint", "elsewhere") if part in regions}
    more = len(lost) == 2 and lost["joint"] > lost["elsewhere"]
    return {
        "decisions": {
            "n": count(len(cases)),
            "sound": count(sound),
            "all_sound": len(cases) > 0 and sound == len(cases),
            "some_unsound": sound < len(cases),
            "worst": number(100 * cases["completeness"].max(), 0) + "%" if len(cases) else NOT_ESTIMABLE,
        },
        "occlusion": {
            **parts,
            "joint_more": more,
            "joint_not_more": len(lost) == 2 and all(known(one) for one in lost.values()) and not more,
        },
    }


def subgroup_values(results: Results) -> dict[str, Any]:
    """Return `subgroups`: how many comparisons were made, and which were significant after correction."""
    frame = results.estimates("subgroups")
    tested = frame[frame["p_holm"].notna()] if len(frame) and "p_holm" in frame else pd.DataFrame()
    level = float(results.roc["level"].iloc[0]) if "level" in results.roc else 0.95
    significant = tested[tested["p_holm"] < 1 - level] if len(tested) else tested
    which = [
        f"{name(results, results.scheme.outcome(str(row['outcome'])))} ({row['subgroup']}: {row['level']})".replace(
            "_", " "
        )
        for _, row in significant.iterrows()
    ]
    if len(which) > 6:
        which = [*which[:5], f"{count(len(which) - 5)} more"]
    return {
        "subgroups": {
            "any": len(frame) > 0,
            "tested": len(tested) > 0,
            "n": count(len(tested)),
            "significant": f"{count(len(significant))} {'was' if len(significant) == 1 else 'were'}",
            "none_significant": len(tested) > 0 and len(significant) == 0,
            "some_significant": len(significant) > 0,
            "which": listed(which) or "none",
            "smallest_p": p_equation(tested["p_holm"].min()) if len(tested) else NOT_ESTIMABLE,
        }
    }


def audit_values(results: Results) -> dict[str, Any]:
    """Return `audit`: how many relations within the published tables were checked, and how many fail."""
    audited = results.audited
    holds = audited["holds"].astype(str).isin(("True", "true", "1")) if len(audited) else pd.Series(dtype=bool)
    return {
        "audit": {
            "any": len(audited) > 0,
            "n": count(len(holds)),
            "failed": count((~holds).sum()) if len(holds) else "0",
            "all_hold": bool(len(holds) and holds.all()),
            "some_fail": bool(len(holds) and not holds.all()),
        }
    }


def coverage_values(results: Results) -> dict[str, Any]:
    """Return `coverage`: of each kind of interval, where cases are fewest and where they are most."""
    frame = results.covered
    found: dict[str, Any] = {"any": len(frame) > 0}
    for method in ("delong", "bootstrap", "patients"):
        for where in ("few", "many", "clustered"):
            text = NOT_ESTIMABLE
            if len(frame):
                part = frame[(frame["method"] == method) & (frame["clustered"].astype(bool) == (where == "clustered"))]
                if where != "clustered" and len(part):
                    edge = part["cases"].min() if where == "few" else part["cases"].max()
                    part = part[part["cases"] == edge]
                text = span(100 * part["coverage"], 0)
            found.setdefault(method, {})[where] = text
    found["fewest"] = count(frame["cases"].min()) if len(frame) else NOT_ESTIMABLE
    found["most"] = count(frame["cases"].max()) if len(frame) else NOT_ESTIMABLE
    return {"coverage": found}
