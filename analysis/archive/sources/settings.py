"""Settings of the archive's source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.settings import Settings


class KneeKL224Settings(Settings):
    """Where the public radiographs of Chen 2018 come from."""

    folder: str | None = Field(None, description="Unpacked kneeKL224 folder; null fetches the archive from its DOI.")
    doi: str = Field("10.17632/56rmx5bjcr.1", description="DOI with version, asked for where no folder is given.")
    file: str = Field("KneeXrayData.zip", description="Name of the file of the data set that holds the images.")
    sha256: str | None = Field(
        None, description="Expected checksum of that file, hexadecimal; null trusts the one that the DOI's API states."
    )
    sets: dict[str, str] = Field(
        {"train": "training", "val": "validation", "test": "test"},
        description="Published folder to set; `auto_test` is a different crop and is left out.",
    )


class ArchiveSettings(Settings):
    """Which archive the cohort is drawn from."""

    source: Literal["simulated", "folder", "kneekl224"] = Field(
        "simulated", description="simulated: made by this study; folder: a hospital's; kneekl224: public radiographs."
    )
    folder: str | None = Field(
        None, description="The handed-over archive for source 'folder': dicom/, reports.csv, readings.csv, sets.csv."
    )
    key: str | None = Field(
        None,
        description="File of the secret key of the pseudonyms for source 'folder', outside the repository; "
        "null: knee-grading/pseudonym.key in the user's configuration folder. Made on first use.",
    )
    kneekl224: KneeKL224Settings = Field(KneeKL224Settings(), description="The public radiographs.")

    @model_validator(mode="after")
    def _has_folder(self) -> ArchiveSettings:
        if self.source == "folder" and not self.folder:
            raise ValueError("source 'folder' needs the key 'folder': the path of the archive")
        return self
