# Where the files stand that one stage's rules make and another's read.
#
# A study starts at its archive, or at the predictions: then the files of the functions below are given, as a bundle for
# reviewers brings them, and the rules that would make them don't exist, so that nothing can delete or remake them.

import shutil

from analysis.network.source import source_files

FROM_ARCHIVE = study.start == "archive"
# A network that was trained elsewhere is judged on this archive: nothing is trained.
TRAINED = study.network.trained
ARCHIVE = f"{COHORT}/archive" if study.source.make else study.archive.folder
INDEX = f"{COHORT}/index"
PRIVATE = f"{COHORT}/private"
IMAGES = f"{COHORT}/images"
PREPARED = [
    f"{IMAGES}/{name}"
    for shard in SHARDS
    for name in (
        f"pixels-{shard}.npy",
        f"rows-{shard}.parquet",
        f"unreadable-{shard}.csv",
    )
]
SELECTION = f"{COHORT}/selection"
REFERENCE = f"{COHORT}/{{grading}}/reference"
NETWORK = f"{COHORT}/{{grading}}/network"
PREDICTIONS = f"{COHORT}/{{grading}}/predictions"
ATTRIBUTION = f"{COHORT}/{{grading}}/attribution"

try:
    # The code of a network that isn't this package's own.
    BACKBONE = (
        source(str(path) for path in source_files(study.network.backbone))
        if FROM_ARCHIVE
        else []
    )
except StudyError as error:
    raise WorkflowError(str(error))


def given_to_statistics(wildcards):
    """The predictions, where the statistics start."""
    return expand(
        f"{PREDICTIONS}/{{name}}.parquet",
        name=("exams", "images", "seeds"),
        grading=wildcards.grading,
    )


def holds(wildcards):
    """What a handed-over archive holds: a change of its files, however deep, has them read again."""
    return "made here" if study.source.make else inventory(ARCHIVE).digest


def released(wildcards):
    """What the folder holds that the source makes its archive of: a film or a table more has it made again."""
    folder = getattr(study.made_by, "folder", None)
    return inventory(folder, release=True).digest if folder else "none"


def development():
    """What the study that trained the network elsewhere estimated of it."""
    names = (
        "network.yaml",
        "thresholds.csv",
        "temperatures.csv",
        "performance.csv",
        "characteristics.csv",
    )
    return [f"{NETWORK}/development/{name}" for name in names] if TRAINED else []


# A study that trains has no use for a network that was trained elsewhere, whose weights would pass for its own.
LEFT = f"{STUDY}/network"
if FROM_ARCHIVE and not TRAINED and os.path.exists(f"{LEFT}/development"):
    ALTERED += map(str, Path(LEFT).glob("seed-*/weights.safetensors"))


def forget_development():
    """Remove the network that was trained elsewhere: the study would be told as that one's."""
    if os.path.exists(f"{LEFT}/development"):
        shutil.rmtree(LEFT)


def given_weights(wildcards):
    """The weights, or their shapes alone in a bundle, which has no room for them."""
    return expand(
        f"{NETWORK}/seed-{{seed}}/{{name}}",
        seed=SEEDS,
        name="weights.safetensors" if FROM_ARCHIVE else "structure.json",
        grading=wildcards.grading,
    )


def given_to_manuscript(wildcards):
    """What was made before the statistics and is reported as well."""
    return [
        *(
            f"{SELECTION}/{name}"
            for name in ("exams.parquet", "flow.csv", "images.csv")
        ),
        *(
            f"{INDEX}/{name}"
            for name in ("images.parquet", "readings.parquet", "counts.csv")
        ),
        *expand(
            f"{REFERENCE}/{{name}}",
            name=(
                "reference.parquet",
                "conflicts.csv",
                "agreement.csv",
                "readers.parquet",
                "ungraded.csv",
                "characteristics.csv",
            ),
            grading=wildcards.grading,
        ),
        *expand(
            f"{PREDICTIONS}/{{name}}",
            name=("seeds.parquet", "temperatures.csv"),
            grading=wildcards.grading,
        ),
        *given_weights(wildcards),
        *expand(
            f"{NETWORK}/seed-{{seed}}/curve.csv",
            seed=SEEDS,
            grading=wildcards.grading,
        ),
        *expand(development(), grading=wildcards.grading),
        *expand(ATTRIBUTION, grading=wildcards.grading),
    ]


def folder_of(name):
    """The folder that an input, or the first of a list, lies in: for commands that take a folder."""

    def folder(wildcards, input):
        found = input.get(name)
        return os.path.dirname(found if isinstance(found, str) else found[0])

    return folder


def results_of(wildcards):
    """Every result that the tables, figures and values may tell of."""
    return [
        *filled(rules.evaluate.output, grading=wildcards.grading),
        *given_to_manuscript(wildcards),
        *(PREPARED if FROM_ARCHIVE else []),
        *rules.coverage.output,
        *rules.false_positives.output,
        *rules.sample_size.output,
        *rules.audit.output,
        *made_beside(wildcards),
    ]


# Results of targets of their own, by the option that names their folder: shown where they were made.
BESIDE = {
    "--active-learning": ("active_learning/curve", ("curve.csv", "stops.csv")),
    "--learning-curve": ("learning_curve/curve", ("curve.csv",)),
}


def made_beside(wildcards, option=None):
    """Results of targets of their own where they have been run: the manuscript shows them, but never asks for them.

    Beside a network that was trained elsewhere they'd be those of one that this study trained before.
    """
    if FROM_ARCHIVE and TRAINED:
        return []
    paths = [
        f"{COHORT}/{wildcards.grading}/{folder}/{name}"
        for one, (folder, names) in BESIDE.items()
        if option in (None, one)
        for name in names
    ]
    return [path for path in paths if os.path.exists(path)]


def where(wildcards, input, output):
    """The options that say where the results are."""
    more = [
        f"{option} {os.path.dirname(path)}"
        for option in BESIDE
        for path in made_beside(wildcards, option)[:1]
    ]
    options = [
        f"{option} {beside(path)(wildcards, output)}" for option, path in WHERE.items()
    ]
    return [f"--grading {input.grading} --settings {input.settings}", *options, *more]


def bundled_code():
    """The files of code in a bundle."""
    from analysis.provenance.provenance import code_files

    return [str(path) for path in code_files()]
