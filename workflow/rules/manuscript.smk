# From estimates to a manuscript in which no number was typed.
#
# needs  everything before; manuscript/ for the prose
# makes  <grading>/tables/, figures/, values.yml  what the manuscript is made of
#        <grading>/manuscript/                    HTML, PDF, DOCX and JATS
#        <grading>/checks.csv, privacy.csv        what was checked of the results; the manuscript waits for both

from analysis.presentation.headline import headline

TABLES = f"{COHORT}/{{grading}}/tables"
FIGURES = f"{COHORT}/{{grading}}/figures"
MANUSCRIPT = f"{COHORT}/{{grading}}/manuscript"


WHERE = {
    "--statistics": STATISTICS,
    "--reference-folder": REFERENCE,
    "--selection": SELECTION,
    "--index": INDEX,
    "--network": NETWORK,
    "--members": f"{PREDICTIONS}/seeds.parquet",
    "--attribution": ATTRIBUTION,
    **({"--images": IMAGES} if FROM_ARCHIVE else {}),
    "--temperatures": f"{PREDICTIONS}/temperatures.csv",
    "--coverage": f"{COHORT}/coverage.csv",
    "--false-positives": f"{COHORT}/false_positives.csv",
    "--sample-size": f"{COHORT}/sample_size.csv",
    "--audit": f"{COHORT}/audit.csv",
}


# The configuration as a whole beside what it made, for people and for `make render`.
rule config:
    input:
        CONFIG,
    output:
        f"{STUDY}/config.yaml",
    log:
        f"{STUDY}/logs/config.log",
    conda:
        "../../envs/statistics.yaml"
    message:
        "Keep the configuration beside the results"
    shell:
        "cp {input} {output} 2> {log}"


localrules:
    config,


rule tables:
    input:
        results_of,
        whole=whole(TABLES),
        grading=SCHEME,
        checklists=source(
            sorted(str(path) for path in Path("manuscript/checklists").glob("*.yaml"))
        ),
        settings=settings("manuscript"),
        code=code("analysis.presentation.tables"),
    output:
        report(
            directory(TABLES),
            patterns=["{name}.csv"],
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{name}"},
        ),
    log:
        f"{COHORT}/{{grading}}/logs/tables.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/tables.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        where=where,
    message:
        "Make the tables ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} tables {params.where} --out {output}"


rule figures:
    input:
        results_of,
        whole=whole(FIGURES),
        grading=SCHEME,
        settings=settings("manuscript"),
        code=code("analysis.presentation.figures"),
    output:
        report(
            directory(FIGURES),
            patterns=["{name}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}"},
        ),
    log:
        f"{COHORT}/{{grading}}/logs/figures.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/figures.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        where=where,
    message:
        "Draw the figures ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} figures {params.where} --out {output}"


rule values:
    input:
        results_of,
        grading=SCHEME,
        settings=settings("manuscript"),
        config=CONFIG,
        original=source("analysis/presentation/values/original.yaml"),
        published=PUBLISHED,
        code=code("analysis.presentation.values"),
    output:
        f"{COHORT}/{{grading}}/values.yml",
    log:
        f"{COHORT}/{{grading}}/logs/values.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/values.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        where=where,
    message:
        "Collect the numbers of the text ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} values {params.where} --config {input.config} --out {output}"


# A bundle was searched before it left the archive's machine, and brings nothing to search for.
if FROM_ARCHIVE:

    HARMLESS = ["--harmless", study.archive.harmless] if study.archive.harmless else []

    rule check_privacy:
        input:
            rules.tables.output,
            rules.figures.output,
            rules.values.output,
            rules.config.output,
            results_of,
            card=[] if TRAINED else f"{COHORT}/{{grading}}/card",
            private=f"{PRIVATE}/index.parquet",
            reports=f"{ARCHIVE}/reports.csv",
            harmless=study.archive.harmless or [],
            code=code("analysis.checks.privacy"),
        output:
            f"{COHORT}/{{grading}}/privacy.csv",
        log:
            f"{COHORT}/{{grading}}/logs/check_privacy.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/check_privacy.tsv"
        conda:
            "../../envs/images.yaml"
        resources:
            **NEEDED,
        params:
            archive=folder_of("reports"),
            harmless=HARMLESS,
            publishable=lambda wildcards, output: [
                beside(path)(wildcards, output)
                for path in (INDEX, SELECTION, f"{COHORT}/{{grading}}")
            ],
            searched=beside(f"{COHORT}/{{grading}}/bundle.zip"),
        message:
            "Search the results for anything that identifies a patient ({wildcards.grading})"
        shell:
            "python -m analysis --log {log} check-privacy --private {input.private} --archive {params.archive:q}"
            " {params.harmless:q} --skip {params.searched} --out {output} {params.publishable}"


rule manuscript:
    input:
        whole=whole(MANUSCRIPT),
        tables=rules.tables.output,
        figures=rules.figures.output,
        values=rules.values.output,
        checks=rules.check.output,
        privacy=f"{COHORT}/{{grading}}/privacy.csv" if FROM_ARCHIVE else [],
        source=source(
            sorted(
                str(path)
                for folder in ("manuscript", "analysis/manuscript/pandoc")
                for path in Path(folder).rglob("*")
                if path.is_file()
            )
        ),
        settings=settings("manuscript"),
        code=code("analysis.manuscript.render"),
    output:
        report(
            directory(MANUSCRIPT),
            patterns=["index.{format}"],
            caption="../report/manuscript.rst",
            category="Manuscript",
            labels={"format": "{format}"},
        ),
    log:
        f"{COHORT}/{{grading}}/logs/manuscript.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/manuscript.tsv"
    conda:
        "../../envs/manuscript.yaml"
    threads: 4  # one a format
    resources:
        **NEEDED,
    params:
        comparison="",
    message:
        "Render the manuscript ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} manuscript --tables {input.tables} --figures {input.figures}"
        " --values {input.values} {params.comparison} --settings {input.settings} --workers {threads} --out {output}"
