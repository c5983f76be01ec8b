"""The network was not shown the answer: what surrounds the picture says nothing of the grade.

The search has to be able to find something, so it is also given the age, which goes with the grade in
simulated patients as it does in real ones (and which the network isn't given).
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.ensemble import RandomForestClassifier

from analysis.simulate.archive import truth
from tests.simulate.conftest import SEED, SETTINGS
from tests.simulate.test_archive import headers

#: What is the person's and not the file's. Age and what tells it go with the grade; they aren't the network's.
PERSON = ("PatientName", "PatientID", "PatientBirthDate", "PatientAge")
BULK = ("PixelData", "LUTData")


def features(archive):
    """A row an exam: everything about its files that can be had without looking at the picture."""
    rows = []
    for path, ds in headers(archive):
        if "Rows" not in ds or path.stem.endswith("_1"):
            continue
        row = {"exam": ds.AccessionNumber, "bytes": path.stat().st_size, "suffix": path.suffix, "name": path.stem[2:]}
        row |= {f"has {element.keyword}": 1 for element in ds}
        row |= {f"meta {element.keyword}": str(element.value) for element in ds.file_meta
                if element.keyword == "TransferSyntaxUID"}  # fmt: skip
        for element in ds:
            if element.keyword not in (*PERSON, *BULK) and element.VR not in ("SQ", "UI"):
                row[element.keyword] = element.value if isinstance(element.value, int | float) else str(element.value)
        rows.append(row)
    files = pd.DataFrame(rows)
    columns = {"images": pd.Series(1.0, files.index)}
    for name in files.columns.drop("exam"):
        column = files[name]
        numbers = pd.to_numeric(column, errors="coerce").astype(float)
        if name.startswith("has "):
            columns[name] = column.fillna(0)
        elif numbers.notna().sum() >= 0.9 * column.notna().sum():
            columns[name] = numbers
        else:  # words: in the order of their letters, and the common ones each by itself
            column = column.astype("str")
            columns[name] = column.rank(method="dense")
            columns |= {f"{name} is {word}": column == word for word in column.value_counts().index[:8]}
    table = pd.DataFrame(columns).astype(float).groupby(files["exam"])
    table = table.mean().assign(images=table["images"].sum())
    return table.loc[:, table.nunique() > 1].fillna(-1.0)


@pytest.fixture(scope="module")
def known(archive):
    """Features and the truth of the exams that may come into the study, and which of the two kinds of set they are of."""
    found = truth(SETTINGS, SEED).drop_duplicates("accession").set_index("accession").query("kind == 'regular'")
    return features(archive).join(found[["kl", "age", "session"]], how="inner")


def guessed(table, columns):
    """AUC, with a 95 % interval, of telling the upper half of the grades from the lower, within training and held-out exams.

    Random forest, each exam by the trees that have not seen it; the interval is Hanley and McNeil's (1982).
    """
    areas, weights, variances = [], [], []
    for held_out, part in table.groupby(table["session"] != "training"):
        ill = (part["kl"] >= (3 if held_out else 1)).to_numpy()
        forest = RandomForestClassifier(200, max_features=0.5, min_samples_leaf=4, oob_score=True, random_state=0)
        scores = forest.fit(part[columns], ill).oob_decision_function_[:, 1]
        m, n = ill.sum(), (~ill).sum()
        area = (rankdata(scores)[ill].sum() - m * (m + 1) / 2) / (m * n)
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        variances.append((area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (m * n))
        areas.append(area)
        weights.append(len(part))
    weights = np.array(weights) / sum(weights)
    area, half = weights @ areas, 1.96 * np.sqrt(weights**2 @ variances)
    return area, area - half, area + half


def test_headers_and_sizes_do_not_give_the_grade_away(known):
    columns = [name for name in known.columns if name not in ("kl", "age", "session")]
    assert len(columns) > 60 and {"bytes", "Rows", "images", "StudyID", "BitsStored"} <= set(columns)
    area, low, high = guessed(known, columns)
    assert low <= 0.5 <= high, (area, low, high)
    assert high < 0.62
    assert guessed(known, [*columns, "age"])[1] > 0.5  # what does go with the grade is found among all the rest


def test_no_tag_goes_with_the_grade(known):
    columns = [name for name in known.columns if name not in ("kl", "age", "session")]

    def association(name):
        """Smallest P value of a rank correlation with the grade in training or held-out exams."""
        found = []
        for _, part in known.groupby(known["session"] != "training"):
            if part[name].nunique() > 1:
                found.append(spearmanr(part[name], part["kl"]).pvalue)
        return min(found, default=1.0)

    limit = 0.01 / (2 * len(columns))
    assert {name for name in columns if association(name) < limit} == set()
    assert association("age") < limit
