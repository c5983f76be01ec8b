# Active learning: each round trains on what has been labelled so far and asks for what is read next.
#
# needs  images/, selection/, <grading>/reference/; where readers give the labels, the export of each round's queue
#        at private/active_learning/<grading>/<strategy>/seed-S/round-R/readings.csv
# makes  <grading>/active_learning/<strategy>/seed-S/round-R/  queue, reference standard, network, predictions
#        <grading>/active_learning/curve/                      learning curve: estimates, table, figure
#
#   snakemake active_learning --cores all
#
# No part of `all`. A round depends on those before it and on nothing after it: a further one trains itself alone.

from types import SimpleNamespace
from typing import get_args

from analysis.active_learning.settings import Strategy

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
# The study's network, on the grading alone: what further tasks know of an exam would be labels that nobody asked for.
# A start may lack a rare level.
ROUND_NETWORK = settings(
    "active-learning-network",
    study.network.model_copy(
        update=dict(
            tasks=(),
            training=study.network.training.model_copy(
                update=dict(empty_levels="skip")
            ),
        )
    ),
)


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


def is_empty(queue):
    """Whether a queue has been made and asks for nothing."""
    return os.path.exists(queue) and len(Path(queue).read_text().splitlines()) < 2


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
            if not is_empty(of_round("queue.csv", number, wildcards))
        ],
    )


def open_round():
    """The first round that can't be trained yet, with the queue that waits for readers.

    No queue where reading can stop; nothing at all where every round has been read.
    """
    here = SimpleNamespace(
        grading=study.grading, strategy=ASKED.strategy, seed=ASKED.seeds[0]
    )
    for number in range(ASKED.rounds + 1) if READERS else []:
        queue = of_round("queue.csv", number, here)
        if is_empty(queue):
            if number:
                return number, None, None
        elif not os.path.exists(readings_of(number, here)):
            return number, queue, readings_of(number, here)
    return None


def acquired(wildcards):
    """What the target asks for: the learning curve, or the queue that waits for readers."""
    waiting = open_round()
    if waiting and waiting[1]:
        return [waiting[1], settings("reading")]  # what the reading room needs
    return f"{STUDY}/active_learning/curve"


def show_queue():
    """Say what readers do next, where a queue waits for them."""
    waiting = open_round()
    if waiting and waiting[1] and os.path.exists(waiting[1]):
        number, queue, readings = waiting
        room = (
            f"--archive {ARCHIVE} --cohort {COHORT} --grading {study.grading}"
            f" --settings {settings('reading')} --queue {queue}"
        )
        print(
            f"\nRound {number} waits for readers: open the reading room with\n  python -m analysis read {room}\n"
            f"then export\n  python -m analysis read-export {room} --out {os.path.dirname(readings)}\nand run again.\n",
            file=sys.stderr,
        )


rule ask_start:
    input:
        reference=rules.reference.output.reference,
        exams=rules.select.output.exams,
        code=code("analysis.active_learning.rounds"),
    output:
        f"{ACTIVE_LEARNING}/start/seed-{{seed}}/round-0/queue.csv",
    log:
        f"{COHORT}/{{grading}}/logs/ask-start-{{seed}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/ask-start-{{seed}}.tsv"
    conda:
        "../../envs/statistics.yaml"
    params:
        labels=ASKED.labels,
        number=ASKED.start,
    message:
        "Draw the exams to start from ({wildcards.grading}, seed {wildcards.seed})"
    shell:
        "python -m analysis --log {log} ask-start --reference {input.reference} --exams {input.exams}"
        " --labels {params.labels} --number {params.number} --seed {wildcards.seed} --out {output}"


rule ask_round:
    input:
        prepared=PREPARED,
        asked=so_far("queue.csv"),
        reference=before("reference.parquet"),
        weights=before("network/weights.safetensors"),
        history=so_far("predictions/exams.parquet") if READERS else [],
        rule=settings("active_learning") if READERS else [],
        grading="workflow/gradings/{grading}.yaml",
        settings=ROUND_NETWORK,
        backbone=BACKBONE,
        code=code("analysis.active_learning.ranking"),
    output:
        f"{ROUND}/queue.csv",
    log:
        f"{COHORT}/{{grading}}/logs/ask-{{strategy}}-{{seed}}-{{round}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/ask-{{strategy}}-{{seed}}-{{round}}.tsv"
    wildcard_constraints:
        strategy="|".join(STRATEGIES),
        round=r"[1-9]\d*",
    conda:
        "../../envs/network.yaml"
    threads: ROUND_THREADS
    params:
        images=IMAGES,
        number=ASKED.batch,
        asked=lambda wildcards, input: [f"--asked {path}" for path in input.asked],
        stop=lambda wildcards, input: [
            *(f"--history {path}" for path in input.history),
            *(f"--rule {path}" for path in [input.rule] if path),
        ],
    message:
        "Choose what is read in round {wildcards.round} ({wildcards.grading}, {wildcards.strategy}, seed {wildcards.seed})"
    shell:
        "python -m analysis --log {log} ask --images {params.images} --reference {input.reference}"
        " --grading {input.grading} --weights {input.weights} --settings {input.settings} {params.asked} {params.stop}"
        " --strategy {wildcards.strategy} --number {params.number} --seed {wildcards.seed} --round {wildcards.round}"
        " --workers {threads} --out {output}"


