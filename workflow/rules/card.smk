# The trained network by itself, for use outside the study.
#
# needs  everything from images/ to tables/ and values.yml
# makes  <grading>/card/  weights, config, grading, temperatures, thresholds, limits of trust, learning curves, characteristics of its cohort, hashes, and README.md: a model card

CARD = f"{COHORT}/{{grading}}/card"


rule card:
    input:
        whole=whole(CARD),
        prepared=PREPARED,
        index=rules.ingest.output.images,
        reference=rules.reference.output.reference,
        characteristics=rules.characterise.output,
        predictions=rules.predict.output.exams,
        temperatures=rules.predict.output.temperatures,
        grading=SCHEME,
        weights=filled(rules.train.output.weights, seed=SEEDS, allow_missing=True),
        curves=filled(rules.train.output.curve, seed=SEEDS, allow_missing=True),
        estimates=rules.evaluate.output,
        tables=rules.tables.output,
        values=rules.values.output,
        config=CONFIG,
        backbone=BACKBONE,
        citation=source("CITATION.cff"),
        page=source("analysis/release/README.md.jinja"),
        code=code("analysis.release.card"),
    output:
        directory(CARD),
    log:
        f"{COHORT}/{{grading}}/logs/card.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/card.tsv"
    conda:
        "../../envs/network.yaml"
    resources:
        **NEEDED,
    params:
        images=folder_of("prepared"),
        statistics=folder_of("estimates"),
        network=lambda wildcards, input: os.path.dirname(
            os.path.dirname(input.curves[0])
        ),
        weights=lambda wildcards, input: [f"--weights {path}" for path in input.weights],
    message:
        "Write the trained network with its model card ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} card --images {params.images} --images-index {input.index}"
        " --reference {input.reference} --characteristics {input.characteristics} --predictions {input.predictions} --grading {input.grading} {params.weights}"
        " --network {params.network} --statistics {params.statistics} --tables {input.tables} --config {input.config}"
        " --values {input.values} --citation {input.citation} --out {output}"
