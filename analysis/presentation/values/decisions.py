"""Numbers about what the network looks at: attributions, and what hiding a part of the images does."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, count, counted, known, number
from analysis.presentation.occlusion import hidden
from analysis.presentation.results import Results


def decision_values(results: Results) -> dict[str, Any]:
    """Return `decisions`: how far attributions add up; and `occlusion`: what hiding a part of the images does."""
    digits, cases, regions = results.settings.digits, results.cases, hidden(results)
    unsaid = int(cases["unsaid"].sum())
    sound = int(cases["holds"].sum())
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
    for part in parts.values():
        changed = part["after"] != part["before"]
        part["went"] = f"was {part['after']} instead of {part['before']}" if changed else f"stayed at {part['after']}"
    # As they are printed: 0.804 to 0.796 is no loss.
    lost = {
        part: round(round(regions[part].auc, digits) - round(regions[part].auc_hidden, digits), digits)
        for part in ("joint", "elsewhere")
        if part in regions
    }
    both = len(lost) == 2 and all(known(one) for one in lost.values())
    some = both and lost["joint"] > 0
    more = some and lost["joint"] > lost["elsewhere"]
    return {
        "decisions": {
            "n": count(len(cases)),
            "decisions": counted(len(cases), "decision"),
            "sound": count(sound),
            "shown": "" if unsaid else ", in exams whose headers all say that no words are burned into the images",
            "unsaid": count(unsaid),
            "any_unsaid": unsaid > 0,
            "worst": f"{cases['completeness'].max():.3g}" if len(cases) else NOT_ESTIMABLE,
        },
        "occlusion": {
            **parts,
            "joint_more": more,
            "joint_not_more": some and not more,
            "joint_not": both and not some,
        },
    }
