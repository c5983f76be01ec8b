# What all rules share: the checked configuration, the paths of the study, and the files of code a rule depends on.
#
# Reading these files writes nothing: a dry run, with whatever settings, leaves a study alone that is running beside it.
import fcntl
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import sourcecache_entry

sys.path.insert(0, str(Path(workflow.current_basedir).parents[1]))

# Snakemake asks pandas, where it is installed, whether a parameter is one of its tables. None is, and nothing else in this
# process asks for pandas, which is a fifth of the time that a study takes to be found finished.
sys.modules.setdefault("pandas", None)

from analysis.study.altered import altered, outdated
from analysis.study.configuration import (
    as_file,
    has_split,
    load_study,
    read_configuration,
)
from analysis.study.resources import images, needed, share
from analysis.errors import StudyError
from analysis.files import is_whole
from analysis.grading.scheme import load_scheme

# Threads of the rules that can use all cores. `workflow.cores` stops where none were asked for, as with --report and on
# a cluster, whose profile sets the threads.
CORES = workflow.resource_settings.cores or 1
# Threads of the rules that use many cores badly: two of them run side by side. The way from the archive to the estimates has
# priority 1: what stands beside it, as the simulations of the statistics, fills the cores that it leaves.
HALF = max(1, CORES // 2)

# Snakemake's own reading of the configuration takes YAML 1.1 and keeps the last of two equal keys in silence.
GIVEN = workflow.config_settings
CONFIG_FILES = [
    os.path.relpath(path)
    for path in (
        *(() if GIVEN.replace_workflow_config else ("config.yaml",)),
        *GIVEN.configfiles,
    )
]
try:
    study = load_study(
        read_configuration(CONFIG_FILES, GIVEN.config_args or ()),
        " + ".join(CONFIG_FILES),
    )
except StudyError as error:
    raise WorkflowError(str(error))

# Caches that libraries would put into the home folder stay inside the clone.
os.environ.setdefault("MPLCONFIGDIR", os.path.abspath(".cache/matplotlib"))
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.abspath(".cache/numba"))

COHORT = f"results/{study.cohort.name}"
STUDY = f"{COHORT}/{study.grading}"
GRADINGS = sorted(path.stem for path in Path("workflow/gradings").glob("*.yaml"))
SHARDS = range(study.images.shards)
SEEDS = study.network.seeds
PLACES = {seed: place for place, seed in enumerate(SEEDS)}


wildcard_constraints:
    grading="|".join(GRADINGS),
    section=r"[a-z0-9_-]+-[0-9a-f]{12}",
    shard=r"\d+",
    seed=r"\d+",


SETTINGS = {}


def settings(name, section=None, without=()):
    """The file of a section of the configuration (or of another one given), which the rule `settings` makes.

    Its name holds its content, so that nothing but the section itself changes what a step reads; what rests on it is
    made anew when the name is another one, and not for the file's age. Keys that only say which jobs there are (`without`)
    don't stand in it.
    """
    text, content = as_file(section or getattr(study, name), without)
    SETTINGS[f"{name}-{content}"] = text
    return ancient(f"{COHORT}/settings/{name}-{content}.yaml")


CONFIG = settings("study", study)  # the whole of it


def source(paths):
    """Files that come with the code: they are read where that is, and never put into a cloud's storage."""
    if isinstance(paths, str):
        return sourcecache_entry(paths, paths)
    return [source(path) for path in paths]


def beside(path):
    """A path of the results as a job finds it: where it puts its own, which without a shared file system is elsewhere."""

    def found(wildcards, output):
        return str(output[0]).rpartition(f"{COHORT}/")[0] + path.format(**wildcards)

    return found


def filled(outputs, **values):
    """The outputs of a rule with some wildcards filled in.

    Without a shared file system they are in a place of the job's own by then, which `expand` can't tell from a path.
    """
    outputs = [outputs] if isinstance(outputs, str) else outputs
    places = [str(path).rpartition(f"{COHORT}/")[2] for path in outputs]
    plain = [f"{COHORT}/{place}" for place in places]
    return expand(plain, **values)


SCHEME = source("workflow/gradings/{grading}.yaml")


@cache
def _imports():
    import grimp

    return grimp.build_graph("analysis", cache_dir=None)  # a cache would be written


@cache
def code(*modules):
    """The files of `modules` and of all they import within this project: an edit to one reruns the rule."""
    graph = _imports()
    names = set(modules).union(
        *(graph.find_upstream_modules(module) for module in modules)
    )
    paths = [name.replace(".", "/") for name in sorted(names)]
    return source(
        f"{path}/__init__.py" if os.path.isdir(path) else f"{path}.py" for path in paths
    )


def need(name):
    """The memory or the time that a job asks for, by what it has before it; see `analysis/study/resources.py`."""

    def asked(wildcards, input, threads, attempt, rulename):
        there = FROM_ARCHIVE and os.path.isdir(ARCHIVE)
        files = inventory(ARCHIVE).files if there else None
        count = images(rulename, study, dict(input.items()), files)
        return getattr(
            needed(rulename, study, count, max(1, threads), attempt, GPUS), name
        )

    return asked


NEEDED = dict(mem_mb=need("mem_mb"), runtime=need("runtime"))
# Training asks for a GPU unless the study is to do without; the other steps only where it is to have one.
GPUS = int(study.network.device != "cpu")
GPU_ELSE = int(study.network.device == "cuda")


def whole(folder):
    """An input that is none: it has a folder made again that has lost a file.

    Snakemake takes a folder for an output as a whole and doesn't look into it; which files it had is listed there.
    """

    def look(wildcards):
        path = folder.format(**wildcards)
        if not is_whole(path):
            workflow.dag.forcefiles.add(path)
        return []

    return look


# What is told when the run starts.
NOTES = []

LOGS = [*Path(COHORT).glob("logs/*.log"), *Path(COHORT).glob("*/logs/*.log")]
# An archive is no result, even where the study made it: it may be added to. Nothing is made of a manuscript or a card, so
# that people may work in these.
ALTERED = [
    path
    for path in altered(LOGS, Path(COHORT).glob("settings/*.yaml"))
    if not re.match(rf"{re.escape(COHORT)}/(archive|[^/]+/(manuscript|card))\b", path)
]
NOTES += [
    f"{path} isn't as it was made; what needs it makes it anew." for path in ALTERED
]


@cache
def _remade():
    found = {*ALTERED, *outdated(LOGS, SETTINGS)}
    return found | {os.path.dirname(path) for path in found}  # some are of a folder


def as_made(wildcards):
    """An input that is none, and that all steps come to: what was changed by hand, or set otherwise, is made again."""
    workflow.dag.forcefiles.update(_remade())
    return []


def refuse(target, when, why):
    """Say in a sentence why a target can't be made by this study, where somebody asks for it.

    Snakemake knows its targets only after it has read the rules, and would name a file that is missing.
    """
    if when and target in sys.argv[1:]:
        raise WorkflowError(why)


def hold_folder():
    """Refuse a second run at once: both would write the same files, also from two clones whose results are one folder.

    Unlike Snakemake's own lock, which survives a killed run, this one ends with its process.
    """
    global running
    os.makedirs("results", exist_ok=True)
    running = open("results/.running", "w")
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError(
            "Another run is at work in this folder; wait for it, or stop it."
        )
    except OSError:
        NOTES.append(
            "The file system of 'results' knows no locks: start no second run beside this one."
        )
