"""How the tests are shared out between two processes."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together, and those that share the smoke study; these take longest and come first."""
    for item in items:
        workflow = item.path.parent.name == "workflow"
        item.add_marker(pytest.mark.xdist_group("workflow" if workflow else item.path.as_posix()))
    items.sort(key=lambda item: item.path.parent.name != "workflow")
