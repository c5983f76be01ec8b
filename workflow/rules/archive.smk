# From an archive to indexed, prepared radiographs.
#
# needs  an archive: a tree of DICOM files, reports.csv, readings.csv and, where it has them, sets.csv and exams.csv
# makes  index/    images.parquet, readings.parquet, counts.csv: pseudonymous, publishable
#        private/  identifiers and source paths: stays where it is (as does the key of the pseudonyms, outside the repository)
#        images/   pixels and rows of every readable image, in shards

from functools import cache

from analysis.archive.find import inventory

# However often a plan asks for the parameters, it walks the archive once.
inventory = cache(inventory)

# How many jobs read the files is no matter of what is read.
INGEST_SETTINGS = settings("ingest", without=["shards"])
PARTS = range(study.ingest.shards) if study.ingest.shards > 1 else []

SPLIT = [f"{ARCHIVE}/sets.csv"] if has_split(study) else []
# What headers don't say of an exam, where the archive has it.
EXAMS = (
    [f"{ARCHIVE}/exams.csv"]
    if study.source.exams
    or (not study.source.make and os.path.exists(f"{ARCHIVE}/exams.csv"))
    else []
)


# Only where nobody can be known by what the source holds do pseudonyms come from the public seed.
if not study.source.personal_data:
    NAMED_BY = ["--seed", study.seed]
else:
    NAMED_BY = ["--key", study.archive.key] if study.archive.key else []


# A source that makes its archive; else it was handed over.
if study.source.make:

    rule make_archive:
        input:
            brought=study.brought,
            settings=settings(study.archive.source, study.made_by),
            code=code(f"analysis.archive.sources.{study.archive.source}"),
        output:
            dicom=directory(f"{ARCHIVE}/dicom"),
            reports=f"{ARCHIVE}/reports.csv",
            readings=f"{ARCHIVE}/readings.csv",
            sets=SPLIT,
            exams=EXAMS,
        log:
            f"{COHORT}/logs/make_archive.log",
        benchmark:
            f"{COHORT}/benchmarks/make_archive.tsv"
        priority: 1
        conda:
            "../../envs/images.yaml"
        threads: CORES
        resources:
            **NEEDED,
        params:
            source=study.archive.source,
            seed=study.seed,
            release=released,
        message:
            f"Make the archive ({study.source.title})"
        shell:
            "python -m analysis --log {log} make-archive {params.source} --settings {input.settings}"
            " --seed {params.seed} --workers {threads} --out $(dirname {output.dicom})"


# One job that reads the files and makes the index of them, or several that read a part each.
if PARTS:

    rule read_headers:
        input:
            dicom=f"{ARCHIVE}/dicom",
            readings=f"{ARCHIVE}/readings.csv",
            settings=INGEST_SETTINGS,
            code=code("analysis.archive.parts"),
        output:
            f"{PRIVATE}/headers-{{shard}}.parquet",
        log:
            f"{COHORT}/logs/read_headers-{{shard}}.log",
        benchmark:
            f"{COHORT}/benchmarks/read_headers-{{shard}}.tsv"
        priority: 1
        conda:
            "../../envs/images.yaml"
        threads: CORES
        resources:
            **NEEDED,
        params:
            archive=folder_of("dicom"),
            shards=len(PARTS),
            inventory=holds,
        message:
            "Read the headers of part {wildcards.shard} of the archive"
        shell:
            "python -m analysis --log {log} read-headers {params.archive:q} --settings {input.settings}"
            " --shard {wildcards.shard} --shards {params.shards} --workers {threads} --private-folder $(dirname {output})"


rule ingest:
    input:
        dicom=[] if PARTS else f"{ARCHIVE}/dicom",
        headers=[f"{PRIVATE}/headers-{shard}.parquet" for shard in PARTS],
        reports=f"{ARCHIVE}/reports.csv",
        readings=f"{ARCHIVE}/readings.csv",
        exams=EXAMS,
        settings=INGEST_SETTINGS,
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
    priority: 1
    conda:
        "../../envs/images.yaml"
    threads: CORES
    resources:
        **NEEDED,
    params:
        archive=folder_of("readings"),
        headers=lambda wildcards, input: [f"--headers {path}" for path in input.headers],
        key=NAMED_BY,
        inventory=holds,
    message:
        "Index the archive, under pseudonyms"
    shell:
        "python -m analysis --log {log} ingest {params.archive:q} --settings {input.settings} {params.headers} {params.key:q}"
        " --workers {threads} --out $(dirname {output.images}) --private-folder $(dirname {output.private})"


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
    priority: 1
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        **NEEDED,
    params:
        archive=folder_of("dicom"),
        shards=len(SHARDS),
    message:
        "Prepare the images of shard {wildcards.shard}"
    shell:
        "python -m analysis --log {log} prepare --archive {params.archive:q} --images-index {input.images}"
        " --private {input.private} --settings {input.settings} --shard {wildcards.shard} --shards {params.shards}"
        " --out $(dirname {output.pixels})"
