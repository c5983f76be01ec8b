# What all rules share: the checked configuration, the paths of the study, and the files of code a rule depends on.
import fcntl
import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(workflow.basedir))

from analysis.study.configuration import has_split, load_study, write_section
from analysis.errors import StudyError

# Threads of the rules that can use all cores. `workflow.cores` stops where none were asked for, as with --report and on
# a cluster, whose profile sets the threads.
CORES = workflow.resource_settings.cores or 1

try:
    study = load_study(
        config, " + ".join(os.path.relpath(path) for path in workflow.configfiles)
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


wildcard_constraints:
    grading="|".join(GRADINGS),
    shard=r"\d+",
    seed=r"\d+",


def settings(name, section=None):
    """The file with one section of the configuration, rewritten only when it changed."""
    return write_section(
        section or getattr(study, name), f"{COHORT}/settings/{name}.yaml"
    )


@cache
def _imports():
    import grimp

    return grimp.build_graph("analysis", cache_dir=".cache/grimp")


@cache
def code(*modules):
    """The files of `modules` and of all they import within this project: an edit to one reruns the rule."""
    graph = _imports()
    names = set(modules).union(
        *(graph.find_upstream_modules(module) for module in modules)
    )
    paths = [name.replace(".", "/") for name in sorted(names)]
    return [
        f"{path}/__init__.py" if os.path.isdir(path) else f"{path}.py" for path in paths
    ]


def hold_folder():
    """Refuse a second run at once: both would write the same files.

    Unlike Snakemake's own lock, which survives a killed run, this one ends with its process.
    """
    global running
    os.makedirs(".snakemake", exist_ok=True)
    running = open(".snakemake/running", "w")
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError(
            "Another run is at work in this folder; wait for it, or stop it."
        )
