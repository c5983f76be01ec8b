# From indexed exams to sets, and from readings to the reference standard.
#
# needs  index/, images/, and the archive's reports (for words only)
# makes  selection/            every exam with its set, or the reason why it has none; the flow
#        <grading>/reference/  reference standard, conflicts, agreement between readers


rule select:
    input:
        images=rules.ingest.output.images,
        readings=rules.ingest.output.readings,
        private=rules.ingest.output.private,
        reports=f"{ARCHIVE}/reports.csv",
        sets=SPLIT,
        prepared=PREPARED,
        settings=settings("selection"),
        policy=settings("reference"),
        code=code("analysis.cohort.selection"),
    output:
        exams=f"{SELECTION}/exams.parquet",
        flow=f"{SELECTION}/flow.csv",
        images=f"{SELECTION}/images.csv",
    log:
        f"{COHORT}/logs/select.log",
    benchmark:
        f"{COHORT}/benchmarks/select.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        **NEEDED,
    params:
        archive=folder_of("reports"),
        prepared=folder_of("prepared"),
        seed=study.seed,
    message:
        "Select the exams and part them into sets, by patient"
    shell:
        "python -m analysis --log {log} select --archive {params.archive:q} --images-index {input.images}"
        " --readings {input.readings} --private {input.private} --images {params.prepared}"
        " --settings {input.settings} --policy {input.policy} --seed {params.seed} --out $(dirname {output.exams})"


rule reference:
    input:
        exams=rules.select.output.exams,
        readings=rules.ingest.output.readings,
        grading="workflow/gradings/{grading}.yaml",
        settings=settings("reference"),
        code=code("analysis.grading.reference"),
    output:
        reference=f"{REFERENCE}/reference.parquet",
        conflicts=f"{REFERENCE}/conflicts.csv",
        agreement=f"{REFERENCE}/agreement.csv",
        readers=f"{REFERENCE}/readers.parquet",
        ungraded=f"{REFERENCE}/ungraded.csv",
    log:
        f"{COHORT}/{{grading}}/logs/reference.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/reference.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    params:
        level=study.statistics.level,
    message:
        "Make the reference standard of the readings ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} reference --exams {input.exams} --readings {input.readings}"
        " --grading {input.grading} --settings {input.settings} --level {params.level}"
        " --out $(dirname {output.reference})"
