"""The benchmark of plans plans what it says it does."""

import pytest

from analysis.benchmarks.planning import archive, plan
from analysis.errors import StudyError


def test_a_plan_has_a_job_for_each_network_and_shard_and_its_cost(tmp_path):
    archive(tmp_path, 250)
    assert len([path for path in (tmp_path / "dicom").rglob("*") if path.is_file()]) == 250
    small = plan(250, seeds=2, shards=3)
    assert (small.jobs["train"], small.jobs["prepare"]) == (2, 3)
    assert (small.jobs["read_headers"], small.jobs["ingest"]) == (3, 1)
    assert small.processor > 0 and 50 < small.memory < 500


def test_what_snakemake_says_of_a_wrong_study_is_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where there is no Snakefile
    with pytest.raises(StudyError, match=r"can't plan this study: .*Snakefile"):
        plan(1, 1, 1)
