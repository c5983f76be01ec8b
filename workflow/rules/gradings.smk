# Two gradings side by side, on the same test exams, each with its own reference standard and network.
#
# needs  <grading>/reference/ and predictions/ of both, and what the manuscript needs
# makes  gradings/                       table, figure and values, made by the target compare_gradings
#        <grading>/manuscript-compared/  the manuscript with that comparison

# They share everything up to the selection, test exams included.
COMPARED = study.compare or ()
refuse(
    "compare_gradings",
    not COMPARED,
    "compare_gradings sets two gradings side by side; name them at compare of the configuration, as compare: [ONE, OTHER].",
)
refuse(
    "compare_gradings",
    TRAINED,
    "compare_gradings trains a network by each grading, and with network.trained none is trained; leave network.trained "
    "out, or set networks of one grading beside each other (compare_networks).",
)
refuse(
    "compare_gradings",
    not FROM_ARCHIVE,
    "compare_gradings trains a network by each grading, which takes the archive; a bundle starts at the predictions of one.",
)
WITHOUT_DISEASE = [
    name
    for name in COMPARED
    if not load_scheme(f"workflow/gradings/{name}.yaml").disease
]
refuse(
    "compare_gradings",
    WITHOUT_DISEASE,
    f"compare_gradings sets definitions of disease side by side, and {', '.join(WITHOUT_DISEASE)} has none; give it a rule "
    "'disease', or name others at compare.",
)
COMPARISON = f"{COHORT}/gradings"


rule compare:
    input:
        references=expand(f"{REFERENCE}/reference.parquet", grading=COMPARED),
        predictions=expand(f"{PREDICTIONS}/exams.parquet", grading=COMPARED),
        gradings=source(expand("workflow/gradings/{grading}.yaml", grading=COMPARED)),
        settings=settings("statistics"),
        manuscript=settings("manuscript"),
        code=code("analysis.statistics.gradings", "analysis.presentation.gradings"),
    output:
        [
            f"{COMPARISON}/{name}"
            for name in (
                "gradings.csv",
                "table.md",
                "table.csv",
                "gradings.svg",
                "gradings.png",
                "values.yml",
            )
        ],
    log:
        f"{COHORT}/logs/compare.log",
    benchmark:
        f"{COHORT}/benchmarks/compare.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        out=lambda wildcards, output: os.path.dirname(output[0]),
        seed=study.seed,
        pair=lambda wildcards, output: [
            f"--{place}-results {beside(f'{COHORT}/{name}')(wildcards, output)}"
            f" --{place}-grading workflow/gradings/{name}.yaml"
            for place, name in zip(("first", "second"), COMPARED)
        ],
    message:
        f"Set {' and '.join(COMPARED)} side by side"
    shell:
        "python -m analysis --log {log} compare-gradings {params.pair} --settings {input.settings}"
        " --manuscript-settings {input.manuscript} --seed {params.seed} --out {params.out}"


use rule manuscript as manuscript_compared with:
    input:
        **dict(rules.manuscript.input.items()),
        comparison=rules.compare.output,
    output:
        directory(f"{MANUSCRIPT}-compared"),
    log:
        f"{COHORT}/{{grading}}/logs/manuscript-compared.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/manuscript-compared.tsv"
    params:
        comparison=lambda wildcards, input: f"--comparison {os.path.dirname(input.comparison[0])}",


rule compare_gradings:
    input:
        f"{STUDY}/manuscript-compared",
