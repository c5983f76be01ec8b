"""The archive that this study simulates; see `analysis.simulate`."""

from __future__ import annotations

from pathlib import Path

from analysis.archive.facts import CohortSettings
from analysis.archive.sources import Source
from analysis.plurals import plural
from analysis.simulate.settings import SimulateSettings


def make(settings: SimulateSettings, seed: int, out: Path, workers: int) -> str:
    """Simulate the archive."""
    from analysis.simulate.archive import simulate

    return f"{out}: {plural(simulate(settings, seed, workers, out), 'file')}."


SOURCE = Source(
    title="made by this study (section simulate)",
    personal_data=False,  # nobody was examined
    settings=SimulateSettings,
    section="simulate",
    make=make,
    cohort=CohortSettings(
        title="simulated hospital archive",
        kind="simulated",
        description="The radiographs, the reports and the readings were simulated: every image was computed from an "
        "analytic model of the knee, no patient was examined, and the estimates say how the method behaves, not how "
        "well it would do in a clinic.",
        single_knees=False,
        implants=True,
        published_grades=False,
        availability="The archive is made by the workflow itself from a seed, so that it can be made again.",
        ethics="No person was examined and no personal data were used, so that no ethical approval was needed.",
        blinding="The simulated readers knew nothing of the network's output.",
    ),
)
