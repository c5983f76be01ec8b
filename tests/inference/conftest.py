"""A small trained network, asked about new files."""

from tests.network.conftest import cohort, one_thread  # noqa: F401
from tests.release.conftest import card, study  # noqa: F401
