"""Tests need no network, and share two cores."""

import os

import pytest

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares work stays in one process: a file (a built book, a graded class), an exercise."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(exercise_of(item) or item.path.name))


def exercise_of(item: pytest.Item) -> str:
    """The exercise that a test of the checks is about, "" for other tests."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return parameters.get("exercise") or getattr(parameters.get("answer"), "exercise", "")
