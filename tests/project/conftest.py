"""Tests need no network, and share two cores."""

import gc
import os
from pathlib import Path

import pytest

from patchbook import starting  # noqa: F401  (before nbformat is imported)
from tests.project import drawing
from tests.project.selecting import IN_PIECES, is_chosen, is_for_later

os.environ["TQDM_DISABLE"] = "1"  # whether a bar shows depends on how busy the machine is
os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")  # the model in use: the one that ships
os.environ.setdefault("PATCHBOOK_DEVICE", "cpu")  # the same everywhere; test_devices asks for others
LONGEST = (
    "test_book.py",
    "test_hostile.py",
    "test_serving.py",
    "test_nothing_lost.py",
    "test_chapters.py",
    "test_mutants.py",
    "test_sample_class.py",
)
LATER = ("test_book_in_a_browser.py",)  # when the book is there


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """What shares work stays in one process; the files come in order, the longest first.

    xdist's own `--dist loadgroup` marks tests by changing their ids, which pytest 9.2 no longer lets it do.
    """
    from tests.project.scheduling import ByWork

    config.option.loadscopereorder = False
    return ByWork(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--touched", action="store_true", help="only quick tests, and those about what changed")
    parser.addoption(
        "--rows", choices=["all", "drawn"], default="all", help="of what goes row by row: see drawing.py"
    )


def pytest_configure(config: pytest.Config) -> None:
    drawing.every_row = config.getoption("rows") == "all"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not drawing.every_row:
        commit = drawing.commit()[:9] or "no commit"
        terminalreporter.line(f"Rows: a share, drawn by {commit}. All of them: make test ROWS=all")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.getoption("touched") and collection_path.name.startswith("test_"):
        return is_for_later(collection_path) or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is long and begins last keeps one core waiting for the other; small pieces fill the gap."""
    items.sort(key=lambda item: turn(item.path.name))
    if config.getoption("touched"):
        items[:] = filter(is_chosen, items)
    items[:] = drawing.drawn(items)


def turn(file: str) -> tuple[bool, ...]:
    return file in IN_PIECES, file in LATER, file not in LONGEST


def pytest_collection_finish() -> None:
    """What the libraries keep stays: the collector need not walk through all of it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", params=["tiny", "gpt2"])
def tokenizer(request: pytest.FixtureRequest):
    """Each of the two tokenizers that prompts are made for."""
    from tests.project.prompt_sets import gpt2_tokenizer

    return gpt2_tokenizer() if request.param == "gpt2" else request.getfixturevalue("tiny")


@pytest.fixture(scope="module")
def tiny():
    """The small models' tokenizer."""
    from patchbook.training.vocabulary import build_tokenizer

    return build_tokenizer()
