"""How much of the uncertainty is the training's own: the networks of an ensemble, each by itself."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, span
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import asked

KINDS = ("grade", "group", "disease")


def training_values(results: Results) -> dict[str, Any]:
    """Return `training`: how far the AUCs of single networks lie apart, and their share of the variance."""
    single = results.single_networks
    frame = single[single["sampling_error"].notna()]
    usable = [same[0].id for same in asked(results, *KINDS, among=set(frame.index)) if not results.few(same[0].id)]
    frame = frame.loc[usable]
    own, sample = (frame["training_error"] ** 2).sum(), (frame["sampling_error"] ** 2).sum()
    known = own + sample > 0
    return {
        "training": {
            "several": len(single) > 0,
            "any": bool(known),
            "apart": span(frame["highest"] - frame["lowest"], results.settings.digits),
            "share": _percent(own / (own + sample)) if known else NOT_ESTIMABLE,
        }
    }


def _percent(share: float) -> str:
    """Return "about 8%"; a share too small for a whole percent is told as that."""
    return f"about {100 * share:.0f}%" if share >= 0.005 else "less than 1%"
