# From scores and reference standard to estimates, each with its uncertainty.
#
# needs  <grading>/predictions/, <grading>/reference/, selection/, index/
# makes  <grading>/statistics/  one CSV a question: roc, thresholds, summary, confusion, calibration, subgroups …

STATISTICS = f"{COHORT}/{{grading}}/statistics"


rule evaluate:
    input:
        predictions=rules.predict.output.exams,
        reference=rules.reference.output.reference,
        readers=rules.reference.output.readers,
        exams=rules.select.output.exams,
        images=rules.ingest.output.images,
        grading="workflow/gradings/{grading}.yaml",
        settings=settings("statistics"),
        code=code("analysis.statistics.evaluate"),
    output:
        folder=directory(f"{STATISTICS}/estimates"),
    params:
        seed=study.seed,
    log:
        f"{COHORT}/{{grading}}/logs/evaluate.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/evaluate.tsv"
    threads: workflow.cores
    conda:
        "../../envs/statistics.yaml"
    message:
        "Estimate performance with intervals by pROC ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} evaluate --predictions {input.predictions} --reference {input.reference}"
        " --readers {input.readers} --exams {input.exams} --images-index {input.images} --grading {input.grading}"
        " --settings {input.settings} --seed {params.seed} --workers {threads} --out {output.folder}"
