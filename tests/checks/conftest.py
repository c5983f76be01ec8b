"""The study of invented gradings, whose results are checked."""

from tests.grading.conftest import study  # noqa: F401
