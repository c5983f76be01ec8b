import sys

import pytest

from analysis.archive import sources
from analysis.archive.facts import CohortSettings
from analysis.archive.sources import find_sources
from analysis.errors import StudyError
from analysis.study.configuration import load_study

MODULE = """\
from analysis.archive.facts import CohortSettings
from analysis.archive.sources import Source

SOURCE = Source(title="a ward", cohort=CohortSettings(){said})
"""


def study(**changes):
    return load_study({"cohort": {"name": "a"}, "grading": "kl"} | changes, "a.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MODULE.format(said=""), r"sources/ward\.py doesn't say whether it holds personal data"),
        (MODULE.format(said=', personal_data="no"'), r"sources/ward\.py doesn't say whether it holds personal data"),
        ("SOURCE = None\n", r"sources/ward\.py declares no source"),
        ("", r"sources/ward\.py declares no source"),
        (MODULE.format(said=", personal_data=True, make=print"), r"sources/ward\.py makes an archive but names no"),
    ],
)
def test_a_source_that_does_not_say_what_it_holds_is_refused(tmp_path, monkeypatch, text, message):
    (tmp_path / "ward.py").write_text(text)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "analysis.archive.sources.ward", raising=False)
    with pytest.raises(StudyError, match=message):
        find_sources.__wrapped__()


@pytest.mark.parametrize("name", find_sources())
def test_a_source_states_every_fact_that_the_text_asks_for(name):
    cohort = find_sources()[name].cohort
    always = {"title", "kind", "description", "single_knees", "implants", "published_grades"}
    for fact in always | {"availability", "ethics", "blinding"}:
        assert getattr(cohort, fact) is not None, fact
    assert cohort.kind != "public" or (cohort.data_set and cohort.citation)


def test_facts_are_the_source_s_unless_the_study_says_otherwise(tmp_path):
    simulated = study().cohort
    assert simulated.kind == "simulated" and simulated.split == "drawn" and "simulated" in simulated.description
    (tmp_path / "dicom").mkdir()
    for name in ("reports.csv", "readings.csv"):
        (tmp_path / name).touch()
    folder = {"archive": {"source": "folder", "folder": str(tmp_path)}}
    own = study(**folder, cohort={"name": "a", "title": "knees of Mora", "ethics": "Approved."}).cohort
    assert (own.kind, own.title, own.ethics, own.split) == ("clinical", "knees of Mora", "Approved.", "drawn")
    assert "simulated" not in " ".join(filter(None, own.model_dump(include={"description", "availability"}).values()))
    (tmp_path / "sets.csv").write_text("patient,set\n")
    assert study(**folder).cohort.split == "given"
    assert study(**folder, selection={"split": "draw"}).cohort.split == "drawn"
    assert study(archive={"source": "kneekl224"}).cohort.split == "given"


def test_facts_of_one_data_set_are_not_told_of_another():
    other = {"name": "a", "citation": "eckstein2014"}
    assert study(archive={"source": "kneekl224"}, cohort=other).cohort == study(
        archive={"source": "kneekl224"}
    ).cohort.model_copy(update={"citation": "eckstein2014", "data_set": None, "origin": None, "origin_citation": None})


def test_a_data_set_of_another_name_is_not_cited_as_the_source_s():
    found = study(archive={"source": "kneekl224"}, cohort={"name": "a", "data_set": "another data set"}).cohort
    assert (found.data_set, found.citation, found.origin) == ("another data set", None, None)


def test_what_is_simulated_cannot_be_called_a_clinic_s():
    with pytest.raises(StudyError, match="'simulated' is simulated; leave the key out"):
        study(cohort=CohortSettings(name="a", kind="clinical").model_dump())
