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
    "test_wrong_answers_are_told_what_is_wrong": 10,
    "test_right_answers_pass": 10,
    "test_the_cases_tell_every_mistake_from_the_reference_and_the_others": 10,
    "test_every_case_tells_right_from_wrong_by_far": 4,
    "test_a_record_judged_elsewhere_gives_the_same_verdict": 8,
    "test_an_untouched_stub_is_called_unwritten_and_stops_nothing": 4,
    "test_a_check_says_of_a_slip_what_its_page_says": 8,
    "test_a_solution_passes_its_hidden_tests": 4,
    "test_a_result_in_another_form_is_as_right": 8,
    "test_a_function_made_in_another_way_is_as_right": 8,
    "test_a_mutant_of_each_solution_is_refused": 4,
    "test_two_calls_are_given_nothing_in_common": 4,
    "test_a_solution_runs_from_top_to_bottom": 6,
    "test_untouched_stubs_stop_nothing": 5,
    "test_a_training_that_was_interrupted_ends_with_the_same_bytes": 2,
    "test_a_shipped_card_tells_the_truth": 3,
    "test_sweeps_agree_with_transformer_lens_on_awkward_models": 3,
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
