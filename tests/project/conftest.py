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
    exercise = parameters.get("exercise") or getattr(parameters.get("answer"), "exercise", "")
    chapter = parameters.get("chapter", "") if "kernel" in item.fixturenames else ""
    return exercise or chapter or item.path.name
