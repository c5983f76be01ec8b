"""Rules in words: what a manuscript says of disease must be what the rule counts as disease."""

import pandas as pd
import pytest

from analysis.grading.rule import parse_rule
from analysis.grading.scheme import load_scheme
from analysis.grading.words import in_words


@pytest.fixture(scope="module")
def oarsi():
    return load_scheme("workflow/gradings/oarsi.yaml")


def test_the_rules_that_come_with_the_code(oarsi):
    kl = load_scheme("workflow/gradings/kl.yaml")
    assert in_words(kl.disease.rule, kl) == "a Kellgren-Lawrence grade of 2 or higher"
    assert in_words(kl.early.rule, kl) == "a Kellgren-Lawrence grade of 1 to 2"
    told = in_words(oarsi.disease.rule, oarsi)
    assert told.startswith(
        "any of the following: medial joint space narrowing of grade 2 or higher; grades of medial femoral osteophyte "
        "and medial tibial osteophyte that add up to 2 or more; medial joint space narrowing of grade 1, together with "
        "either medial femoral osteophyte of grade 1 or higher or medial tibial osteophyte of grade 1 or higher;"
    )
    assert "_" not in told and ">" not in told


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("2 <= jsn_medial", "medial joint space narrowing of grade 2 or higher"),
        ("jsn_medial > 1", "medial joint space narrowing of grade 2 or higher"),
        ("jsn_medial + 1 >= 3", "medial joint space narrowing of grade 2 or higher"),
        ("not jsn_medial < 2", "medial joint space narrowing of grade 2 or higher"),
        ("jsn_medial <= 1", "medial joint space narrowing of grade 1 or lower"),
        ("jsn_medial != 2", "medial joint space narrowing of grade 0, 1 or 3"),
        ("implant >= 1", "presence of any implant"),
        ("not (cast > 0 or implant == 1)", "absence of cast, together with absence of any implant"),
        ("not (cast > 0 and implant == 1)", "either absence of cast or absence of any implant"),
        ("1 <= jsn_medial + jsn_lateral <= 3",
         "grades of medial joint space narrowing and lateral joint space narrowing that add up to 1 to 3"),
        ("jsn_medial > jsn_lateral",
         "the grade of medial joint space narrowing higher than the grade of lateral joint space narrowing"),
        ("not jsn_medial > jsn_lateral",
         "the grade of medial joint space narrowing at most as high as the grade of lateral joint space narrowing"),
    ],
)  # fmt: skip
def test_each_form_of_a_rule(oarsi, rule, said):
    parse_rule(rule, oarsi.highest)
    assert in_words(rule, oarsi) == said


@pytest.mark.parametrize(
    "rule", ["kl >= 2", "kl < 3", "kl == 0", "1 <= kl <= 2", "not kl <= 1", "kl != 4", "kl + 1 > 3"]
)
def test_the_words_admit_the_grades_that_the_rule_admits(rule):
    kl = load_scheme("workflow/gradings/kl.yaml")
    grades = pd.DataFrame({"kl": range(5)})
    admitted = list(grades.loc[parse_rule(rule, kl.highest)(grades) == 1, "kl"])
    words = in_words(rule, kl).removeprefix("a Kellgren-Lawrence grade of ")
    if words.endswith((" or higher", " or lower")):
        edge = int(words[0])
        read = list(range(edge, 5)) if "higher" in words else list(range(edge + 1))
    elif " to " in words:
        first, last = map(int, words.split(" to "))
        read = list(range(first, last + 1))
    else:
        read = [int(number) for number in words.replace(" or ", ", ").split(", ")]
    assert read == admitted
