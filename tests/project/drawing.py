"""What `make test` runs of tests that go through rows: those about what changed, a share of the others.

The share is drawn by the commit, so that one commit always gets the same rows, and a week's commits get all.
`make test ROWS=all` runs every row, as CI does. So does pytest when nobody says `--rows=drawn`.
"""

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.project.selecting import git, is_named

SHARES = {  # of a test's rows one in so many
    "test_wrong_answers_are_told_what_is_wrong": 5,
    "test_right_answers_pass": 4,
    "test_the_cases_tell_every_mistake_from_the_reference_and_the_others": 4,
    "test_a_record_judged_elsewhere_gives_the_same_verdict": 4,
    "test_a_check_says_of_a_slip_what_its_page_says": 6,
    "test_a_solution_passes_its_hidden_tests": 3,
    "test_a_result_in_another_form_is_as_right": 4,
    "test_a_function_made_in_another_way_is_as_right": 4,
    "test_a_mutant_of_each_solution_is_refused": 4,
    "test_a_solution_runs_from_top_to_bottom": 4,
    "test_untouched_stubs_stop_nothing": 3,
}
every_row = True  # until pytest's options are read


def some(rows: Iterable, share: int) -> list:
    """One in `share` of the rows, in their order; all of them where all are wanted."""
    rows = list(rows)
    return rows if every_row else rows[first(share, str(len(rows))) :: share]


def drawn(tests: list[pytest.Item]) -> list[pytest.Item]:
    """The tests without the rows that are left for another commit."""
    seen, kept = Counter(), []
    for test in tests:
        name = test.originalname
        share = SHARES.get(name, 1)
        if seen[name] % share == first(share, name) or is_named(test):
            kept.append(test)
        seen[name] += 1
    return kept


def first(share: int, of: str) -> int:
    """The number of the first row that this commit takes."""
    return random.Random(f"{commit()} {of}").randrange(share)


def commit() -> str:
    """The last one; nothing where the course lies in no repository."""
    return git("rev-parse", "HEAD").strip()
