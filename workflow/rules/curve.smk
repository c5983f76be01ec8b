# Where the files of the learning curve stand, and what each of its networks is trained by.

LEARNING_CURVE = f"{COHORT}/{{grading}}/learning_curve"
DRAWN = f"{LEARNING_CURVE}/seed-{{seed}}/exams-{{exams}}"
GROWN = f"{DRAWN}/{{start}}"
GROWING = study.learning_curve
LINES = dict(start=list(GROWING.starts), seed=GROWING.seeds, exams=GROWING.exams)
# Runs don't wait for each other, so they share the cores.
CURVE_THREADS = max(1, CORES // (len(GROWING.starts) * len(GROWING.seeds)))


def trained_on(start, exams):
    """The settings of the network that is trained on so many exams: the study's, on the grading alone.

    As in active learning few exams may lack a rare level.
    """
    training = study.network.training
    network = study.network.model_copy(
        update=dict(
            tasks=(),
            weights=GROWING.starts[start],
            training=training.model_copy(
                update=dict(
                    phases=GROWING.phases(training.phases, exams), empty_levels="skip"
                )
            ),
        )
    )
    return settings("learning-curve-network", network, without=["seeds"])


CURVE_NETWORKS = {
    (start, str(exams)): trained_on(start, exams)
    for start in GROWING.starts
    for exams in GROWING.exams
}


def curve_network(wildcards):
    """The settings of a network by its start and number of exams."""
    return CURVE_NETWORKS[wildcards.start, wildcards.exams]


wildcard_constraints:
    exams=r"all|\d+",
    start="|".join(GROWING.starts),
