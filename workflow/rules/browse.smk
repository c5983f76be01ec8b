# The test exams on pages to be looked through: the confusion matrix, and behind each cell its exams.
#
# needs  images/, index/, <grading>/reference/, network/, predictions/ and statistics/
# makes  private/browse/<grading>/  a page an item, with images, readings, scores and attributions
#
#   snakemake browse --cores all
#
# No part of `all`. The pages show radiographs and single readings, and so they are private whatever the archive.

BROWSE = f"{PRIVATE}/browse/{{grading}}"


rule write_browse:
    input:
        whole=whole(BROWSE),
        prepared=PREPARED,
        reference=rules.reference.output.reference,
        readings=rules.ingest.output.readings,
        predictions=rules.predict.output.exams,
        seeds=rules.predict.output.seeds,
        estimates=rules.evaluate.output,
        grading=SCHEME,
        weights=WEIGHTS[:1],
        config=CONFIG,
        backbone=BACKBONE,
        page=source("analysis/inference/page.html.jinja"),
        code=code("analysis.inference.browse"),
    output:
        directory(BROWSE),
    log:
        f"{COHORT}/{{grading}}/logs/browse.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/browse.tsv"
    conda:
        "../../envs/network.yaml"
    threads: CORES
    resources:
        **NEEDED,
        gpu=GPU_ELSE,
    params:
        images=folder_of("prepared"),
        statistics=folder_of("estimates"),
        weights=lambda wildcards, input: [f"--weights {path}" for path in input.weights],
    message:
        "Put the test exams on pages ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} browse --images {params.images} --reference {input.reference} --readings {input.readings}"
        " --predictions {input.predictions} --members {input.seeds} --thresholds {params.statistics}/thresholds.csv"
        " --grading {input.grading} {params.weights} --config {input.config} --workers {threads} --out {output}"


rule browse:
    input:
        BROWSE.format(grading=study.grading),
    message:
        "Ready to be browsed: {input}"
