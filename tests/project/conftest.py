"""Tests need no network, and share two cores."""

import os

import pytest

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays in one process, for its fixtures (a built book, a graded class); test_checks does not."""
    for item in items:
        if item.path.name != "test_checks.py":
            item.add_marker(pytest.mark.xdist_group(item.path.name))
