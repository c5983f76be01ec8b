# Active learning: each round trains on what has been labelled so far and asks for what is read next.
#
# needs  images/, selection/, <grading>/reference/; where readers give the labels, the export of each round's queue
#        at private/active_learning/<grading>/<strategy>/seed-S/round-R/readings.csv
# makes  <grading>/active_learning/<strategy>/seed-S/round-R/  queue, reference standard, network, predictions
#        <grading>/active_learning/curve/                      strategies side by side: estimates, table, figure
#
#   snakemake active_learning --cores all
#
# No part of `all`. A round depends on those before it and on nothing after it: a further one trains itself alone.

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
    without=["seeds"],
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
    resources:
        **NEEDED,
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
        grading=SCHEME,
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
    resources:
        **NEEDED,
        gpu=GPU_ELSE,
    params:
        images=folder_of("prepared"),
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
        grading=SCHEME,
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
    resources:
        **NEEDED,
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
        grading=SCHEME,
        tasks=[],
        references=[],
        settings=ROUND_NETWORK,
        backbone=BACKBONE,
        code=code("analysis.network.training.train"),
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
        grading=SCHEME,
        weights=[rules.train_round.output.weights],
        temperatures=[],
        settings=ROUND_NETWORK,
        prediction=settings("prediction"),
        backbone=BACKBONE,
        code=code("analysis.network.prediction"),
    output:
        exams=f"{ROUND}/predictions/exams.parquet",
        images=f"{ROUND}/predictions/images.parquet",
        seeds=f"{ROUND}/predictions/seeds.parquet",
        temperatures=f"{ROUND}/predictions/temperatures.csv",
    log:
        f"{COHORT}/{{grading}}/logs/predict-{{strategy}}-{{seed}}-{{round}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/predict-{{strategy}}-{{seed}}-{{round}}.tsv"
    threads: ROUND_THREADS
    message:
        "Predict validation and test set ({wildcards.grading}, {wildcards.strategy}, seed {wildcards.seed}, round {wildcards.round})"


rule compare_strategies:
    input:
        every_round,
        grading=SCHEME,
        settings=settings("active_learning"),
        manuscript=settings("manuscript"),
        code=code(
            "analysis.active_learning.curve", "analysis.presentation.active_learning"
        ),
    output:
        directory(f"{ACTIVE_LEARNING}/curve"),
    log:
        f"{COHORT}/{{grading}}/logs/compare-strategies.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/compare-strategies.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        rounds=beside(ACTIVE_LEARNING),
        last=lambda wildcards: last_round(),
        level=study.statistics.level,
        runs=[f"--strategy {name}" for name in RUNS["strategy"]]
        + [f"--seed {seed}" for seed in RUNS["seed"]],
    message:
        "Set the strategies of active learning side by side ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} compare-strategies --rounds {params.rounds} --last {params.last} {params.runs}"
        " --grading {input.grading} --settings {input.settings} --manuscript-settings {input.manuscript} --level {params.level}"
        " --out {output}"


rule active_learning:
    input:
        acquired,
