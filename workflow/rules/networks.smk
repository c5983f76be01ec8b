# Other networks beside the study's own, on the same test exams, each with the images that its weights ask for.
#
# needs  the folders that compare_networks names (cards of other trainings), archive, index/, images/,
#        <grading>/reference/, network/ and predictions/
# makes  images-of-<name>/            prepared images, of a network that asks for others than the study's own
#        <grading>/networks/<name>/   another network: weights, scores, what its own study estimated
#        <grading>/networks/          two tables, figure and values, made by the target compare_networks
#        <grading>/manuscript-networks/  the manuscript with that comparison; networks/privacy.csv before it

if FROM_ARCHIVE:

    use rule prepare as prepare_network with:
        input:
            **{
                **dict(rules.prepare.input.items()),
                "settings": lambda wildcards: SHOWN[wildcards.network],
            },
        output:
            pixels=f"{IMAGES_OF}/pixels-{{shard}}.npy",
            rows=f"{IMAGES_OF}/rows-{{shard}}.parquet",
            unreadable=f"{IMAGES_OF}/unreadable-{{shard}}.csv",
        log:
            f"{COHORT}/logs/prepare-{{network}}-{{shard}}.log",
        benchmark:
            f"{COHORT}/benchmarks/prepare-{{network}}-{{shard}}.tsv"
        message:
            "Prepare the images of shard {wildcards.shard} as {wildcards.network} asks for them"

    rule carry_network:
        input:
            lambda wildcards: [
                f"{BROUGHT[wildcards.network].folder}/{name}"
                for name in (SUMS, *read_sums(BROUGHT[wildcards.network].folder))
            ],
            whole=whole(f"{OTHER}/network"),
            code=code("analysis.network.trained.carry"),
        output:
            directory(f"{OTHER}/network"),
        log:
            f"{COHORT}/{{grading}}/logs/carry-{{network}}.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/carry-{{network}}.tsv"
        wildcard_constraints:
            grading=study.grading,
        conda:
            "../../envs/network.yaml"
        resources:
            **NEEDED,
        params:
            folder=lambda wildcards: BROUGHT[wildcards.network].folder,
        message:
            "Take over the network {wildcards.network}"
        shell:
            "python -m analysis --log {log} carry {params.folder:q} --out {output}"

    use rule predict as predict_network with:
        input:
            prepared=prepared_for,
            reference=rules.reference.output.reference,
            grading=SCHEME,
            network=rules.carry_network.output[0],
            settings=lambda wildcards: FORMS[wildcards.network],
            prediction=lambda wildcards: SCORED[wildcards.network],
            backbone=backbone_of,
            code=code("analysis.network.prediction"),
        output:
            exams=f"{OTHER}/predictions/exams.parquet",
            images=f"{OTHER}/predictions/images.parquet",
            seeds=f"{OTHER}/predictions/seeds.parquet",
            temperatures=f"{OTHER}/predictions/temperatures.csv",
        log:
            f"{COHORT}/{{grading}}/logs/predict-{{network}}.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/predict-{{network}}.tsv"
        threads: CORES
        params:
            images=folder_of("prepared"),
            weights=lambda wildcards, input: [
                f"--weights {input.network}/seed-{seed}/weights.safetensors"
                for seed in BROUGHT[wildcards.network].seeds
            ],
            temperatures=lambda wildcards, input: f"--temperatures {input.network}/development/temperatures.csv",
        message:
            "Predict the exams of validation and test set by {wildcards.network} ({wildcards.grading})"


rule set_beside:
    input:
        given_weights,
        given_to_comparison,
        origin=lambda wildcards: expand(development()[:1], grading=wildcards.grading),
        predictions=f"{PREDICTIONS}/exams.parquet",
        reference=f"{REFERENCE}/reference.parquet",
        grading=SCHEME,
        settings=settings("statistics"),
        manuscript=settings("manuscript"),
        code=code("analysis.statistics.networks", "analysis.presentation.networks"),
    output:
        [
            f"{NETWORKS}/{name}"
            for name in (
                "networks.csv",
                "pairs.csv",
                "compared.md",
                "compared.csv",
                "table.md",
                "table.csv",
                "networks.svg",
                "networks.png",
                "values.yml",
            )
        ],
    log:
        f"{COHORT}/{{grading}}/logs/set_beside.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/set_beside.tsv"
    conda:
        "../../envs/manuscript.yaml"
    resources:
        **NEEDED,
    params:
        out=lambda wildcards, output: os.path.dirname(output[0]),
        seed=study.seed,
        cohort=study.cohort.title,
        networks=lambda wildcards, output: [
            word
            for name, path in (
                (OWN, f"{COHORT}/{{grading}}"),
                *((name, OTHER.replace("{network}", name)) for name in OTHERS),
            )
            for word in ("--compared", name, beside(path)(wildcards, output))
        ],
    message:
        "Set the networks beside each other ({wildcards.grading})"
    shell:
        "python -m analysis --log {log} compare-networks {params.networks:q} --cohort-title {params.cohort:q}"
        " --reference {input.reference} --grading {input.grading} --settings {input.settings}"
        " --manuscript-settings {input.manuscript} --seed {params.seed} --out {params.out}"


# What is published of it is searched as all else is; the study's own manuscript doesn't wait for it.
if FROM_ARCHIVE:

    use rule check_privacy as check_privacy_networks with:
        input:
            rules.set_beside.output,
            rules.check_privacy.output,
            **dict(rules.check_privacy.input.items()),
        output:
            f"{NETWORKS}/privacy.csv",
        log:
            f"{COHORT}/{{grading}}/logs/check_privacy-networks.log",
        benchmark:
            f"{COHORT}/{{grading}}/benchmarks/check_privacy-networks.tsv"


use rule manuscript as manuscript_networks with:
    input:
        **{
            **dict(rules.manuscript.input.items()),
            "privacy": f"{NETWORKS}/privacy.csv" if FROM_ARCHIVE else [],
        },
        comparison=rules.set_beside.output,
    output:
        directory(f"{MANUSCRIPT}-networks"),
    log:
        f"{COHORT}/{{grading}}/logs/manuscript-networks.log",
    benchmark:
        f"{COHORT}/{{grading}}/benchmarks/manuscript-networks.tsv"
    params:
        comparison=lambda wildcards, input: f"--comparison {os.path.dirname(input.comparison[0])}",


rule compare_networks:
    input:
        f"{STUDY}/manuscript-networks",
