"""How the study is reported: formats, figures, and the facts that only its authors know."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from analysis.settings import Settings

Format = Literal["html", "docx", "pdf", "jats"]


class Author(Settings):
    """One author of the manuscript."""

    name: str = Field(description="given name and family name")
    affiliation: str | None = Field(default=None, description="institution, city, country")
    email: str | None = Field(default=None, description="address of the corresponding author")
    orcid: str | None = Field(default=None, description="ORCID, sixteen digits in groups of four")


class FigureSettings(Settings):
    """Size and look of the figures."""

    expert = ("palette", "shades")

    single_mm: float = Field(
        default=85.0, gt=20, le=200, description="width of a one-column figure, mm (the journal's)"
    )
    double_mm: float = Field(
        default=170.0, gt=20, le=300, description="width of a full-page figure, mm (the journal's)"
    )
    font: str = Field(default="DejaVu Sans", description="font of the figures; DejaVu Sans comes with matplotlib")
    font_pt: float = Field(default=7.5, ge=5, le=14, description="font size, points; most journals want at least 6")
    dpi: int = Field(default=300, ge=72, le=1200, description="resolution of the PNG twin of each figure, dots an inch")
    palette: tuple[str, ...] = Field(
        default=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F"),
        min_length=6,
        description="colours in order of use, hex; the default is Okabe and Ito's, safe for colour-blind readers",
    )
    shades: Literal["Blues", "Greens", "Greys", "Oranges", "Purples", "Reds"] = Field(
        default="Blues", description="matplotlib colour map of the confusion matrices (one hue, light to dark)"
    )


class ManuscriptSettings(Settings):
    """The manuscript and what stands in it."""

    expert = ("renderer", "bundle_mb")

    formats: tuple[Format, ...] = Field(
        default=("html", "docx", "pdf", "jats"), min_length=1, description="formats of the manuscript that are rendered"
    )
    renderer: Literal["auto", "quarto", "pandoc"] = Field(
        default="auto",
        description="auto: Quarto where it is installed, pandoc otherwise; DOCX and JATS are always by pandoc",
    )
    title: str | None = Field(default=None, description="title of the manuscript; empty: made from scheme and cohort")
    language: str = Field(default="en-GB", pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="language tag of the text")
    authors: tuple[Author, ...] = Field(
        default=(), description="authors in order; empty: a line saying there are none yet"
    )
    code_url: str | None = Field(
        default=None, description="where the code is published; empty: said to come with the bundle"
    )
    funding: str = Field(default="None declared.", description="one sentence on funding")
    interests: str = Field(default="None declared.", description="one sentence on competing interests")
    registration: str = Field(
        default="The study was not registered and no protocol was published before it.",
        description="one sentence on registration and protocol",
    )
    involvement: str = Field(
        default="Neither patients nor the public took part in its design.",
        description="one sentence on patient and public involvement",
    )
    digits: int = Field(default=2, ge=1, le=4, description="decimals of AUC, kappa and their like in text and tables")
    curves: tuple[str, ...] = Field(
        default=(),
        description="outcome ids whose ROC and calibration are drawn; empty: grades and merged grades, else all",
    )
    bundle_mb: float = Field(
        default=25.0, gt=0, description="largest size of the reviewers' bundle, megabytes (10^6 bytes)"
    )
    figures: FigureSettings = Field(default=FigureSettings(), description="size and look of the figures")

    @field_validator("formats")
    @classmethod
    def _once(cls, value: tuple[Format, ...]) -> tuple[Format, ...]:
        if len(set(value)) != len(value):
            raise ValueError("each format may stand only once")
        return value
