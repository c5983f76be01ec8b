"""How the tests are shared out between processes, and that none fails for being slow."""

import os
import re

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# Three processes share the cores, and what they start keeps to one thread as well. Said before torch or BLAS is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# On a machine that is busy with the smoke study an example may take long, which is no failure. Examples are the same on
# every run: what passes here passes there.
settings.register_profile("study", deadline=None, derandomize=True)
settings.load_profile("study")

#: Files that share what takes long to make; the group that takes longest begins first.
TOGETHER = {
    r"workflow/test_(active_learning|archive|bundle|external|report|run|smoke)\.py": "smoke study",
    r"reading/": "archive that is read",
    r"(presentation|manuscript)/": "invented studies",
    r"simulate/": "simulated archive",
    r"(release|inference)/": "trained network",
}


def group(nodeid: str) -> str:
    """Return what a test shares with others: its file, if nothing else."""
    file = nodeid.partition("::")[0]
    return next((name for files, name in TOGETHER.items() if re.match(f"tests/{files}", file)), file)


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # which comes without types
    """A group of tests is run by one process."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByGroup:
    """Share out by group."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and see that the smoke study is made once."""
    for item in items:
        if "smoke" in getattr(item, "fixturenames", ()) and group(item.nodeid) != "smoke study":
            raise pytest.UsageError(f"{item.nodeid} uses the smoke study; name its file in TOGETHER.")
    order = list(TOGETHER.values())
    items.sort(key=lambda item: order.index(name) if (name := group(item.nodeid)) in order else len(order))
