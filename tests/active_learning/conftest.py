"""The network's cohort, of which exams are asked for."""

from tests.network.conftest import cohort, one_thread  # noqa: F401
