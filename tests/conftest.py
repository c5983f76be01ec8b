"""How the tests are shared out between two processes, and that none fails for being slow."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# On a machine that is busy with the smoke study an example may take long, which is no failure. Examples are the same on
# every run: what passes here passes there.
settings.register_profile("study", deadline=None, derandomize=True)
settings.load_profile("study")


class ByFile(LoadScopeScheduling):
    """The tests of a file stay together, and so do all those that share the smoke study."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "workflow" if "/workflow/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Share out by file."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the smoke study, which takes longest."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
