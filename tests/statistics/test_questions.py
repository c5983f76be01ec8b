"""One question, one test: outcomes that can't differ are known from the scheme alone."""

from analysis.grading.scheme import load_scheme
from analysis.statistics.questions import question_of, repeated


def test_complements_and_disease_are_one_question(kl):
    found = question_of(kl)
    assert found["kl_2_4"] == found["disease"] == found["kl_0_1"] == "kl_0_1"
    assert found["kl_3_4"] == found["kl_0_2"] == "kl_0_2"
    others = set(found) - {"kl_2_4", "disease", "kl_3_4"}
    assert {name: found[name] for name in others} == {name: name for name in others}
    assert repeated("disease", kl) == "the same question as 'kl_0_1', tested there"
    assert repeated("medial", kl) is None


def test_disease_by_several_items_is_its_own_question():
    scheme = load_scheme("workflow/gradings/oarsi.yaml")
    found = question_of(scheme)
    assert found["disease"] == "disease"
    assert set(found) == {outcome.id for outcome in scheme.outcomes}
