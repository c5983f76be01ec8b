"""A configuration is taken as it is meant, or refused in one sentence that names the key."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from analysis.errors import StudyError
from analysis.study.config_yaml import describe
from analysis.study.configuration import _hold_folder, as_file, load_study, read_configuration

ROOT = Path(__file__).parents[2]


def load(*entries, overlay=None):
    files = [ROOT / "config.yaml", *([overlay] if overlay else [])]
    return load_study(read_configuration(files, entries))


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("seed=yes", ["'seed' ('yes')", "integer"]),
        ("seed=true", ["'seed' (True)", "true and false are no numbers"]),
        ("seed=1:30", ["'seed' ('1:30')"]),
        ("statistics={age_bands: [true, 50]}", ["statistics.age_bands", "no numbers"]),
        ("statistics={level: .nan}", ["statistics.level", "finite"]),
        ("statistics={level: .9, level: .8}", ["'level' is there already"]),
        ("cohort={name: 007}", ["cohort.name", "string"]),
        ("cohort={name: null}", ["cohort.name"]),
        ("grading=nope", ["'nope' is no grading", "known are fracture, kl, oarsi"]),
        ("compare=[kl, oarsii]", ["compare", "did you mean 'oarsi'?"]),
        ("compare=[kl, kl]", ["twice"]),
        ("network={tasks: [oarsy]}", ["network.tasks", "did you mean 'oarsi'?"]),
        ("statistics={prevalence: {kl_2_5: 0.3}}", ["statistics.prevalence", "did you mean 'kl_2_4'?"]),
        ("statistics={subgroup_findings: [implnat]}", ["did you mean 'implant'?"]),
        ("statistics={published: olson2021}", ["statistics.published", "did you mean 'olsson2021'?"]),
        ("network={tasks: [fracture, fracture]}", ["tasks must differ"]),
        ("network={grades: one-vs-rest, training: {smoothing: 0.1}}", ["grades: ordinal or softmax"]),
        (
            "selection={sets: {test: {protocols: [weightbearing]}}}",
            ["sets.test.protocols", "did you mean 'weight_bearing'?"],
        ),
        ("selection={sets: {training: {at_least: {kll: {4: 9}}}}}", ["training.at_least", "did you mean 'kl'?"]),
        ("selection={body_parts: [kne]}", ["selection.body_parts", "did you mean 'knee'?"]),
        ("manuscript={curves: [kl_9]}", ["manuscript.curves", "'kl_9' is no outcome"]),
        (
            "simulate={population: {training_findings: {tkaa: 3}}}",
            ["population.training_findings", "did you mean 'tka'?"],
        ),
        ("simulate={population: {test_location: {medail: 3}}}", ["population.test_location", "did you mean 'medial'?"]),
        ("cohort={citation: chenn2018}", ["cohort.citation", "did you mean 'chen2018'?"]),
        ("cohort={remarks: {tkaa: One sentence.}}", ["cohort.remarks", "did you mean 'tka'?"]),
        ("archive={kneekl224: {sets: {train: trainin}}}", ["kneekl224.sets.train", "'training'"]),
        ("archive={most: {view: PA11}}", ["archive.most.view", "'PA11'"]),
        ("manuscript={figures: {shades: Bluez}}", ["figures.shades", "'Blues'"]),
        ("images=3", ["the value of 'images' is no list of keys"]),
        ("compare_networks={a/b: x}", ["the name 'a/b' in 'compare_networks' doesn't fit the pattern"]),
        ("network={seeds: [-1]}", ["network.seeds.0", "greater than or equal to 0"]),
        ("network={seeds: 0}", ["network.seeds", "write a list, in square brackets"]),
        ("network={seeds: []}", ["network.seeds", "give at least 1"]),
        ("cohort={title: ''}", ["cohort.title", "a text without a letter"]),
        ("selection={words: {english: [' ']}}", ["words.english", "a text without a letter"]),
        ("selection={sets: {test: {at_least: {kl: {4: 0}}}}}", ["at_least.kl.4", "greater than or equal to 1"]),
        ("statistics={subgroup_findings: [cast, cast]}", ["subgroup_findings", "stands twice"]),
        ("statistics={coverage: {cases: []}}", ["coverage.cases", "give at least 1"]),
        ("statistics={coverage: {part_cases: [5, 5]}}", ["'part_cases' holds a number twice"]),
        ("archive={folder: /data/knees}", ["archive.folder", "'simulated' doesn't read it"]),
        ("archive={source: kneekl224}", ["cohort.name is 'simulated'", "a name of its own"]),
        ("network=[" + "1, " * 3000 + "1]", ["'network'"]),
    ],
)
def test_a_slip_is_one_short_sentence(entry, words):
    with pytest.raises(StudyError) as raised:
        load(entry)
    message = str(raised.value)
    assert all(word in message for word in words), message
    assert len(message) < 400 and "\n" not in message


def test_the_source_of_a_grading_is_in_the_bibliography(tmp_path, monkeypatch):
    for name in ("workflow/gradings", "manuscript"):
        shutil.copytree(ROOT / name, tmp_path / name)
    grading = tmp_path / "workflow/gradings/kl.yaml"
    grading.write_text(grading.read_text().replace("citation: kellgren1957", "citation: kelgren1957"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=r"kl\.yaml, line 4: 'kelgren1957' is no reference .* 'kellgren1957'"):
        load()
    assert load("grading=fracture", "compare=null").grading == "fracture"


def test_published_results_of_ones_own_are_cited_by_a_known_key(tmp_path):
    published = (ROOT / "analysis/statistics/olsson2021.yaml").read_text()
    (tmp_path / "ours.yaml").write_text(published.replace("source: olsson2021", "source: tiulpin2018"))
    (tmp_path / "slip.yaml").write_text(published.replace("source: olsson2021", "source: tiulpin2108"))
    load(f"statistics={{published: {tmp_path}/ours.yaml}}")
    with pytest.raises(StudyError, match=r"slip\.yaml: source.*'tiulpin2108' is no reference .* 'tiulpin2018'"):
        load(f"statistics={{published: {tmp_path}/slip.yaml}}")


def test_an_archive_that_lacks_a_part_is_refused_before_the_run(tmp_path):
    entries = ("cohort={name: ours, title: ours, kind: clinical}", f"archive={{source: folder, folder: {tmp_path}}}")
    (tmp_path / "DICOM").mkdir()
    steps = [
        (r"DICOM isn't read: call it dicom\.", "DICOM", "dicom"),
        (r"has no reports\.csv: put it there; .* first line is enough", "list.csv", "reports (1).csv"),
        (r"reports \(1\)\.csv isn't read: an archive's table is called reports\.csv", "reports (1).csv", "reports.csv"),
        (r"has no readings\.csv: .* read-export", "table.csv", "Readings.csv"),
        (r"Readings\.csv isn't read: call it readings\.csv\.", "Readings.csv", "readings.csv"),
    ]
    for words, was, becomes in steps:
        with pytest.raises(StudyError, match=rf"config\.yaml, archive\.folder: .*{words}"):
            load(*entries)
        if not (tmp_path / was).exists():
            (tmp_path / was).touch()
        (tmp_path / was).rename(tmp_path / becomes)
    assert load(*entries).archive.folder == str(tmp_path)


@pytest.mark.parametrize("name", ["dicom", "reports.csv", "readings.csv"])
def test_a_part_of_an_archive_that_is_a_link_to_nowhere_is_called_so(tmp_path, name):
    (tmp_path / "dicom").mkdir()
    for table in ("reports.csv", "readings.csv"):
        (tmp_path / table).touch()
    (tmp_path / name).rename(tmp_path / "moved")
    (tmp_path / name).symlink_to(tmp_path / "gone")
    with pytest.raises(StudyError, match=rf"{name} is a link to nowhere"):
        load("cohort={name: ours, kind: clinical}", f"archive={{source: folder, folder: {tmp_path}}}")


@pytest.mark.parametrize("shut", ["archive", "archive/inner"])
def test_an_archive_that_may_not_be_entered_is_called_so(shut):
    # Not in pytest's own folder, which is one user's alone. Root may enter all, and so it becomes somebody else.
    with TemporaryDirectory() as name:
        folder = Path(name, "archive/inner")
        folder.mkdir(parents=True)
        Path(name).chmod(0o755)
        Path(name, shut).chmod(0)
        root = os.geteuid() == 0
        try:
            if root:
                os.seteuid(65534)
            with pytest.raises(
                StudyError, match=r"config\.yaml, archive\.folder: .* can't be entered \(Permission denied\)"
            ):
                _hold_folder(str(folder), "config.yaml")  # alone: to somebody else this repository may be shut, too
        finally:
            if root:
                os.seteuid(0)
            Path(name, shut).chmod(0o755)


def test_null_on_the_command_line_is_none_and_not_a_word():
    assert load("manuscript={title: null}").manuscript.title is None
    assert load("manuscript={title: 'null'}").manuscript.title == "null"


def test_leading_zeros_are_decimal():
    assert load("seed=010").seed == 10


def test_an_entry_given_twice_is_refused():
    with pytest.raises(StudyError, match="'seed' is given twice"):
        load("seed=1", "seed=2")


def test_a_key_twice_in_an_overlay_is_refused(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("network:\n  width: 8\nseed: 1\nnetwork:\n  hidden: 4\n")
    with pytest.raises(StudyError, match=r"overlay\.yaml, line 4: 'network' is there already, in line 1"):
        load(overlay=overlay)


def test_overlays_change_single_keys(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("statistics: {coverage: {exams: 40, cases: [3]}}")
    study = load("statistics={level: 0.9}", overlay=overlay)
    assert (study.statistics.level, study.statistics.coverage.exams) == (0.9, 40)
    assert study.statistics.replicates == load().statistics.replicates


def test_an_outcome_of_another_grading_is_no_slip():
    assert load("statistics={prevalence: {kl_2_4: 0.3}}", "grading=oarsi").statistics.prevalence


def test_the_name_of_a_file_of_settings_holds_its_content():
    text, name = as_file(load().statistics)
    assert as_file(load("seed=5").statistics) == (text, name)
    assert as_file(load("statistics={level: 0.9}").statistics)[1] != name


def test_which_seeds_there_are_changes_nothing_of_what_one_reads():
    some, more = (as_file(load(f"network={{seeds: {seeds}}}").network, ["seeds"]) for seeds in ([0], [0, 1, 2]))
    assert some == more and "seeds" not in some[0] and "width: 16" in some[0]


def test_tables_that_a_sources_settings_name_are_files_that_its_making_reads():
    assert load(
        "cohort={name: ours}", "archive={source: pacs, pacs: {readings: /x/r.csv, accessions: a.csv}}"
    ).brought == [
        "a.csv",
        "/x/r.csv",
    ]
    assert (
        load("cohort={name: ours}", "archive={source: pacs, pacs: {dates: [2012-01-01, 2012-12-31]}}").brought
        == load().brought
        == []
    )


class Entry(BaseModel):
    name: str = Field(description="in full")
    role: Literal["first", "last"] = Field(default="last", description="what it is for")


class Section(BaseModel):
    bad: Literal["reject", "keep"] = Field(default="keep", description="what can't be read is rejected")
    told: Literal["reject", "keep"] | None = Field(default=None, description="reject, keep, or null: as bad")
    entries: tuple[Entry, ...] = Field(default=(), description="those there are")


def test_the_file_says_what_may_be_chosen_and_what_an_entry_holds():
    assert describe(Section(), depth=1).splitlines() == [
        "  # what can't be read is rejected [reject, keep]",
        "  bad: keep",
        "  # reject, keep, or null: as bad",
        "  told: null",
        "  # those there are. Each has name (in full), role (what it is for [first, last])",
        "  entries: []",
    ]
