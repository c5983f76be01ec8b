# What a study was made of, and what others need to check it.
#
# needs  everything before
# makes  <grading>/provenance.json  code, configuration, seeds, versions, hashes of inputs, machine, wall time by rule
#        <grading>/bundle.zip       for reviewers, made by the target bundle; a Workflow Run RO-Crate

import snakemake


rule provenance:
    input:
        rules.manuscript.output,
        config=CONFIG,
        private=f"{PRIVATE}/index.parquet" if FROM_ARCHIVE else [],
        hashed=lambda wildcards: [
            *(
                [f"{ARCHIVE}/reports.csv", f"{ARCHIVE}/readings.csv"]
                if FROM_ARCHIVE
                else []
            ),
            *given_to_statistics(wildcards),
            *given_weights(wildcards),
            *(path for path in compared(wildcards) if os.path.isfile(path)),
            *BACKBONE,
        ],
        code=code(
            "analysis.provenance.provenance", "analysis.statistics.uncertainty.roc"
        ),
    output:
        f"{COHORT}/{{grading}}/provenance.json",
    log:
        f"{COHORT}/{{grading}}/logs/provenance.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/provenance.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        private=lambda wildcards, input: [
            f"--private {path}" for path in [input.private] if path
        ],
        # Without a shared file system they are out of reach, and nothing is told of them.
        records=lambda wildcards, output: [
            f"--{kind} {beside(f'{folder}/{kind}')(wildcards, output)}"
            for folder in (COHORT, f"{COHORT}/{{grading}}")
            for kind in ("benchmarks", "logs")
        ],
        rendered=lambda wildcards, input: f"{input[0]}/renderers.json",
        snakemake=snakemake.__version__,
    message:
        "Say what the study was made of ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} provenance {input.hashed:q} --config {input.config} {params.private}"
        " {params.records} --snakemake {params.snakemake} --rendered {params.rendered} --out {output}"


refuse(
    "bundle",
    not FROM_ARCHIVE,
    "A bundle can't be made of a bundle: what must not be in it is known where the archive is.",
)


# A bundle can't be made of a bundle: what identifies patients, which nothing in it may hold, isn't there.
if FROM_ARCHIVE:

    rule make_bundle:
        input:
            results_of,
            rules.manuscript.output,
            rules.provenance.output,
            given=lambda wildcards: [
                *given_to_manuscript(wildcards),
                *given_to_statistics(wildcards),
                *made_beside(wildcards),
                *compared(wildcards),
                *(path for path in BACKBONE if not os.path.isabs(path)),
            ],
            comparison=comparison_of,
            config=CONFIG,
            private=f"{PRIVATE}/index.parquet",
            reports=f"{ARCHIVE}/reports.csv",
            harmless=study.archive.harmless or [],
            code=lambda wildcards: bundled_code(),
        output:
            f"{COHORT}/{{grading}}/bundle.zip",
        log:
            f"{COHORT}/{{grading}}/logs/bundle.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/bundle.tsv"
        conda:
            "../../envs/images.yaml"
        resources:
            **NEEDED,
        params:
            study=lambda wildcards, output: os.path.dirname(output[0]),
            archive=folder_of("reports"),
            harmless=HARMLESS,
        message:
            "Pack the bundle for reviewers ({wildcards.grading})"
        shell:
            "python -m analysis --log {log} bundle {input.given} --study {params.study} --config {input.config}"
            " --private {input.private} --archive {params.archive:q} {params.harmless:q} --out {output}"

    rule bundle:
        input:
            f"{STUDY}/bundle.zip",
