"""Tests need no network, and share two cores."""

import os

import pytest

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships
LONGEST = ("test_book.py", "test_hostile.py", "test_sample_class.py")


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """What shares work stays in one process; the files come in order, the longest first.

    xdist's own `--dist loadgroup` marks tests by changing their ids, which pytest 9.2 no longer lets it do.
    """
    from tests.project.scheduling import ByWork

    config.option.loadscopereorder = False
    return ByWork(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long file that begins last keeps one core waiting for the other."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
