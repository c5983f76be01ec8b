"""Each study that the repository names can be planned, those that a test is too short for among them."""

import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.test_smoke import jobs


@pytest.mark.parametrize("study", sorted(path.stem for path in (ROOT / "workflow/studies").glob("*.yaml")))
def test_a_study_is_planned_from_its_archive_to_its_manuscript(clone, study):
    planned = jobs(clone.snakemake("-n", "--forceall", study=f"workflow/studies/{study}.yaml"))
    assert {"make_archive", "ingest", "train", "manuscript"} <= set(planned)
