"""Tests need no network, and share two cores."""

import os

import pytest

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares work stays in one process: an exercise's cases, a chapter's kernel, a file's fixtures."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(shared_by(item)))


def shared_by(item: pytest.Item) -> str:
    """The exercise whose check is tried, the chapter that is run, or the file."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if item.path.name == "test_checks.py" and parameters:
        return parameters.get("exercise") or parameters["answer"].exercise
    if item.path.name == "test_chapters.py" and "kernel" in item.fixturenames:
        return parameters["chapter"]
    return item.path.name
