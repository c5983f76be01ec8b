"""Schemes: what follows from a file, and what is refused with the line to mend."""

import ast
import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import StudyError
from analysis.grading.rule import parse_rule
from analysis.grading.scheme import load_scheme

GRADINGS = Path("workflow/gradings")
#: The simulated archive and the sources of archives make readings, so they say which item they read.
MAKERS = tuple(
    map(
        Path,
        ("analysis/simulate", "analysis/archive/sources", "analysis/archive/releases", "analysis/benchmarks/films.py"),
    )
)
TWO_ITEMS = """\
name: invented
title: Invented
items:
  alpha: &grade
    title: Alpha
    short: A
    levels: {0: none, 1: some, 2: much}
    groups:
      1-2: [1, 2]
  beta: {<<: *grade, title: Beta, short: B}
sums:
  both: {title: Alpha and beta, short: A+B, items: [alpha, beta]}
disease:
  title: Disease
  rule: alpha >= 2 or alpha + beta >= 3
findings:
  nail: {title: Nail, kind: implant}
"""


@pytest.fixture
def invented(tmp_path):
    path = tmp_path / "invented.yaml"
    path.write_text(TWO_ITEMS)
    return path


@pytest.mark.parametrize("path", sorted(GRADINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_schemes_load(path):
    scheme = load_scheme(path)
    assert scheme.outcomes
    assert len({outcome.id for outcome in scheme.outcomes}) == len(scheme.outcomes)


def slowly(rule: str, row: dict[str, float]) -> float:
    """Evaluate a rule for one exam as Python itself reads it."""
    if any(np.isnan(row[name]) for name in set(re.findall(r"[a-z_]+[a-z]", rule)) & set(row)):
        return float("nan")
    return float(bool(eval(rule, {"__builtins__": {}}, row)))


def rows(scheme):
    grade = {name: st.sampled_from([*range(top + 1), float("nan")]) for name, top in scheme.highest.items()}
    return st.lists(st.fixed_dictionaries(grade), max_size=8)


@pytest.mark.parametrize("name", ["kl", "oarsi"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_derive_is_what_a_loop_over_exams_gives(name, data):
    scheme = load_scheme(GRADINGS / f"{name}.yaml")
    exams = data.draw(rows(scheme))
    grades = pd.DataFrame(exams, columns=list(scheme.highest), dtype=float)
    found = scheme.derive(grades)
    assert list(found) == [outcome.id for outcome in scheme.outcomes]
    for position, exam in enumerate(exams):
        for outcome in scheme.outcomes:
            if outcome.kind == "disease":
                expected = slowly(scheme.disease.rule, exam)
            else:
                value = exam[outcome.item or outcome.id]
                expected = float("nan") if np.isnan(value) else float(value in (outcome.levels or (1,)))
            np.testing.assert_equal(found[outcome.id].iloc[position], expected)
        for name_, total in scheme.sums.items():
            np.testing.assert_equal(scheme.add_up(grades)[name_].iloc[position], sum(exam[i] for i in total.items))


def names_and_rules():
    grade = st.sampled_from(["a", "b", "c", "a + b", "b + c", "1", "2"])
    comparison = st.builds("{} {} {}".format, grade, st.sampled_from([">=", "<=", ">", "<", "==", "!="]), grade)
    return st.recursive(
        comparison,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            inner.map("(not {})".format),
        ),
        max_leaves=5,
    )


@settings(max_examples=60, deadline=None)
@given(names_and_rules())
def test_a_rule_means_what_python_means(text):
    levels = {"a": 1, "b": 2, "c": 3}
    grid = pd.DataFrame(itertools.product(*(range(top + 1) for top in levels.values())), columns=list(levels))
    try:
        found = parse_rule(text, levels)(grid)
    except ValueError as error:
        assert "whatever the grade" in str(error)
        return
    expected = [float(eval(text, {}, dict(zip(levels, row, strict=True)))) for row in grid.to_numpy().tolist()]
    assert found.tolist() == expected


def test_a_chain_of_comparisons_is_read_as_python_reads_it():
    grades = pd.DataFrame({"kl": [0, 1, 2, 3, 4, float("nan")]})
    np.testing.assert_equal(
        load_scheme(GRADINGS / "kl.yaml").holds("early", grades).to_numpy(), [0, 1, 1, 0, 0, float("nan")]
    )


@pytest.mark.parametrize(
    ("medial", "lateral", "present"),
    [  # (narrowing, femur, tibia) of each compartment; the rule by Culvenor et al. 2015, case by case
        ((0, 0, 0), (0, 0, 0), False),
        ((1, 0, 0), (0, 0, 0), False),  # narrowing 1 alone
        ((0, 1, 0), (0, 0, 0), False),  # one small osteophyte alone
        ((2, 0, 0), (0, 0, 0), True),  # narrowing 2 alone
        ((3, 0, 0), (0, 0, 0), True),
        ((0, 2, 0), (0, 0, 0), True),  # one osteophyte of grade 2
        ((0, 1, 1), (0, 0, 0), True),  # two of grade 1 in one compartment
        ((1, 1, 0), (0, 0, 0), True),  # narrowing 1 with an osteophyte
        ((1, 0, 1), (0, 0, 0), True),
        ((0, 0, 0), (2, 0, 0), True),
        ((0, 0, 0), (0, 0, 2), True),
        ((0, 0, 0), (0, 1, 1), True),
        ((0, 0, 0), (1, 0, 1), True),
        ((0, 1, 0), (0, 0, 1), False),  # one small osteophyte in each compartment doesn't add up
        ((1, 0, 0), (0, 1, 0), False),  # narrowing and osteophyte in different compartments
        ((1, 0, 0), (1, 0, 0), False),
        ((1, 0, 0), (0, 1, 1), True),
    ],
)
def test_disease_by_the_atlas(medial, lateral, present):
    names = [
        "jsn_medial",
        "ost_medial_femur",
        "ost_medial_tibia",
        "jsn_lateral",
        "ost_lateral_femur",
        "ost_lateral_tibia",
    ]
    grades = pd.DataFrame([(*medial, *lateral)], columns=names)
    scheme = load_scheme(GRADINGS / "oarsi.yaml")
    assert scheme.holds("disease", grades).item() == float(present)
    assert scheme.add_up(grades)["oarsi_sum"].item() == sum(medial) + sum(lateral)


def test_disease_by_the_atlas_for_every_combination():
    def compartment(narrowing, femur, tibia):
        return narrowing >= 2 or femur + tibia >= 2 or (narrowing == 1 and max(femur, tibia) >= 1)

    scheme = load_scheme(GRADINGS / "oarsi.yaml")
    names = [
        "jsn_medial",
        "ost_medial_femur",
        "ost_medial_tibia",
        "jsn_lateral",
        "ost_lateral_femur",
        "ost_lateral_tibia",
    ]
    grades = pd.DataFrame(itertools.product(range(4), repeat=6), columns=names)
    expected = [compartment(*row[:3]) or compartment(*row[3:]) for row in grades.to_numpy().tolist()]
    assert scheme.holds("disease", grades).astype(bool).tolist() == expected


def test_a_scheme_of_ones_own(invented):
    scheme = load_scheme(invented)
    assert [outcome.id for outcome in scheme.outcomes] == [
        *("alpha_0", "alpha_1", "alpha_2", "alpha_1_2", "beta_0", "beta_1", "beta_2", "beta_1_2"),
        *("disease", "nail"),
    ]
    grades = pd.DataFrame({"alpha": [0, 1, 2, 1], "beta": [2, 2, 0, None], "nail": [0, 1, None, 0]})
    np.testing.assert_equal(scheme.derive(grades)["disease"].to_numpy(), [0, 1, 1, np.nan])
    np.testing.assert_equal(scheme.add_up(grades)["both"].to_numpy(), [2, 3, 2, np.nan])
    assert scheme.where("items", "beta", "levels").endswith("invented.yaml, line 7")  # where the merged key is written


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("1-2: [1, 2]", "1-2: [1, 7]", 9, "group '1-2' names level 7"),
        ("1-2: [1, 2]", "all: [0, 1, 2]", 9, "group 'all' must hold some of the levels"),
        ("1-2: [1, 2]", '"2": [1, 2]', 8, "two things are both called 'alpha_2'"),
        ("{0: none, 1: some, 2: much}", "{0: none, 2: much}", 7, "levels must count"),
        ("{0: none, 1: some, 2: much}", "{0: true, 1: some, 2: much}", 7, "put it in quotes"),
        ("rule: alpha >= 2", "rule: gamma >= 2", 15, "names 'gamma'"),
        ("rule: alpha >= 2", "rule: alpha >= 3", 15, "false whatever the grade"),
        ("alpha + beta >= 3", "alpha + beta >= 0", 15, "true whatever the grade"),
        ("alpha + beta >= 3", "beta", 15, "where a comparison belongs"),
        ("alpha + beta >= 3", "alpha - beta >= 1", 15, "where a grade, a whole number or a sum"),
        ("alpha + beta >= 3", "alpha in beta", 15, "is not allowed"),
        ("alpha + beta >= 3", "__import__('os')", 15, "where a comparison belongs"),
        ("alpha >= 2 or", "alpha >= 2 or or", 15, "is not an expression"),
        ("items: [alpha, beta]}", "items: [alpha, gamma]}", 12, "adds 'gamma', which is no item"),
        ("  nail:", "  view:", 17, "'view' can't be the name"),
        ("  nail:", "  alpha:", 17, "two things are both called 'alpha'"),
        ("kind: implant", "kind: nail", 17, "findings.nail.kind"),
        ("    short: A\n", "", 4, "the key 'items.alpha.short' is missing"),
        ("sums:", "totals:", 11, "the key 'totals' is not known"),
        ("findings:", "title: Other\nfindings:", 16, "'title' is there already, in line 2"),
        ("name: invented", "name: other", 1, "name it like its file"),
        ("name: invented", "name: in vented", 1, "'in vented' can't be the name of a grading"),
        ("1-2: [1, 2]", "1-2: [0, 1]", 9, "group '1-2' holds the levels 0, 1"),
        ("1-2: [1, 2]", "some: [1, 1, 2]", 9, "group 'some' names a level twice"),
        ("1-2: [1, 2]", "much: [2]", 9, "group 'much' is the same as level 2"),
        ("1-2: [1, 2]", "1-2: [1, 2]\n      any: [2, 1]", 10, "group 'any' is the same as group '1-2'"),
        ("{<<: *grade, title: Beta, short: B}", "{<<: *grade, short: B}", 5, "have the same title 'Alpha'"),
        ("{<<: *grade, title: Beta, short: B}", "{<<: *grade, title: Beta}", 6, "have the same short 'A'"),
        ("title: Nail", "title: ALPHA", 17, "'alpha' and 'nail' have the same title"),
        ("title: Nail", 'title: " "', 17, "a text without a letter"),
        ("0: none", '0: ""', 7, "a text without a letter"),
        ("items: [alpha, beta]", "items: [alpha, beta, beta]", 12, "adds 'beta' twice"),
        ("rule: alpha >= 2 or", "rule: alpha < 2 or alpha >= 1 or", 15, "true whatever the grade"),
        ("alpha >= 2 or alpha + beta >= 3", "alpha >= 2 and alpha < 1", 15, "false whatever the grade"),
        ("kind: implant", "needs: nail >= 1", 17, "rests on 'nail' itself"),
        ("    short: A\n", "    short: A\n    not_applicable: alpha >= 1\n", 7, "rests on 'alpha' itself"),
        ("kind: implant", "key: u", 17, "the reading room itself uses the keys"),
        (
            "kind: implant}",
            "implies: [pin], excludes: [pin]}\n  pin: {title: Pin}",
            17,
            "implies 'pin' and excludes it",
        ),
        *(
            ("  nail:", f"  {name}:", 17, f"'{name}' can't be the name")
            for name in ("age", "unusable", "findings", "score", "class")
        ),
    ],
)
def test_a_hole_is_refused_with_the_line_to_mend(invented, old, new, line, says):
    assert TWO_ITEMS.count(old) >= 1
    invented.write_text(TWO_ITEMS.replace(old, new, 1))
    with pytest.raises(StudyError) as caught:
        load_scheme(invented)
    assert f"{invented}, line {line}:" in str(caught.value)
    assert says in str(caught.value)


def test_levels_are_counted_from_0_whatever_their_order_in_the_file(invented):
    invented.write_text(TWO_ITEMS.replace("{0: none, 1: some, 2: much}", "{2: much, 0: none, 1: some}"))
    scheme = load_scheme(invented)
    assert list(scheme.items["alpha"].levels) == [0, 1, 2]
    assert [outcome.label for outcome in scheme.outcomes[:3]] == ["0", "1", "2"]


def test_no_yaml_at_all_is_refused(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("items: [")
    with pytest.raises(StudyError, match="is not valid YAML"):
        load_scheme(path)
    with pytest.raises(StudyError, match="does not exist"):
        load_scheme(tmp_path / "none.yaml")
    path.write_text("name: broken\ntitle: B\n")
    with pytest.raises(StudyError, match="at least one item"):
        load_scheme(path)
    path.write_text("- a list")
    with pytest.raises(StudyError, match="line 1"):
        load_scheme(path)


def said(path: Path) -> list[tuple[int, str]]:
    """Names and strings of a module with their lines; save those that only explain."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    explained = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    } | {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in ("description", "help")
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            found.append((node.lineno, node.value))
        for key in ("id", "arg", "attr", "name"):
            if isinstance(getattr(node, key, None), str) and hasattr(node, "lineno"):
                found.append((node.lineno, getattr(node, key)))
    return found


def test_only_scheme_files_know_the_items():
    """No item, and no name of a scheme with items, in what follows the readings."""
    schemes = [yaml.safe_load(path.read_text()) for path in GRADINGS.glob("*.yaml")]
    names = {name for scheme in schemes for name in scheme.get("items", {})}
    names |= {scheme["name"] for scheme in schemes if "items" in scheme}
    word = re.compile(rf"(?<![a-z0-9])({'|'.join(sorted(names))})(?![a-z])", re.IGNORECASE)
    assert word.search("x.kl >= 2") and word.search("kl_2") and not word.search("klass")
    modules = [path for path in Path("analysis").rglob("*.py") if not any(map(path.is_relative_to, MAKERS))]
    told = [(path, line, text) for path in modules for line, text in said(path)]
    rules = [Path("Snakefile"), *Path("workflow/rules").glob("*.smk")]
    told += [
        (path, line, text.split("#")[0])
        for path in rules
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    ]
    known = [f"{path}:{line}: {text}" for path, line, text in told if word.search(text)]
    assert not known, "\n".join(known)
