"""The reporting guidelines: every item says where it is addressed, or openly that it is not."""

import re

import pytest
import yaml

from analysis.errors import StudyError
from analysis.manuscript.source import choose, keys
from analysis.presentation.tables.checklists import checklist, read_checklist
from tests.presentation.conftest import SOURCE, prose

FILES = sorted((SOURCE / "checklists").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_item_points_to_a_place_or_says_why_not(path):
    labels = keys(prose()).labels
    items = [entry for entries in read_checklist(path).sections.values() for entry in entries]
    assert len(items) >= 25
    assert len({(entry.item, entry.topic) for entry in items}) == len(items)
    for entry in items:
        assert set(entry.where) <= labels, f"item {entry.item} points to {set(entry.where) - labels}"
        assert entry.where or entry.note, f"item {entry.item} says neither where nor why not"


@pytest.mark.parametrize("external", [False, True], ids=["trained", "external"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_an_item_points_to_is_there_however_few_exams_there_are(path, external):
    """A table of which there is none is no part of the text, and a reference to it would be a hole."""
    bare: dict = {}
    for key in keys(prose()).conditions:
        *sections, name = key.split(".")
        inner = bare
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = key == "external.any" and external
    there = keys(choose(prose(), bare)).labels
    pointed = {name for row in checklist(path, external).rows for name in re.findall(r"@([\w-]+)", row[-1])}
    assert len(pointed) > 10 and pointed <= there, pointed - there


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_table_says_openly_what_is_not_addressed(path):
    rows = [row for row in checklist(path).rows if len(row) > 1]
    items = [entry for entries in read_checklist(path).sections.values() for entry in entries]
    for row, entry in zip(rows, items, strict=True):
        assert re.search(r"@(sec|fig|tbl)-|Not addressed: .|Not applicable: .", row[2]), row
        if entry.status != "addressed":
            assert f"{entry.status.capitalize()}: {entry.note}" in row[2]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"item": "1", "topic": "Title"}, "item 1 is 'addressed' but has no 'where'"),
        ({"item": "2", "topic": "Aim", "status": "not addressed"}, "item 2 is 'not addressed' but has no 'note'"),
    ],
)
def test_an_item_that_says_nothing_is_refused(tmp_path, entry, said):
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump({"title": "T", "citation": "r", "sections": {"All": [entry]}}))
    with pytest.raises(StudyError, match=said):
        read_checklist(path)
