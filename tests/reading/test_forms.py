"""The form follows the scheme, and takes nothing else."""

from __future__ import annotations

import pytest

from analysis.errors import StudyError
from analysis.grading.items import TAKEN_KEYS
from analysis.grading.scheme import load_scheme
from analysis.reading.readings.form import FLAGS, make_form
from tests.reading.conftest import KL, ROOT, values


@pytest.mark.parametrize("scheme", sorted((ROOT / "workflow/gradings").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_item_and_finding_has_a_field_and_every_letter_one_meaning(scheme):
    form, known = make_form(scheme), load_scheme(scheme)
    assert [f.name for f in form.fields] == [*known.items, *known.findings]
    assert {f.name: dict(f.levels) for f in form.items} == {n: i.levels for n, i in known.items.items()}
    letters = [f.key for f in form.findings if f.key]
    assert len(set(letters)) == len(letters)
    assert not set(letters) & set(TAKEN_KEYS)
    assert len(letters) == len(form.findings)


def test_only_what_is_asked_for():
    assert [f.name for f in make_form(KL, ["staple", "kl"]).fields] == ["kl", "staple"]
    with pytest.raises(StudyError, match="'kll' is no item or finding"):
        make_form(KL, ["kll"])


def test_the_hash_is_that_of_the_version(tmp_path):
    copy = tmp_path / "kl.yaml"
    copy.write_text(KL.read_text())
    assert make_form(copy).hash == make_form(KL).hash
    copy.write_text(KL.read_text() + "# another version\n")
    assert make_form(copy).hash != make_form(KL).hash


def test_a_reading_is_whole_or_says_why_not():
    form = make_form(KL)
    assert form.check(values(3, medial=1)) == {**values(3, medial=1), **dict.fromkeys(FLAGS, 0)}
    for wrong, why in (
        (values(5), "no level 5"),
        (values(-1), "no level -1"),
        (values(2, medial=2), "no level 2"),
        ({**values(2), "score": 1}, "no such field"),
        ({k: v for k, v in values(2).items() if k != "cast"}, "Cast: not graded yet"),
    ):
        with pytest.raises(ValueError, match=why):
            form.check(wrong)
    assert form.check({"unusable": 1}) == {"unusable": 1, "no_knee": 0}


def test_a_decision_holds_what_the_readings_differ_in_and_nothing_else():
    form = make_form(KL)
    assert form.check({"medial": 1, "kl": 2}, ["kl", "medial"]) == {"kl": 2, "medial": 1}
    with pytest.raises(ValueError, match="not graded yet"):
        form.check({"kl": 2}, ["kl", "medial"])
    with pytest.raises(ValueError, match="differ in"):
        form.check({"kl": 2, "cast": 1}, ["kl"])
