"""Releases of OAI and MOST that never were, in every form, to the manuscript for both gradings: `make test-releases`.

No part of the suite, since it takes many minutes. That each form becomes the same readings, and the reference standard of
each grading, is tested by test_oai_most.py and test_releases.py.
"""

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.archive.people.names import exam_of
from tests.archive.sources import releases
from tests.workflow.conftest import ROOT, SMOKE, Clone
from tests.workflow.test_smoke import jobs

PEOPLE = 16
#: The smoke study's sizes, beside the study's own file.
TINY = {
    key: value for key, value in yaml.safe_load((ROOT / SMOKE).read_text()).items() if key not in ("cohort", "simulate")
}
#: What each release must say of itself, and what neither may.
TOLD = {
    "oai": ("Osteoarthritis Initiative", "taken at baseline", "nda.nih.gov/oai", "may not be passed on"),
    "most": (
        "Multicenter Osteoarthritis Study",
        "at 10 degrees",
        "agingresearchbiobank",
        "may not be passed on",
        "Of these exams all showed both knees",
    ),
}
NEVER = (
    r"\bnan\b",
    r"\{\{",
    r"\?\?",
    "cut out and processed by others",
    "Before consensus the readers",
    "of not estimable",
)


def words(page: str) -> str:
    """What a page says."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """One for all: what knows nothing of the archive is worked out once, and one form takes another's place."""
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(
    scope="module",
    params=[("oai", "ascii"), ("oai", "nda"), ("oai", "sas"), ("most", "ascii"), ("most", "sas")],
    ids="-".join,
)
def study(request, clone, tmp_path_factory):
    """The study of a release: its name, and an overlay with its folder."""
    name, form = request.param
    if form == "sas" and not releases.haven():
        pytest.skip("needs Debian's r-cran-haven, which writes SAS' files")
    folder = getattr(releases, name)(tmp_path_factory.mktemp(name) / "release", PEOPLE, form)
    overlay = clone.folder / f"{name}-{form}.yaml"
    overlay.write_text(yaml.safe_dump(TINY | {"archive": {"source": name, name: {"folder": str(folder)}}}))
    return name, overlay.name


@pytest.mark.parametrize("grading", ["kl", "oarsi"])
def test_a_release_goes_to_the_manuscript_for_both_gradings(study, grading, clone):
    name, overlay = study
    done = clone.snakemake("--config", f"grading={grading}", study=f"workflow/studies/{name}.yaml", more=(overlay,))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    results = clone.folder / "results" / name / grading
    said = words((results / "manuscript/index.html").read_text())
    for sentence in (*TOLD[name], "Knee replacements were taken from the outcomes"):
        assert sentence in said
    features = "Osteophytes, attrition and sclerosis were read only in people"
    assert (features in said) == ((name, grading) == ("oai", "oarsi"))
    for broken in NEVER:
        assert not re.search(broken, said), broken
    exams = pd.read_parquet(results.parent / "selection/exams.parquet")
    assert f"The archive held {exam_of(exams['exam']).nunique()} exams" in said


def test_a_table_more_has_the_archive_made_again(study, clone):
    name, overlay = study
    archive = f"results/{name}/archive/readings.csv"

    def planned() -> dict[str, int]:
        return jobs(clone.snakemake(archive, "-n", study=f"workflow/studies/{name}.yaml", more=(overlay,)))

    assert planned() == {}
    folder = yaml.safe_load((clone.folder / overlay).read_text())["archive"][name]["folder"]
    (Path(folder) / "more.csv").write_text("a table more\n")
    assert planned() == {"make_archive": 1}
