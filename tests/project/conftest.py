"""Tests need no network, and share two cores."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadScopeScheduling:
    """What shares work stays in one process; the files come in order, the longest first.

    xdist's own `--dist loadgroup` marks tests by changing their ids, which pytest 9.2 no longer lets it do.
    """
    config.option.loadscopereorder = False
    return ByWork(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long file that begins last keeps one core waiting for the other."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


class ByWork(LoadScopeScheduling):
    """Tests of one exercise share its cases, runs of one chapter a kernel, tests of one file its fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        name, _, parameters = test.rstrip("]").partition("[")
        shared = file.endswith("test_checks.py") or name in RUNS_A_CHAPTER
        return parameters.split("-")[0] if shared and parameters else file


LONGEST = ("test_book.py", "test_hostile.py", "test_sample_class.py")
RUNS_A_CHAPTER = (
    "test_a_solution_runs_from_top_to_bottom",
    "test_untouched_stubs_stop_nothing_but_their_own_checks",
)
