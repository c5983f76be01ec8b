"""The folder that a trained network leaves its study in: weights, what they need to be used, and a model card."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import StudyError
from analysis.files import LISTED, digest_of, read_bytes, read_table, seal, write_table, write_text
from analysis.grading.scheme import Scheme, load_scheme
from analysis.imaging.store import ImageStore
from analysis.network.checkpoints import read_weights
from analysis.network.trained.folder import (
    CHARACTERISTICS,
    CONFIG,
    PERFORMANCE,
    SECTIONS,
    SUMS,
    TEMPERATURES,
    THRESHOLDS,
    TRUST,
    WEIGHTS,
    network_name,
)
from analysis.network.trained.trust import Looks, Trust
from analysis.provenance.provenance import code_state
from analysis.release.readme import readme
from analysis.release.trust import learn, measure
from analysis.schemas import IMAGES, PREDICTIONS, REFERENCE
from analysis.schemas.network import CARRIED, TRUSTED
from analysis.schemas.statistics import PERFORMANCE as ESTIMATED
from analysis.schemas.statistics import ROC
from analysis.schemas.statistics import THRESHOLDS as MEASURES
from analysis.yaml_files import dump_yaml


def write_card(
    *,
    statistics: Path,
    tables: Path,
    config: Mapping[str, Any],
    values: Mapping[str, Any],
    citation: Path,
    grading: Path,
    out: Path,
    **study: Any,
) -> None:
    """Write the folder of a trained network, with its model card.

    Parameters
    ----------
    statistics, tables : Path
        Folders of the estimates, and of the tables as markdown.
    config : mapping
        The whole configuration as resolved.
    values : mapping
        values.yml.
    citation : Path
        CITATION.cff.
    grading : Path
        The scheme.
    out : Path
        The folder; what it holds is listed with hashes in SHA256SUMS.
    **study
        See `pack`.
    """
    roc = read_table(statistics / "roc.csv", ROC)
    roc = roc[roc["set"] == "test"].drop(columns="set")
    measures = read_table(statistics / "thresholds.csv", MEASURES)
    about = pack(grading=grading, roc=roc, thresholds=measures, config=config, out=out, **study)
    scheme, digests = load_scheme(grading), _digests(out)
    made = {
        "name": network_name(scheme.name, digests),
        "code": code_state()["sha256"],
        "data": about["data"],
        "weights": {name: digest for name, digest in digests.items() if name.startswith(WEIGHTS)},
    }
    parts = {name: (tables / f"{name}.md").read_text() for name in SHOWN if (tables / f"{name}.md").is_file()}
    text = readme(
        scheme=scheme,
        values=values,
        config=config,
        roc=roc,
        thresholds=read_table(out / THRESHOLDS, CARRIED),
        marked=read_table(out / "trust.csv", TRUSTED),
        trust=Trust.load(out / TRUST),
        parts=parts,
        made=made,
        citation=citation,
    )
    write_text(out / "README.md", text)
    write_sums(out)
    seal(out)


def pack(
    *,
    images: Path,
    index: Path,
    reference: Path,
    characteristics: Path,
    predictions: Path,
    grading: Path,
    network: Path,
    weights: list[Path],
    roc: pd.DataFrame,
    thresholds: pd.DataFrame,
    config: Mapping[str, Any],
    out: Path,
) -> Mapping[str, Any]:
    """Put together all that a network needs to be used, but for its page and the list of its files.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    index : Path
        images.parquet of ingest, for the size of the files.
    reference, predictions : Path
        reference.parquet, and exams.parquet of the predictions, which temperatures.csv lies beside.
    characteristics : Path
        characteristics.csv: what its exams are like, for whoever judges it on others.
    grading : Path
        The scheme.
    network : Path
        Folder with seed-S/curve.csv.
    weights : list of Path
        One file a member.
    roc, thresholds : pandas.DataFrame
        roc.csv of the test set, and thresholds.csv.
    config : mapping
        The whole configuration as resolved.
    out : Path

    Returns
    -------
    mapping
        What the first member's weights say of themselves.

    Raises
    ------
    StudyError
        If two members have the same seed.
    """
    scheme = load_scheme(grading)
    scheme.refuse_other(roc["outcome"], "roc.csv")
    about: dict[int, Mapping[str, Any]] = {}
    for path in weights:
        told = read_weights(path)[1]
        seed = int(told["seed"])
        if seed in about:
            raise StudyError(f"The weights {path} are of seed {seed}, as are others; name each member once.")
        about[seed] = told
        _copy(path, out / WEIGHTS / f"seed-{seed}.safetensors")
        _copy(network / f"seed-{seed}" / "curve.csv", out / "curves" / f"seed-{seed}.csv")
    _copy(grading, out / f"{scheme.name}.yaml")
    _copy(predictions.with_name(TEMPERATURES), out / TEMPERATURES)
    _copy(characteristics, out / CHARACTERISTICS)
    write_text(out / CONFIG, dump_yaml(carried_config(config)))
    write_table(roc, out / PERFORMANCE, ESTIMATED)
    write_table(carried_thresholds(thresholds, scheme), out / THRESHOLDS, CARRIED)
    level = float(config["statistics"]["level"])
    trust, marked = _trust(images, index, reference, predictions, scheme, level)
    trust.save(out / TRUST)
    write_table(marked, out / "trust.csv", TRUSTED)
    return next(iter(about.values()))


def write_sums(folder: Path) -> None:
    """List every file of a network's folder with its hash."""
    write_text(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(_digests(folder).items())))


