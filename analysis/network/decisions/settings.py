"""Settings of what single decisions rest on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.network.augmentation.base import Share
from analysis.settings import Settings


class AttributionSettings(Settings):
    """Which decisions are looked into, and how."""

    expert = ("steps", "tolerance", "occluded", "metal")

    cases: int = Field(default=1, ge=1, description="exams for each grade, surest right and surest wrong, per item")
    unsaid: Literal["leave_out", "not_looked_at", "looked_at"] = Field(
        default="leave_out",
        description="exams with an image whose header doesn't say that no words are burned in: their pictures aren't "
        "published; or they are, and the text says that nobody looked for words in them, or that somebody looked at each "
        "picture in attribution/ and found none",
    )
    steps: int = Field(default=32, ge=2, description="steps of the integrated gradients' path from black to the image")
    tolerance: float = Field(
        default=0.05, gt=0, description="largest completeness error, as a share of the score's change"
    )
    occluded: float = Field(
        default=0.25,
        gt=0,
        le=0.3,
        description="side of the patch on the joint, as a share of the height that the network looks at; at most 0.3, so that "
        "as large a patch has room beside it",
    )
    metal: Share = Field(
        default=0.05, description="share of brightest pixels taken for metal where an implant is recorded"
    )
    exams: int = Field(
        default=60, ge=1, description="test exams, at most, for which scores are compared with and without"
    )
