# From images and reference standard to scores: the network, one job for each seed of the ensemble.
#
# needs  images/, <grading>/reference/, and the reference standard of every further task
# makes  <grading>/network/seed-*/  weights, learning curve
#        <grading>/network/development/  of a network that was trained elsewhere: what its own study estimated
#        <grading>/predictions/     scores by exam, by image and by seed
#        <grading>/attribution/     what the network looked at

TASKS = [] if TRAINED else study.network.tasks
# A further seed is a further job: those that are trained stay.
NETWORK_SETTINGS = settings("network", without=["seeds"])


if TRAINED:
    from analysis.network.trained.folder import SUMS, read_sums

    own = sorted(Path(STUDY).glob("network/seed-*/weights.safetensors"))
    if own and not os.path.exists(f"{STUDY}/network/development"):
        raise WorkflowError(
            f"{own[0]} was trained by this cohort's own study, and network.trained would be written over it; give the "
            "external validation a cohort.name of its own."
        )

    rule carry:
        input:
            [f"{TRAINED}/{name}" for name in (SUMS, *read_sums(Path(TRAINED)))],
            code=code("analysis.network.trained.carry"),
        output:
            weights=[f"{NETWORK}/seed-{seed}/weights.safetensors" for seed in SEEDS],
            curve=[f"{NETWORK}/seed-{seed}/curve.csv" for seed in SEEDS],
            development=development(),
        log:
            f"{COHORT}/{{grading}}/logs/carry.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/carry.tsv"
        wildcard_constraints:
            grading=study.grading,
        conda:
            "../../envs/network.yaml"
        resources:
            **NEEDED,
        params:
            folder=TRAINED,
            out=beside(NETWORK),
        message:
            f"Take over the network in {TRAINED}"
        shell:
            "python -m analysis --log {log} carry {params.folder:q} --out {params.out}"

else:

    rule train:
        input:
            prepared=PREPARED,
            reference=rules.reference.output.reference,
            grading=SCHEME,
            tasks=source(expand("workflow/gradings/{task}.yaml", task=TASKS)),
            references=filled(rules.reference.output.reference, grading=TASKS),
            start=study.network.weights or [],
            settings=NETWORK_SETTINGS,
            backbone=BACKBONE,
            code=code("analysis.network.training.train"),
        output:
            weights=f"{NETWORK}/seed-{{seed}}/weights.safetensors",
            curve=f"{NETWORK}/seed-{{seed}}/curve.csv",
        log:
            f"{COHORT}/{{grading}}/logs/train-{{seed}}.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/train-{{seed}}.tsv"
        priority: 1
        conda:
            "../../envs/network.yaml"
        threads: lambda wildcards: share(PLACES[int(wildcards.seed)], len(SEEDS), CORES)
        resources:
            **NEEDED,
            gpu=GPUS,
        params:
            images=folder_of("prepared"),
            workers=lambda wildcards, threads: max(1, threads),  # one that shares others' cores computes, too
            tasks=lambda wildcards, input: [
                f"--task {scheme}:{reference}"
                for scheme, reference in zip(input.tasks, input.references)
            ],
        message:
            "Train the network ({wildcards.grading}, seed {wildcards.seed})"
        shell:
            # One process a GPU where there are several; each takes its part of every batch. After -- comes ours: torchrun would
            # take --log for an option of its own.
            "if [ {resources.gpu} -gt 1 ]; then run='torchrun --standalone --nproc-per-node {resources.gpu} -m --';"
            " else run='python -m'; fi;"
            " $run analysis --log {log} train --images {params.images} --reference {input.reference}"
            " --grading {input.grading} {params.tasks} --settings {input.settings} --seed {wildcards.seed}"
            " --workers {params.workers} --out $(dirname {output.weights})"


# The files of the weights, by seed, whoever trained them.
WEIGHTS = expand(
    f"{NETWORK}/seed-{{seed}}/weights.safetensors", seed=SEEDS, allow_missing=True
)


rule predict:
    input:
        prepared=PREPARED,
        reference=rules.reference.output.reference,
        grading=SCHEME,
        weights=WEIGHTS,
        temperatures=[path for path in development() if "temperatures" in path],
        settings=NETWORK_SETTINGS,
        prediction=settings("prediction"),
        backbone=BACKBONE,
        code=code("analysis.network.prediction"),
    output:
        exams=f"{PREDICTIONS}/exams.parquet",
        images=f"{PREDICTIONS}/images.parquet",
        seeds=f"{PREDICTIONS}/seeds.parquet",
        temperatures=f"{PREDICTIONS}/temperatures.csv",
    log:
        f"{COHORT}/{{grading}}/logs/predict.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/predict.tsv"
    priority: 1
    conda:
        "../../envs/network.yaml"
    threads: CORES
    resources:
        **NEEDED,
        gpu=GPU_ELSE,
    params:
        images=folder_of("prepared"),
        weights=lambda wildcards, input: [f"--weights {path}" for path in input.weights],
        temperatures=lambda wildcards, input: [
            f"--temperatures {path}" for path in input.temperatures
        ],
    message:
        "Predict the exams of validation and test set ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} predict --images {params.images} --reference {input.reference}"
        " --grading {input.grading} {params.weights} --settings {input.settings} --prediction {input.prediction}"
        " {params.temperatures} --workers {threads} --out $(dirname {output.exams})"


rule attribute:
    input:
        whole=whole(ATTRIBUTION),
        prepared=PREPARED,
        reference=rules.reference.output.reference,
        predictions=rules.predict.output.exams,
        grading=SCHEME,
        weights=WEIGHTS[:1],
        settings=settings("attribution"),
        network=NETWORK_SETTINGS,
        backbone=BACKBONE,
        code=code("analysis.network.decisions.attribution"),
    output:
        folder=directory(ATTRIBUTION),
    log:
        f"{COHORT}/{{grading}}/logs/attribute.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/attribute.tsv"
    priority: 1
    conda:
        "../../envs/network.yaml"
    threads: HALF
    resources:
        **NEEDED,
        gpu=GPU_ELSE,
    params:
        images=folder_of("prepared"),
    message:
        "Find what the network looks at ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} attribute --images {params.images} --reference {input.reference}"
        " --predictions {input.predictions} --grading {input.grading} --weights {input.weights}"
        " --settings {input.settings} --network-settings {input.network} --workers {threads} --out {output.folder}"
