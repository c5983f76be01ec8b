"""A source of archives is one module: the configuration and the rules learn of it from what it declares."""

import pytest

WARD = """\
from pathlib import Path

from analysis.archive.facts import CohortSettings
from analysis.archive.sources import Source
from analysis.settings import Settings


class WardSettings(Settings):
    beds: int = 3


def make(settings, seed, out, workers):
    return "made"


SOURCE = Source(
    title="a ward", personal_data={personal}, settings=WardSettings, make=make, cohort=CohortSettings(kind="clinical")
)
"""


@pytest.mark.parametrize("personal", [True, False])
def test_a_planted_source_is_wired_and_named_by_the_seed_only_if_nobody_is_in_it(clone, tmp_path, personal):
    twin = clone.copy(tmp_path / "clone")
    (twin.folder / "analysis/archive/sources/ward.py").write_text(WARD.format(personal=personal))
    ward = ("--config", "archive={source: ward, ward: {beds: 4}}")
    done = twin.snakemake("-n", "-p", *ward)
    assert done.returncode == 0, done.stderr
    (made,) = [line for line in done.stdout.splitlines() if " make-archive " in line]
    assert "make-archive ward" in made and "--seed 2021" in made
    (indexed,) = [line for line in done.stdout.splitlines() if " ingest " in line]
    assert ("--seed" in indexed) != personal


def test_a_source_that_does_not_say_stops_every_run(clone, tmp_path):
    twin = clone.copy(tmp_path / "clone")
    (twin.folder / "analysis/archive/sources/ward.py").write_text(WARD.format(personal=None))
    done = twin.snakemake("-n")
    assert done.returncode != 0 and "doesn't say whether it holds personal data" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
