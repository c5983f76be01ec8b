"""An archive that is handed over as a folder: a hospital's, or anybody's own."""

from __future__ import annotations

from analysis.archive.facts import CohortSettings
from analysis.archive.sources import Source

SOURCE = Source(
    title="an archive in a folder of yours, a hospital's for example",
    personal_data=True,
    cohort=CohortSettings(
        title="knee radiographs of one hospital",
        kind="clinical",
        description="The radiographs, the radiologists' reports and the readings come from one archive.",
        single_knees=False,
        implants=True,
        published_grades=False,
        availability="How others can get the radiographs has not been stated.",
        ethics="Ethical approval has not been stated.",
        blinding="What the readers knew of the network's output is not recorded.",
    ),
)
