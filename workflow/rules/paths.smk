# Where the files stand that one stage's rules make and another's read.
#
# A study starts at its archive, or at the predictions: then the files of the functions below are given, as a bundle for
# reviewers brings them, and the rules that would make them don't exist, so that nothing can delete or remake them.

from analysis.network.source import source_files

FROM_ARCHIVE = study.start == "archive"
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
        [str(path) for path in source_files(study.network.backbone)]
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


def given_weights(wildcards):
    """The weights, or their shapes alone in a bundle, which has no room for them."""
    return expand(
        f"{NETWORK}/seed-{{seed}}/{{name}}",
        seed=SEEDS,
        name="weights.safetensors" if FROM_ARCHIVE else "structure.json",
        grading=wildcards.grading,
    )


def given_to_report(wildcards):
    """What was made before the statistics and is told of, too."""
    return [
        *(f"{SELECTION}/{name}" for name in ("exams.parquet", "flow.csv")),
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
            ),
            grading=wildcards.grading,
        ),
        *given_weights(wildcards),
        *expand(
            f"{NETWORK}/seed-{{seed}}/curve.csv",
            seed=SEEDS,
            grading=wildcards.grading,
        ),
        *expand(ATTRIBUTION, grading=wildcards.grading),
    ]
