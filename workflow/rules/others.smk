# Where other networks stand that are compared with the study's own, and what each asks for.

from analysis.network.trained.folder import SUMS, network_name, read_sums, tell_apart
from analysis.study.carried import ask

# Other networks, by the names that the configuration gives them.
OTHERS = list(study.compare_networks)
NETWORKS = f"{COHORT}/{{grading}}/networks"
OTHER = f"{NETWORKS}/{{network}}"


# What the tables call the study's own network.
OWN = "this study"


def given_to_comparison(wildcards):
    """What other networks are compared by; a bundle brings it, but for weights."""
    names = ("network", "predictions/exams.parquet")
    return expand(
        f"{OTHER}/{{name}}", network=OTHERS, name=names, grading=wildcards.grading
    )


def comparison_of(wildcards):
    """The comparison of networks where it has been made: a bundle takes it along, but never asks for it."""
    made = expand(f"{NETWORKS}/values.yml", grading=wildcards.grading) if OTHERS else []
    made += (
        expand(f"{MANUSCRIPT}-networks", grading=wildcards.grading) if OTHERS else []
    )
    return made if all(map(os.path.exists, made)) else []


def compared(wildcards):
    """What other networks were compared by, where they have been."""
    return given_to_comparison(wildcards) if comparison_of(wildcards) else []


refuse(
    "compare_networks",
    not OTHERS,
    "compare_networks sets other networks beside this study's; name them in the configuration, as compare_networks: {other: "
    "FOLDER}, where FOLDER is the card of another training.",
)
refuse(
    "compare_networks",
    not FROM_ARCHIVE
    and not all(
        os.path.exists(path.format(grading=study.grading, network=name))
        for path in (f"{OTHER}/network", f"{OTHER}/predictions")
        for name in OTHERS
    ),
    "compare_networks needs the scores of every network, and this bundle was made before they were compared.",
)


try:
    BROUGHT = {
        name: ask(
            name,
            Path(folder),
            study.grading,
            study.ingest,
            study.images,
            study.network,
        )
        for name, folder in (study.compare_networks if FROM_ARCHIVE else {}).items()
    }
    folders = {name: one.folder for name, one in BROUGHT.items()}
    if BROUGHT and TRAINED:
        folders = {OWN: Path(TRAINED), **folders}
    tell_apart(
        (name, network_name(study.grading, read_sums(folder)))
        for name, folder in folders.items()
    )
except StudyError as error:
    # A study by another grading, say, has all its other results.
    refuse("compare_networks", True, str(error))
    NOTES.append(f"The networks can't be compared in this run: {error}")
    BROUGHT = {}
    OTHERS.clear()


wildcard_constraints:
    network="|".join(map(re.escape, OTHERS)) or "none",


if FROM_ARCHIVE:
    FORMS = {
        name: settings("network", asked.network, ["seeds"])
        for name, asked in BROUGHT.items()
    }
    SCORED = {
        name: settings("prediction", asked.prediction)
        for name, asked in BROUGHT.items()
    }
    SHOWN = {
        name: settings("images", asked.images or study.images)
        for name, asked in BROUGHT.items()
    }
    IMAGES_OF = f"{COHORT}/images-of-{{network}}"

    def prepared_for(wildcards):
        """The images that a network sees: the study's own where they are prepared as it asks for."""
        if BROUGHT[wildcards.network].images is None:
            return PREPARED
        return [
            f"{IMAGES_OF}/{os.path.basename(path)}".replace(
                "{network}", wildcards.network
            )
            for path in PREPARED
        ]

    def backbone_of(wildcards):
        return source(
            str(path)
            for path in source_files(BROUGHT[wildcards.network].network.backbone)
        )
