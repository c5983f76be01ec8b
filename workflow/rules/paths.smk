# Where the files stand that one stage's rules make and another's read.
#
# A study starts at its archive, or at the predictions: then what follows `FROM_ARCHIVE` below is given, as a bundle for
# reviewers brings it, and the rules that would make it don't exist, so that nothing can delete or remake it.

FROM_ARCHIVE = study.start == "archive"
SOURCE = study.archive.source
ARCHIVE = study.archive.folder if SOURCE == "folder" else f"{COHORT}/archive"
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
