"""A release with people enough for a study: from its films and tables to the reference standard, for both gradings."""

from pathlib import Path

import numpy as np
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.names import exam_of
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.sources import find_sources
from analysis.cohort.selection import select
from analysis.grading.agreement import tabulate_agreement
from analysis.grading.reference import make_reference
from analysis.grading.scheme import load_scheme
from analysis.imaging.prepare import prepare
from analysis.imaging.store import ImageStore
from analysis.study.configuration import load_study, read_configuration
from tests.archive.sources import releases

PEOPLE = 28
SETS = "{validation: {exams: 8}, test: {exams: 16}}"


@pytest.mark.parametrize("name", ["oai", "most"])
def test_a_release_becomes_knees_with_a_reference_standard(name, tmp_path):
    """As the study's own file says, but for the sizes of the sets."""
    getattr(releases, name)(tmp_path / "release", PEOPLE)
    study = load_study(
        read_configuration(
            ["config.yaml", f"workflow/studies/{name}.yaml"],
            [
                f"archive={{source: {name}, {name}: {{folder: '{tmp_path / 'release'}'}}}}",
                f"selection={{sets: {SETS}}}",
                "images={size: 32, shards: 1}",
            ],
        ),
        name,
    )
    archive = tmp_path / "archive"
    source = find_sources()[name]
    source.make(study.made_by, study.seed, archive, 1)
    index = ingest(archive, study.ingest, Pseudonyms(key_from_seed(1)))
    assert index.files["code"].isna().all()
    singles = sum(person.number % 15 == 4 for person in releases.people(PEOPLE, 1)) if name == "oai" else 0
    assert len(index.images) == 2 * PEOPLE - singles  # every film was cut, or is of one knee
    assert index.images["age"].between(45, 80).all() and index.images["sex"].notna().all()
    prepared = prepare(archive, index.images, index.files, study.images, tmp_path / "images", shard=0, shards=1)
    assert prepared == (len(index.images), 0)
    exams, _ = select(
        archive, index.images, index.readings, index.files, ImageStore(tmp_path / "images").rows,
        settings=study.selection, policy=study.reference, rng=np.random.default_rng(study.seed),
    )  # fmt: skip
    used = exams[exams["set"] != "excluded"]
    assert used.groupby("patient")["set"].nunique().max() == 1
    # Nobody's other knee is left over, but for one where a number is odd.
    left = exams[exams["reason"] == "surplus"]
    assert exam_of(left["exam"]).isin(exam_of(used["exam"])).sum() <= 2
    assert used["set"].value_counts()[["test", "validation"]].tolist() == [16, 8]
    for grading in ("kl", "oarsi"):
        scheme = load_scheme(Path(f"workflow/gradings/{grading}.yaml"))
        standard = make_reference(exams, index.readings, scheme, study.reference)
        found = standard.reference.set_index("exam")
        # One agreed grade, and never two readings that agree.
        assert standard.conflicts.empty
        agreement = tabulate_agreement(standard.readers, standard.reference, scheme, study.reference)
        assert agreement["reason"].str.startswith("one reading an exam").all()
        if grading == "kl":
            assert found["kl"].notna().mean() > 0.9
            replaced = found["tka"] == 1
            assert replaced.any() and found.loc[replaced, "kl"].isna().all()
        elif name == "oai":  # features are read where there is disease, narrowing in every knee
            assert found["ost_medial_tibia"].isna().mean() > 0.2 > found["jsn_medial"].isna().mean()
