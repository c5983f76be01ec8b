# Where the files of active learning's rounds stand, and which round waits for its readers.

from types import SimpleNamespace
from typing import get_args

from analysis.active_learning.settings import Strategy
from analysis.active_learning.waiting import (
    asks_for_nothing,
    first_open,
    invitation,
)

ACTIVE_LEARNING = f"{COHORT}/{{grading}}/active_learning"
ROUND = f"{ACTIVE_LEARNING}/{{strategy}}/seed-{{seed}}/round-{{round}}"
ASKED = study.active_learning
READERS = ASKED.labels == "readers"
RUNS = dict(
    strategy=[ASKED.strategy] if READERS else ASKED.compare,
    seed=ASKED.seeds[:1] if READERS else ASKED.seeds,
)
STRATEGIES = get_args(Strategy)
# Runs don't wait for each other, so they share the cores.
ROUND_THREADS = max(1, CORES // (len(RUNS["strategy"]) * len(RUNS["seed"])))


def of_round(name, number, wildcards, top=f"{COHORT}/{{grading}}/active_learning"):
    """A file of a round; the first one is the same for all strategies."""
    strategy = "start" if number == 0 else wildcards.strategy
    folder = top.format(grading=wildcards.grading)
    return f"{folder}/{strategy}/seed-{wildcards.seed}/round-{number}/{name}"


def before(name):
    """The file `name` of the round before."""
    return lambda wildcards: of_round(name, int(wildcards.round) - 1, wildcards)


def so_far(name, more=0):
    """The file `name` of every round before, and with `more=1` of this one, too."""
    return lambda wildcards: [
        of_round(name, number, wildcards)
        for number in range(int(wildcards.round) + more)
    ]


def readings_of(number, wildcards):
    """The export of a round's readings: private, as it holds accession numbers."""
    return of_round(
        "readings.csv", number, wildcards, top=f"{PRIVATE}/active_learning/{{grading}}"
    )


def from_readers(wildcards):
    """What a round's labels are made of where readers give them."""
    if not READERS:
        return {}
    return dict(
        exams=rules.select.output.exams,
        readings=rules.ingest.output.readings,
        private=rules.ingest.output.private,
        read=[
            readings_of(number, wildcards)
            for number in range(int(wildcards.round) + 1)
            if not asks_for_nothing(of_round("queue.csv", number, wildcards))
        ],
    )


def open_round():
    """The first round that can't be trained yet, if labels come from readers and there is one."""
    here = SimpleNamespace(
        grading=study.grading, strategy=ASKED.strategy, seed=ASKED.seeds[0]
    )
    return first_open(
        (of_round("queue.csv", number, here), readings_of(number, here))
        for number in (range(ASKED.rounds + 1) if READERS else [])
    )


def acquired(wildcards):
    """What the target asks for: the strategies side by side, or the queue that waits for readers."""
    waiting = open_round()
    if waiting and waiting.queue:
        return [waiting.queue, CONFIG]  # what the reading room needs
    return f"{STUDY}/active_learning/curve"


def show_queue():
    """Say what readers do next, where a queue waits for them."""
    waiting = open_round()
    if waiting and waiting.queue and os.path.exists(waiting.queue):
        said = invitation(waiting, ARCHIVE, COHORT, study.grading, CONFIG)
        print(said, file=sys.stderr)


def every_round(wildcards):
    """Reference standard and predictions of each round that is shown."""
    return [
        of_round(
            name, number, SimpleNamespace(strategy=strategy, seed=seed, **wildcards)
        )
        for strategy in RUNS["strategy"]
        for seed in RUNS["seed"]
        for number in range(last_round() + 1)
        for name in ("reference.parquet", "predictions/exams.parquet")
    ]


def last_round():
    """The last round there is: that of the settings, or the one after which reading stopped."""
    waiting = open_round()
    return waiting.number - 1 if waiting else ASKED.rounds
