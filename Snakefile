# The study, from an archive of raw radiographs to a manuscript:
#
#   snakemake --cores all                                            the default study, simulated
#   snakemake --cores all --configfile workflow/studies/smoke.yaml   the same on some 40 exams
#   snakemake active_learning --cores all                            what active learning would have spared
#   snakemake browse --cores all                                     the test exams, to be looked through
#   snakemake learning_curve --cores all                             how many exams it takes
#   snakemake compare_networks --cores all                           other networks on the same test exams
#   snakemake bundle --cores all                                     a zip for reviewers, who need no images
#   snakemake --report report.html                                   what was run, and its results
#
# config.yaml holds every parameter; what a stage needs and makes stands at the head of its rules.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/paths.smk"
include: "workflow/rules/settings.smk"
include: "workflow/rules/others.smk"


if FROM_ARCHIVE:

    include: "workflow/rules/archive.smk"
    include: "workflow/rules/cohort.smk"
    include: "workflow/rules/network.smk"


# Without training there is nothing to learn actively, and no network that leaves its study.
TRAINS = FROM_ARCHIVE and not TRAINED
for target in ("active_learning", "learning_curve"):
    refuse(
        target,
        not TRAINS,
        f"{target} trains networks, which takes an archive and no network.trained; a bundle, and a study of a network that "
        "was trained elsewhere, train none.",
    )
if TRAINS:

    include: "workflow/rules/rounds.smk"
    include: "workflow/rules/active_learning.smk"
    include: "workflow/rules/curve.smk"
    include: "workflow/rules/learning_curve.smk"


include: "workflow/rules/statistics.smk"
include: "workflow/rules/manuscript.smk"
include: "workflow/rules/gradings.smk"
include: "workflow/rules/networks.smk"


refuse(
    "browse",
    not FROM_ARCHIVE,
    "browse shows the test exams' radiographs, of which a bundle holds none.",
)
if FROM_ARCHIVE:

    include: "workflow/rules/browse.smk"


if TRAINS:

    include: "workflow/rules/card.smk"


include: "workflow/rules/provenance.smk"


# Every result of the study by the rule that makes it, so that one that was deleted is made again.
MADE = [
    *("evaluate", "coverage", "false_positives", "sample_size", "audit", "check"),
    *("config", "tables", "figures", "values", "manuscript", "provenance"),
]
if FROM_ARCHIVE:
    MADE += ["ingest", "prepare", "select", "reference", "agreement"]
    MADE += ["characterise", "predict"]
    MADE += [
        "attribute",
        "check_privacy",
        *(["train", "card"] if TRAINS else ["carry"]),
    ]
    MADE += ["make_archive"] if study.source.make else []


rule all:
    default_target: True
    input:
        [
            path
            for name in MADE
            for path in filled(
                getattr(rules, name).output,
                grading=study.grading,
                shard=SHARDS,
                seed=SEEDS,
            )
        ],
        filled(rules.reference.output, grading=TASKS) if FROM_ARCHIVE else [],


onstart:
    hold_folder()
    if FROM_ARCHIVE and not TRAINED:
        forget_development()
    print(*NOTES, sep="\n", end="\n" if NOTES else "", file=sys.stderr)


onsuccess:
    print(
        headline(Path(STUDY), f"{study.cohort.title}, {study.grading}"),
        file=sys.stderr,
    )
    if TRAINS:
        show_queue()
