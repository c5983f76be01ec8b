"""Every table that passes between stages has a schema, and a table that breaks it is refused with a sentence."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.schemas.columns import empty
from analysis.schemas.statistics import ESTIMATES, ROC

ROOT = Path(__file__).parents[1]
#: Tables that leave the study: an archive's own files, and what people or reviewers take from the reading room.
ARCHIVES = {
    "analysis/archive/releases/tables.py",
    "analysis/archive/sources/kneekl224.py",
    "analysis/reading/readings/export.py",
}


def rows(n=2):
    """Rows of roc.csv as they come out where nothing can be estimated."""
    texts = {name: "x" for name in ROC.columns} | {"set": "test", "few": True, "too_few": True}
    numbers = {
        name: 1 for name in ("cases", "controls", "patients", "missing_label", "missing_score", "missing_reference")
    }
    numbers |= {"level": 0.95, "replicates": 100, "seed": 1}
    unknown = {name: np.nan for name in ROC.columns if name.endswith(("low", "high")) or name.startswith("effective")}
    return pd.DataFrame([texts | unknown | {"auc": np.nan} | numbers] * n)


def test_every_writer_names_a_schema():
    without = []
    for path in sorted((ROOT / "analysis").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name in ARCHIVES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "write_table" and len(node.args) < 3:
                without.append(f"{name}:{node.lineno}")
    assert not without


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_table_without_a_row_keeps_its_columns(tmp_path, name):
    write_table(empty(ESTIMATES[name]), tmp_path / name, ESTIMATES[name])
    assert list(read_table(tmp_path / name, ESTIMATES[name])) == list(ESTIMATES[name].columns)


WRONG = {
    "outside its range": ({"auc": [0.5, 1.2]}, "the column 'auc' has '1.2' in row 2; it must be at most 1"),
    "no number": ({"auc": ["high", "low"]}, "the column 'auc' holds what is no number"),
    "no whole number": ({"cases": [1, 1.5]}, "the column 'cases' has '1.5' in row 2; it must be a whole number"),
    "no such set": (
        {"set": ["test", "tst"]},
        "the column 'set' has 'tst' in row 2; it must be one of validation, test",
    ),
    "limits crossed": ({"low": [0.1, 0.9], "high": 0.5}, "it does not hold that low is at most high in row 2"),
    "empty": ({"few": [True, None]}, "the column 'few' is empty in row 2"),
    "one more": ({"more": 1}, "it has a column 'more' that its schema doesn't"),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_what_breaks_a_schema_is_neither_written_nor_read(tmp_path, change, says):
    write_table(rows(), tmp_path / "sound.csv", ROC)
    wrong = rows().assign(**change)
    with pytest.raises(StudyError, match="is not what this stage expects") as refused:
        write_table(wrong, tmp_path / "roc.csv", ROC)
    assert says in str(refused.value)
    assert not (tmp_path / "roc.csv").exists()
    wrong.to_csv(tmp_path / "roc.csv", index=False)
    with pytest.raises(StudyError) as refused:
        read_table(tmp_path / "roc.csv", ROC)
    assert says in str(refused.value) and str(tmp_path / "roc.csv") in str(refused.value)


def test_a_missing_column_and_one_out_of_place_are_named(tmp_path):
    with pytest.raises(StudyError, match="the column 'kind' is missing"):
        write_table(rows().drop(columns="kind"), tmp_path / "roc.csv", ROC)
    moved = rows()[[*list(ROC.columns)[1:], "set"]]
    with pytest.raises(StudyError, match="is not in its place"):
        write_table(moved, tmp_path / "roc.csv", ROC)
