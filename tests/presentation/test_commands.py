"""Files of another study or another grading are refused in a sentence."""

from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.errors import StudyError
from analysis.grading.scheme import load_scheme
from analysis.presentation.commands import values


@pytest.mark.parametrize("name", ["roc", "graded"])
def test_results_of_another_grading(kl, name):
    results = replace(kl.results, scheme=load_scheme("workflow/gradings/oarsi.yaml"))
    with pytest.raises(StudyError, match="doesn't have 'jsn_medial_0' of the grading 'oarsi'"):
        getattr(results, name)


@pytest.mark.parametrize("text", ["- a list", "", "cohort: {name: x}"])
def test_a_configuration_that_is_none(kl, tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    names = {"reference": "reference-folder", "temperatures_file": "temperatures"}
    options = [f"--{names.get(name, name)}={path}" for name, path in kl.options.items()]
    done = CliRunner().invoke(values, [*options, f"--config={tmp_path / 'config.yaml'}", f"--out={tmp_path / 'v.yml'}"])
    assert isinstance(done.exception, StudyError), done.output
    assert "give the whole configuration of a study" in str(done.exception)


def test_a_network_of_a_seed_that_is_no_longer_asked_for_is_not_told_of(kl, tmp_path):
    assert set(kl.results.learning["seed"]) == {0, 1}
    pd.DataFrame({"seed": [1, 1]}).to_parquet(tmp_path / "seeds.parquet")
    results = replace(kl.results, members=tmp_path / "seeds.parquet")
    assert set(results.learning["seed"]) == {1}
    assert [folder.name for folder in results.seeds] == ["seed-1"]
