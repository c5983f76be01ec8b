"""What a cohort is: the facts that the manuscript asks for, whatever source the radiographs come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.settings import Settings


class CohortSettings(Settings):
    """What the cohort is, in words for the manuscript; what is null is what the archive's source says of itself."""

    expert = (
        "single_knees",
        "implants",
        "published_grades",
        "readers",
        "grading",
        "remarks",
        "split",
        "data_set",
        "citation",
        "origin",
        "origin_citation",
    )

    name: str = Field(default="simulated", pattern=r"^[a-z0-9][a-z0-9_-]*$", description="name of the cohort in paths")
    title: str | None = Field(default=None, description="the cohort in a noun phrase, for titles")
    kind: Literal["simulated", "public", "clinical"] | None = Field(
        default=None,
        description="simulated, public or clinical; chooses the sentences about origin and ethics. Only an archive that "
        "was handed over (source 'folder') needs it: clinical, unless it is a published data set",
    )
    description: str | None = Field(
        default=None,
        description="one or two sentences that open the abstract's methods; say where the images come from",
    )
    single_knees: bool | None = Field(
        default=None,
        description="whether each exam is one knee that was cut out already, rather than a visit with all its images",
    )
    implants: bool | None = Field(
        default=None, description="whether knees with implants, casts or fractures can be among the exams"
    )
    published_grades: bool | None = Field(
        default=None,
        description="whether the grades were published with the images, so that nobody read for this study",
    )
    readers: str | None = Field(
        default=None, description="who graded, as a noun phrase, where the grades were published"
    )
    grading: str | None = Field(
        default=None,
        description="one to three sentences on how published grades came about, and what is missing in them",
    )
    remarks: dict[str, str] | None = Field(
        default=None,
        description="by item or finding of a grading: a sentence on how its published grades came about, printed where "
        "the grading has it and any exam was read for it",
    )
    split: Literal["given", "drawn"] | None = Field(
        default=None, description="whether the sets came with the archive; null: as selection.split and the archive say"
    )
    data_set: str | None = Field(default=None, description="the published data set, as a noun phrase with its article")
    citation: str | None = Field(default=None, description="key in references.bib of the radiographs' source")
    origin: str | None = Field(
        default=None, description="the study or register whose people a published data set shows, with its article"
    )
    origin_citation: str | None = Field(default=None, description="key in references.bib of that study or register")
    availability: str | None = Field(
        default=None, description="one or two sentences on how others get the images, and on what terms"
    )
    ethics: str | None = Field(default=None, description="one or two sentences on ethical approval")
    blinding: str | None = Field(default=None, description="one sentence on what readers knew of the network's output")