#: Images that are looked at together.
BLOCK = 256
#: Tables of the report that the card shows.
SHOWN = ("distribution", "images", "subgroups", "calibration", "summary", "network")


def carried_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the configuration goes with a network: how images are read, its form; no path of any machine."""
    cohort = {name: value for name, value in config["cohort"].items() if value is not None}
    network = config["network"] | {"weights": Path(start).name if (start := config["network"]["weights"]) else None}
    return {
        "cohort": cohort,
        "grading": config["grading"],
        "seed": config["seed"],
        **{name: config[name] for name in SECTIONS},
        "network": network,
    }


def carried_thresholds(measures: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Return the threshold of each outcome, chosen on the validation set or, without one there, on the test set."""
    rows = []
    for outcome in scheme.outcomes:
        own = measures[measures["outcome"] == outcome.id].set_index("chosen_on")
        on = "validation" if own["threshold"].notna().get("validation", False) else "test"
        found = own.to_dict("index").get(on, {})
        ends = [f"{name}{end}" for name in ("sensitivity", "specificity") for end in ("", "_low", "_high")]
        row = {"outcome": outcome.id, "title": outcome.title, "threshold": found.get("threshold"), "chosen_on": on}
        names = ("chosen_cases", "chosen_controls", *ends, "level")
        rows.append(row | {name: found.get(name) for name in names})
    return pd.DataFrame(rows)


def _trust(
    images: Path, index: Path, reference: Path, predictions: Path, scheme: Scheme, level: float
) -> tuple[Trust, pd.DataFrame]:
    """Learn what the network should not be trusted on, and measure how well that is told."""
    store = ImageStore(images)
    graded = read_table(reference, REFERENCE).set_index("exam")
    files = read_table(index, IMAGES).set_index("image")
    rows = store.rows.assign(
        set=store.rows["exam"].map(graded["set"]),
        patient=store.rows["exam"].map(graded["patient"]),
        longer=files[["rows", "columns"]].max(axis=1).reindex(store.rows["image"]).to_numpy(),
    )
    place = {name: np.flatnonzero(rows["set"] == name) for name in ("training", "validation", "test")}
    views = set(rows["view"].iloc[place["training"]].dropna())
    predicted = read_table(predictions, PREDICTIONS).set_index("exam")
    chosen = pd.DataFrame(
        {
            item: predicted[[f"{item}_{grade}" for grade in found.levels]].max(axis=1)
            for item, found in scheme.items.items()
        },
        index=predicted.index,
    )
    # However large the archive is: some images at a time, and of the test set alone all.
    looks = {
        name: Looks.of(store[place[name][i : i + BLOCK]] for i in range(0, len(place[name]), BLOCK))
        for name in ("training", "validation")
    }
    sure = chosen[predicted["set"] == "validation"]
    trust = learn(looks, rows["longer"].to_numpy()[place["training"]], views, sure)
    tested = rows.iloc[place["test"]].reset_index(drop=True)
    return trust, measure(trust, store[place["test"]], tested, chosen[predicted["set"] == "test"], level)


def _copy(source: Path, target: Path) -> None:
    """Copy a file's content, with the permissions of a new file."""
    read_bytes(source)  # for the step's log
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _digests(folder: Path) -> dict[str, str]:
    files: Iterable[Path] = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_of(path) for path in files if path.name not in (SUMS, LISTED)}
