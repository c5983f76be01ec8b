# From an archive to indexed, prepared radiographs.
#
# needs  an archive: a tree of DICOM files, reports.csv, readings.csv and, where the split is given, sets.csv
# makes  index/    images.parquet, readings.parquet, counts.csv: pseudonymous, publishable
#        private/  identifiers, source paths, the key of the pseudonyms: stays where it is
#        images/   pixels and rows of every readable image, in shards


def split_file():
    """The archive's split, where it has one."""
    given = SOURCE == "kneekl224" or (
        SOURCE == "folder" and os.path.exists(f"{ARCHIVE}/sets.csv")
    )
    return [f"{ARCHIVE}/sets.csv"] if given else []


if SOURCE == "simulated":

    rule simulate:
        input:
            settings=settings("simulate"),
            code=code("analysis.simulate.archive"),
        output:
            dicom=directory(f"{ARCHIVE}/dicom"),
            reports=f"{ARCHIVE}/reports.csv",
            readings=f"{ARCHIVE}/readings.csv",
        log:
            f"{COHORT}/logs/simulate.log",
        benchmark:
            f"{COHORT}/benchmarks/simulate.tsv"
        conda:
            "../../envs/images.yaml"
        threads: CORES
        params:
            seed=study.seed,
        message:
            "Simulate an archive of radiographs, reports and readings"
        shell:
            "python -m analysis --log {log} simulate --settings {input.settings} --seed {params.seed}"
            " --workers {threads} --out $(dirname {output.dicom})"

elif SOURCE == "kneekl224":

    rule import_kneekl224:
        input:
            settings=settings("archive"),
            code=code("analysis.archive.sources.kneekl224"),
        output:
            dicom=directory(f"{ARCHIVE}/dicom"),
            reports=f"{ARCHIVE}/reports.csv",
            readings=f"{ARCHIVE}/readings.csv",
            sets=f"{ARCHIVE}/sets.csv",
        log:
            f"{COHORT}/logs/import_kneekl224.log",
        benchmark:
            f"{COHORT}/benchmarks/import_kneekl224.tsv"
        conda:
            "../../envs/images.yaml"
        threads: CORES
        message:
            "Bring the public radiographs into the form of an archive"
        shell:
            "python -m analysis --log {log} import-kneekl224 --settings {input.settings}"
            " --workers {threads} --out $(dirname {output.dicom})"


rule ingest:
    input:
        dicom=f"{ARCHIVE}/dicom",
        reports=f"{ARCHIVE}/reports.csv",
        readings=f"{ARCHIVE}/readings.csv",
        settings=settings("ingest"),
        code=code("analysis.archive.ingest"),
    output:
        images=f"{INDEX}/images.parquet",
        readings=f"{INDEX}/readings.parquet",
        counts=f"{INDEX}/counts.csv",
        private=f"{PRIVATE}/index.parquet",
        rejected=f"{PRIVATE}/rejected.csv",
    log:
        f"{COHORT}/logs/ingest.log",
    benchmark:
        f"{COHORT}/benchmarks/ingest.tsv"
    conda:
        "../../envs/images.yaml"
    threads: CORES
    params:
        archive=ARCHIVE,
        key=(
            ""
            if SOURCE != "folder"
            else f"--key {study.archive.key}" if study.archive.key else ""
        ),
        seed="" if SOURCE == "folder" else f"--seed {study.seed}",
    message:
        "Index the archive, under pseudonyms"
    shell:
        "python -m analysis --log {log} ingest {params.archive:q} --settings {input.settings} {params.key} {params.seed}"
        " --workers {threads} --out $(dirname {output.images}) --private $(dirname {output.private})"


rule prepare:
    input:
        dicom=f"{ARCHIVE}/dicom",
        images=rules.ingest.output.images,
        private=rules.ingest.output.private,
        settings=settings("images"),
        code=code("analysis.imaging.prepare"),
    output:
        pixels=f"{IMAGES}/pixels-{{shard}}.npy",
        rows=f"{IMAGES}/rows-{{shard}}.parquet",
        unreadable=f"{IMAGES}/unreadable-{{shard}}.csv",
    log:
        f"{COHORT}/logs/prepare-{{shard}}.log",
    benchmark:
        f"{COHORT}/benchmarks/prepare-{{shard}}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    params:
        archive=ARCHIVE,
        shards=len(SHARDS),
    message:
        "Prepare the images of shard {wildcards.shard}"
    shell:
        "python -m analysis --log {log} prepare --archive {params.archive:q} --images {input.images}"
        " --private {input.private} --settings {input.settings} --shard {wildcards.shard} --shards {params.shards}"
        " --out $(dirname {output.pixels})"
