# From scores and reference standard to estimates, each with its uncertainty.
#
# needs  <grading>/predictions/, <grading>/reference/, selection/, index/
# makes  <grading>/statistics/  one CSV a question: roc, thresholds, summary, confusion, calibration, subgroups …

STATISTICS = f"{COHORT}/{{grading}}/statistics"
ESTIMATES = [
    "roc.csv",
    "seeds.csv",
    "curves.parquet",
    "thresholds.csv",
    "optimism.csv",
    "confusion.csv",
    "summary.csv",
    "calibration.csv",
    "reliability.csv",
    "cumulative.csv",
    "cumulative_fit.csv",
    "prevalence.csv",
    "decisions.csv",
    "subgroups.csv",
    "readers.csv",
    "comparisons.csv",
    "published.csv",
    "development.csv",
    "updating.csv",
]


# Published results are a file beside the statistics, by its name, or a path.
PUBLISHED = f"analysis/statistics/{study.statistics.published}.yaml"
PUBLISHED = (
    source(PUBLISHED) if os.path.exists(PUBLISHED) else study.statistics.published
)


rule evaluate:
    input:
        predictions=f"{PREDICTIONS}/exams.parquet",
        seeds=f"{PREDICTIONS}/seeds.parquet",
        reference=f"{REFERENCE}/reference.parquet",
        readers=f"{REFERENCE}/readers.parquet",
        exams=f"{SELECTION}/exams.parquet",
        images=f"{INDEX}/images.parquet",
        grading=SCHEME,
        published=PUBLISHED,
        development=lambda wildcards: expand(development(), grading=wildcards.grading),
        external=settings("external") if TRAINED else [],
        settings=settings("statistics"),
        code=code("analysis.statistics.evaluate"),
    output:
        [f"{STATISTICS}/{name}" for name in ESTIMATES],
    log:
        f"{COHORT}/{{grading}}/logs/evaluate.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/evaluate.tsv"
    priority: 1
    conda:
        "../../envs/statistics.yaml"
    threads: HALF
    resources:
        **NEEDED,
    params:
        out=lambda wildcards, output: os.path.dirname(output[0]),
        seed=study.seed,
        development=lambda wildcards, input: (
            f"--development {os.path.dirname(input.development[0])} --external {input.external}"
            if TRAINED
            else ""
        ),
    message:
        "Estimate performance with intervals by pROC ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} evaluate --predictions {input.predictions} --members {input.seeds}"
        " --reference {input.reference} --readers {input.readers} --exams {input.exams} --images-index {input.images} --grading {input.grading}"
        " --settings {input.settings} {params.development} --seed {params.seed} --workers {threads} --out {params.out}"


rule coverage:
    input:
        settings=settings("statistics"),
        code=code("analysis.statistics.coverage"),
    output:
        f"{COHORT}/coverage.csv",
    log:
        f"{COHORT}/logs/coverage.log",
    benchmark:
        f"{COHORT}/benchmarks/coverage.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: HALF
    resources:
        **NEEDED,
    params:
        seed=study.seed,
    message:
        "Simulate how often each kind of interval covers"
    shell:
        "python -m analysis --log {log} coverage --settings {input.settings} --seed {params.seed}"
        " --workers {threads} --out {output}"


rule false_positives:
    input:
        settings=settings("statistics"),
        code=code("analysis.statistics.false_positives"),
    output:
        f"{COHORT}/false_positives.csv",
    log:
        f"{COHORT}/logs/false_positives.log",
    benchmark:
        f"{COHORT}/benchmarks/false_positives.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: HALF
    resources:
        **NEEDED,
    params:
        seed=study.seed,
    message:
        "Simulate how often the tests find a difference that isn't there"
    shell:
        "python -m analysis --log {log} false-positives --settings {input.settings} --seed {params.seed}"
        " --workers {threads} --out {output}"


rule sample_size:
    input:
        settings=settings("statistics"),
        published=PUBLISHED,
        code=code("analysis.statistics.sample_size"),
    output:
        f"{COHORT}/sample_size.csv",
    log:
        f"{COHORT}/logs/sample_size.log",
    benchmark:
        f"{COHORT}/benchmarks/sample_size.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    message:
        "Work out how wide the intervals are expected to be"
    shell:
        "python -m analysis --log {log} sample-size --settings {input.settings} --out {output}"


rule audit:
    input:
        settings=settings("statistics"),
        published=PUBLISHED,
        code=code("analysis.statistics.audit"),
    output:
        f"{COHORT}/audit.csv",
    log:
        f"{COHORT}/logs/audit.log",
    benchmark:
        f"{COHORT}/benchmarks/audit.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    message:
        "Audit the published tables"
    shell:
        "python -m analysis --log {log} audit --settings {input.settings} --out {output}"


rule check:
    input:
        exams=f"{SELECTION}/exams.parquet",
        flow=f"{SELECTION}/flow.csv",
        reference=f"{REFERENCE}/reference.parquet",
        predictions=f"{PREDICTIONS}/exams.parquet",
        estimates=rules.evaluate.output,
        grading=SCHEME,
        code=code("analysis.checks.invariants"),
    output:
        f"{COHORT}/{{grading}}/checks.csv",
    log:
        f"{COHORT}/{{grading}}/logs/check.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/check.tsv"
    conda:
        "../../envs/statistics.yaml"
    resources:
        **NEEDED,
    message:
        "Check what must hold of the results ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} check --exams {input.exams} --flow {input.flow} --reference {input.reference}"
        " --predictions {input.predictions} --statistics $(dirname {input.estimates[0]}) --grading {input.grading}"
        " --out {output}"