rule label_round:
    input:
        unpack(from_readers),
        reference=rules.reference.output.reference,
        asked=so_far("queue.csv", 1),
        grading="workflow/gradings/{grading}.yaml",
        policy=settings("reference"),
        code=code(
            "analysis.active_learning.readings"
            if READERS
            else "analysis.active_learning.rounds"
        ),
    output:
        reference=f"{ROUND}/reference.parquet",
    log:
        f"{COHORT}/{{grading}}/logs/label-{{strategy}}-{{seed}}-{{round}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/label-{{strategy}}-{{seed}}-{{round}}.tsv"
    conda:
        "../../envs/images.yaml"
    params:
        asked=lambda wildcards, input: [f"--asked {path}" for path in input.asked],
        readers=lambda wildcards, input: (
            [
                f"--exams {input.exams} --readings {input.readings} --private {input.private}",
                *(f"--read {path}" for path in input.read),
            ]
            if READERS
            else []
        ),
    message:
        "Label what round {wildcards.round} asked for ({wildcards.grading}, {wildcards.strategy}, seed {wildcards.seed})"
    shell:
        "python -m analysis --log {log} label --reference {input.reference} {params.asked} {params.readers}"
        " --grading {input.grading} --policy {input.policy} --out {output.reference}"


use rule train as train_round with:
    input:
        prepared=PREPARED,
        reference=rules.label_round.output.reference,
        grading="workflow/gradings/{grading}.yaml",
        tasks=[],
        references=[],
        settings=ROUND_NETWORK,
        backbone=BACKBONE,
        code=code("analysis.network.training"),
    output:
        weights=f"{ROUND}/network/weights.safetensors",
        curve=f"{ROUND}/network/curve.csv",
    log:
        f"{COHORT}/{{grading}}/logs/train-{{strategy}}-{{seed}}-{{round}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/train-{{strategy}}-{{seed}}-{{round}}.tsv"
    threads: ROUND_THREADS
    message:
        "Train the network of round {wildcards.round} ({wildcards.grading}, {wildcards.strategy}, seed {wildcards.seed})"


use rule predict as predict_round with:
    input:
        prepared=PREPARED,
        reference=rules.label_round.output.reference,
        grading="workflow/gradings/{grading}.yaml",
        weights=[rules.train_round.output.weights],
        settings=ROUND_NETWORK,
        backbone=BACKBONE,
        code=code("analysis.network.prediction"),
    output:
        exams=f"{ROUND}/predictions/exams.parquet",
        images=f"{ROUND}/predictions/images.parquet",
        seeds=f"{ROUND}/predictions/seeds.parquet",
    log:
        f"{COHORT}/{{grading}}/logs/predict-{{strategy}}-{{seed}}-{{round}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/predict-{{strategy}}-{{seed}}-{{round}}.tsv"
    threads: ROUND_THREADS
    message:
        "Predict validation and test set ({wildcards.grading}, {wildcards.strategy}, seed {wildcards.seed}, round {wildcards.round})"


def every_round(wildcards):
    """Reference standard and predictions of each round that the learning curve shows."""
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
    return waiting[0] - 1 if waiting else ASKED.rounds


rule learning_curve:
    input:
        every_round,
        grading="workflow/gradings/{grading}.yaml",
        settings=settings("active_learning"),
        report=settings("report"),
        code=code("analysis.active_learning.curve", "analysis.report.active_learning"),
    output:
        directory(f"{ACTIVE_LEARNING}/curve"),
    log:
        f"{COHORT}/{{grading}}/logs/learning-curve.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/learning-curve.tsv"
    conda:
        "../../envs/manuscript.yaml"
    params:
        rounds=ACTIVE_LEARNING,
        last=lambda wildcards: last_round(),
        runs=[f"--strategy {name}" for name in RUNS["strategy"]]
        + [f"--seed {seed}" for seed in RUNS["seed"]],
    message:
        "Draw the learning curve of active learning ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} learning-curve --rounds {params.rounds} --last {params.last} {params.runs}"
        " --grading {input.grading} --settings {input.settings} --report {input.report} --out {output}"


rule active_learning:
    input:
        acquired,
