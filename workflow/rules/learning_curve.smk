# The learning curve: how good the network is by the number of exams that it was trained on, from one start or several.
#
# needs  images/, <grading>/reference/; the weights of each start that isn't random
# makes  <grading>/learning_curve/seed-S/exams-N/         the training exams drawn, and below START/ network and predictions
#        <grading>/learning_curve/curve/                  estimates, table, figure
#
#   snakemake learning_curve --cores all
#
# No part of `all`. A further number, seed or start trains its own networks alone.


rule draw_exams:
    input:
        reference=rules.reference.output.reference,
        code=code("analysis.learning_curve.subsets"),
    output:
        f"{DRAWN}/reference.parquet",
    log:
        f"{COHORT}/{{grading}}/logs/draw-exams-{{seed}}-{{exams}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/draw-exams-{{seed}}-{{exams}}.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    message:
        "Draw {wildcards.exams} training exams ({wildcards.grading}, seed {wildcards.seed})"
    shell:
        "python -m analysis --log {log} draw-exams --reference {input.reference} --training-exams {wildcards.exams}"
        " --seed {wildcards.seed} --out {output}"


use rule train as train_curve with:
    input:
        prepared=PREPARED,
        reference=rules.draw_exams.output,
        grading=SCHEME,
        tasks=[],
        references=[],
        start=lambda wildcards: GROWING.starts[wildcards.start] or [],
        settings=curve_network,
        backbone=BACKBONE,
        code=code("analysis.network.training.train"),
    output:
        weights=f"{GROWN}/network/weights.safetensors",
        curve=f"{GROWN}/network/curve.csv",
    log:
        f"{COHORT}/{{grading}}/logs/train-curve-{{start}}-{{seed}}-{{exams}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/train-curve-{{start}}-{{seed}}-{{exams}}.tsv"
    threads: CURVE_THREADS
    message:
        "Train on {wildcards.exams} exams ({wildcards.grading}, start {wildcards.start}, seed {wildcards.seed})"


use rule predict as predict_curve with:
    input:
        prepared=PREPARED,
        reference=rules.draw_exams.output,
        grading=SCHEME,
        weights=[rules.train_curve.output.weights],
        temperatures=[],
        settings=curve_network,
        prediction=settings("prediction"),
        backbone=BACKBONE,
        code=code("analysis.network.prediction"),
    output:
        exams=f"{GROWN}/predictions/exams.parquet",
        images=f"{GROWN}/predictions/images.parquet",
        seeds=f"{GROWN}/predictions/seeds.parquet",
        temperatures=f"{GROWN}/predictions/temperatures.csv",
    log:
        f"{COHORT}/{{grading}}/logs/predict-curve-{{start}}-{{seed}}-{{exams}}.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/predict-curve-{{start}}-{{seed}}-{{exams}}.tsv"
    threads: CURVE_THREADS
    message:
        "Predict validation and test set ({wildcards.grading}, {wildcards.exams} exams, start {wildcards.start}, seed {wildcards.seed})"


rule draw_curve:
    input:
        filled(rules.draw_exams.output, **LINES, allow_missing=True),
        filled(rules.predict_curve.output.exams, **LINES, allow_missing=True),
        reference=rules.reference.output.reference,
        grading=SCHEME,
        settings=settings("learning_curve"),
        statistics=settings("statistics"),
        manuscript=settings("manuscript"),
        code=code(
            "analysis.learning_curve.curve", "analysis.presentation.learning_curve"
        ),
    output:
        directory(f"{LEARNING_CURVE}/curve"),
    log:
        f"{COHORT}/{{grading}}/logs/learning-curve.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/learning-curve.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        runs=beside(LEARNING_CURVE),
        seed=study.seed,
    message:
        "Draw the learning curve ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} learning-curve --runs {params.runs} --reference {input.reference}"
        " --grading {input.grading} --settings {input.settings} --statistics-settings {input.statistics}"
        " --manuscript-settings {input.manuscript} --seed {params.seed} --out {output}"


rule learning_curve:
    input:
        f"{STUDY}/learning_curve/curve",
