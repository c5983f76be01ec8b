"""Settings of the prepared images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.settings import Settings


class ImagesSettings(Settings):
    """How a radiograph becomes a square of pixels."""

    expert = ("percentiles", "border", "min_content", "max_seconds", "max_memory_mb")

    size: int = Field(96, ge=16, le=2048, description="Side of the prepared square, pixels; the paper has 256.")
    shards: int = Field(
        2,
        ge=1,
        le=10_000,
        description="Parts that the exams are prepared in, each a job on one core; more for a cluster.",
    )
    window: bool = Field(True, description="Apply the file's VOI LUT or window; false uses the range of its values.")
    percentiles: tuple[float, float] = Field(
        (0.1, 99.9),
        description="Range of values shown where the file has no usable VOI LUT or window, percent of the pixels.",
    )
    border: float = Field(
        0.04,
        ge=0,
        lt=1,
        description="Brightness (0 to 1) up to which the edge of an image is black border; 0: no crop, of a white one either.",
    )
    min_content: float = Field(
        0.05, gt=0, lt=1, description="Share of the image that must remain after the crop; else it isn't cropped."
    )
    implausible: Literal["reject", "keep"] = Field(
        "reject",
        description="Images that don't look like a radiograph: nothing to be seen, noise, few shades of grey, partly "
        "filled with one grey.",
    )

    max_seconds: float = Field(60, gt=0, description="An image that takes longer to decode is unreadable, s.")
    max_memory_mb: int = Field(2048, ge=256, description="Memory that decoding one image may take, MB.")

    @model_validator(mode="after")
    def _ordered(self) -> ImagesSettings:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ValueError("percentiles must be two ascending numbers from 0 to 100")
        return self
