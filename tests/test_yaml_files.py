"""YAML is read as people mean it, and what is written is read back."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import StudyError
from analysis.yaml_files import _FastLoader, _Loader, dump_yaml, load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("yes", "no", "on", "Off", "y", "N", "1:30", "2021-05-31", "1_000", "0b1", "=")),
        *(("010", 10), ("0o10", 8), ("0x1F", 31), ("-7", -7), ("1e3", 1000.0), ("2.", 2.0), (".5", 0.5)),
        *(("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("'010'", "010")),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2, d: 3}", {"a": {"b": 1}, "c": {"b": 2, "d": 3}}),
    ],
)
def test_values_are_those_of_yaml_1_2(text, value):
    assert parse_yaml(text, "text") == value
    assert type(parse_yaml(text, "text")) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nseed: 2", "line 2: 'seed' is there already, in line 1; remove one"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", "line 4: 'b' is there already, in line 2; remove one"),
        ("- {x: 1, x: 1}", "'x' is there already"),
        ("1: a\n1: b", "'1' is there already"),
        ("a: [1", "line 1"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        ("{[1]: 2}", "unhashable"),
    ],
)
def test_what_is_wrong_is_one_sentence(text, words):
    with pytest.raises(StudyError, match=r"^text") as raised:
        parse_yaml(text, "text")
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_in_another_encoding_is_said_to_be_one(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("title: Klinik für Orthopädie".encode("latin-1"))
    with pytest.raises(StudyError, match="save it as UTF-8"):
        load_yaml(path)
    path.write_bytes("\ufefftitle: Orthopädie".encode())
    assert load_yaml(path) == {"title": "Orthopädie"}


WORDS = st.sampled_from(["yes", "010", "1e3", "0o7", "null", "~", "", "1:30", "true", "0x1F", ".5", "<<", "-", "a: b"])
# Line separators of Unicode come back as line feeds in every YAML.
TEXT = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])) | WORDS
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT


@given(st.dictionaries(TEXT, st.lists(PLAIN) | PLAIN))
def test_what_is_written_is_read_back(value):
    assert parse_yaml(dump_yaml(value), "text") == value


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "[a:\n" * 990,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "\n".join(" " * n + "a:" for n in range(3000)),
    ],
)
def test_what_is_nested_too_deeply_is_an_error_and_no_crash(text):
    with pytest.raises(StudyError, match="text is not valid YAML"):
        parse_yaml(text, "text")


def test_both_loaders_read_the_same():
    paths = [path for folder in ("workflow", "tests", "manuscript") for path in Path(folder).rglob("*.y*ml")]
    texts = [path.read_text() for path in [Path("config.yaml"), *paths]]
    assert len(texts) > 10
    for text in texts:
        assert yaml.load(text, _FastLoader) == yaml.load(text, _Loader)
