"""Numbers about what the network looks at: attributions, and what hiding a part of the images does."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, count, known, number
from analysis.presentation.occlusion import hidden
from analysis.presentation.results import Results


def decision_values(results: Results) -> dict[str, Any]:
    """Return `decisions`: how far attributions add up; and `occlusion`: what hiding a part of the images does."""
    digits, cases, regions = results.settings.digits, results.cases, hidden(results)
    unsaid = int(cases["unsaid"].astype(bool).sum()) if len(cases) else 0
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
            "shown": "" if unsaid else ", in exams whose headers all say that no words are burned into the images",
            "unsaid": count(unsaid),
            "any_unsaid": unsaid > 0,
            "worst": number(100 * cases["completeness"].max(), 0) + "%" if len(cases) else NOT_ESTIMABLE,
        },
        "occlusion": {
            **parts,
            "joint_more": more,
            "joint_not_more": len(lost) == 2 and all(known(one) for one in lost.values()) and not more,
        },
    }
