"""One question, one test: outcomes that can't differ are known from the scheme alone."""

from analysis.grading.scheme import load_scheme
from analysis.statistics.questions import Questions, question_of


def test_complements_and_disease_are_one_question(kl):
    found = question_of(kl)
    assert found["kl_2_4"] == found["disease"] == found["kl_0_1"] == "kl_0_1"
    assert found["kl_3_4"] == found["kl_0_2"] == "kl_0_2"
    others = set(found) - {"kl_2_4", "disease", "kl_3_4"}
    assert {name: found[name] for name in others} == {name: name for name in others}


def test_a_question_is_tested_with_the_first_outcome_that_can_be(kl):
    asked = Questions(kl)
    assert asked.repeated("kl_0_1", float("nan")) is None  # no test, so nothing to repeat
    assert asked.repeated("kl_2_4", 0.04) is None
    assert asked.repeated("disease", 0.04) == "the same question as 'kl_2_4', tested there"
    assert asked.repeated("disease", 0.04, who="another reader") is None
    assert asked.repeated("medial", 0.2) is None


def test_kinds_that_are_not_asked_for_test_nothing(kl):
    assert question_of(kl, ("disease", "location"))["disease"] == "disease"
    assert question_of(kl, ("group", "disease"))["disease"] == "kl_0_1"


def test_disease_by_several_items_is_its_own_question():
    scheme = load_scheme("workflow/gradings/oarsi.yaml")
    found = question_of(scheme)
    assert found["disease"] == "disease"
    assert set(found) == {outcome.id for outcome in scheme.outcomes}
