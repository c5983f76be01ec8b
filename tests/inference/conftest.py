"""A small trained network, asked about new files."""

from tests.release.conftest import card, cohort, one_thread, study  # noqa: F401
