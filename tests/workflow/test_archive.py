"""What the DAG does when a rule of the selection changes, and when a result names somebody."""

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import SMOKE
from tests.workflow.test_smoke import COHORT, STUDY, jobs


@pytest.fixture(scope="module")
def twin(smoke, tmp_path_factory):
    return smoke.copy(tmp_path_factory.mktemp("twin") / "clone")


def test_a_changed_rule_of_the_selection_reruns_what_follows_and_not_ingest(twin):
    study = yaml.safe_load((twin.folder / SMOKE).read_text())
    study["selection"]["repeat_days"] = 30
    (twin.folder / "changed.yaml").write_text(yaml.safe_dump(study))
    planned = jobs(twin.snakemake("-n", study="changed.yaml"))
    assert {"select", "reference", "train", "manuscript"} <= set(planned)
    assert not {"make_archive", "ingest", "prepare"} & set(planned)


def test_the_dag_stops_where_a_result_names_somebody_until_the_words_are_listed(twin):
    private = pd.read_parquet(twin.folder / COHORT / "private/index.parquet")
    note = twin.folder / STUDY / "statistics" / "note.txt"
    note.write_text(f"see exam {private['accession'].dropna().iloc[0]}")
    target = f"{STUDY}/privacy.csv"
    done = twin.snakemake(target, "--forcerun", "check_privacy")
    assert done.returncode != 0
    assert "note.txt" in done.stdout + done.stderr and "accession number" in done.stdout + done.stderr
    study = yaml.safe_load((twin.folder / SMOKE).read_text())
    listed = (twin.folder / COHORT / "private/leaks.csv").rename(twin.folder / "no names.csv")
    study.setdefault("archive", {})["harmless"] = listed.name
    (twin.folder / "changed.yaml").write_text(yaml.safe_dump(study))
    again = twin.snakemake(target, study="changed.yaml")
    assert again.returncode == 0, again.stderr[-4000:]
    note.unlink()
