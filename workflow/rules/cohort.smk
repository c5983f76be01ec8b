# From indexed exams to sets, and from readings to the reference standard.
#
# needs  index/, images/, and the archive's reports (for words only)
# makes  selection/            every exam with its set, or the reason why it has none; the flow
#        <grading>/reference/  reference standard, conflicts, agreement between readers, what the exams are like

# A network that was trained elsewhere is judged on one set of exams; the others have nothing to do.
if not TRAINED:
    DRAWN = []
elif study.external.exams == "all":
    DRAWN = ["--everything"]
else:
    DRAWN = ["--set test"]
    DRAWN += ["--set validation"] if study.external.thresholds == "validation" else []


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
    priority: 1
    conda:
        "../../envs/images.yaml"
    resources:
        **NEEDED,
    params:
        archive=folder_of("reports"),
        prepared=folder_of("prepared"),
        seed=study.seed,
        drawn=DRAWN,
    message:
        "Select the exams and part them into sets, by patient"
    shell:
        "python -m analysis --log {log} select --archive {params.archive:q} --images-index {input.images}"
        " --readings {input.readings} --private {input.private} --images {params.prepared}"
        " --settings {input.settings} --policy {input.policy} --seed {params.seed} {params.drawn}"
        " --out $(dirname {output.exams})"


rule reference:
    input:
        exams=rules.select.output.exams,
        readings=rules.ingest.output.readings,
        grading=SCHEME,
        settings=settings("reference"),
        code=code("analysis.grading.reference"),
    output:
        reference=f"{REFERENCE}/reference.parquet",
        conflicts=f"{REFERENCE}/conflicts.csv",
        readers=f"{REFERENCE}/readers.parquet",
        ungraded=f"{REFERENCE}/ungraded.csv",
    log:
        f"{COHORT}/{{grading}}/logs/reference.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/reference.tsv"
    priority: 1
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    message:
        "Make the reference standard of the readings ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} reference --exams {input.exams} --readings {input.readings}"
        " --grading {input.grading} --settings {input.settings}"
        " --out $(dirname {output.reference})"


rule agreement:
    input:
        readers=rules.reference.output.readers,
        reference=rules.reference.output.reference,
        grading=SCHEME,
        settings=settings("reference"),
        code=code("analysis.grading.agreement"),
    output:
        f"{REFERENCE}/agreement.csv",
    log:
        f"{COHORT}/{{grading}}/logs/agreement.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/agreement.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    params:
        level=study.statistics.level,
    message:
        "Measure how far readers agree ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} agreement --readers {input.readers} --reference {input.reference}"
        " --grading {input.grading} --settings {input.settings} --level {params.level} --out {output}"


rule characterise:
    input:
        exams=rules.select.output.exams,
        images=rules.ingest.output.images,
        reference=rules.reference.output.reference,
        prepared=PREPARED,
        grading=SCHEME,
        code=code("analysis.cohort.characteristics"),
    output:
        f"{REFERENCE}/characteristics.csv",
    log:
        f"{COHORT}/{{grading}}/logs/characterise.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/characterise.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        **NEEDED,
    params:
        prepared=folder_of("prepared"),
    message:
        "Describe the exams of each set ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} characterise --exams {input.exams} --images-index {input.images}"
        " --reference {input.reference} --images {params.prepared} --grading {input.grading} --out {output}"
