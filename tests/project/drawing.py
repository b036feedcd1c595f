"""What `make test` runs of tests that go through rows: those of what changed, and a share of the others.

The share is drawn by the commit, so that one commit always gets the same rows, and many commits get all.
`make test ROWS=all` runs every row, as CI does. So does pytest when nobody says `--rows=drawn`.
"""

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.project import selecting
from tests.project.selecting import git

OF_EXERCISES = 10  # of so many exercises one, with the rows of all these tests: they share its cases
BY_EXERCISE = (
    "test_wrong_answers_are_told_what_is_wrong",
    "test_right_answers_pass",
    "test_the_cases_tell_every_mistake_from_the_reference_and_the_others",
    "test_every_case_tells_right_from_wrong_by_far",
    "test_a_record_judged_elsewhere_gives_the_same_verdict",
    "test_an_untouched_stub_is_called_unwritten_and_stops_nothing",
    "test_a_check_says_of_a_slip_what_its_page_says",
    "test_a_solution_passes_its_hidden_tests",
    "test_a_result_in_another_form_is_as_right",
    "test_a_function_made_in_another_way_is_as_right",
    "test_a_mutant_of_each_solution_is_refused",
    "test_two_calls_are_given_nothing_in_common",
)
SHARES = {  # of the exercises, chapters, models of a test's rows one in so many
    **dict.fromkeys(BY_EXERCISE, OF_EXERCISES),
    "test_a_solution_runs_from_top_to_bottom": 9,
    "test_untouched_stubs_stop_nothing": 9,
    "test_a_solution_says_that_all_is_right": 9,  # as many chapters run in the book
    "test_a_training_that_was_interrupted_ends_with_the_same_bytes": 2,
    "test_a_shipped_card_tells_the_truth": 3,
    "test_sweeps_agree_with_transformer_lens_on_awkward_models": 3,
}
every_row = True  # until pytest's options are read


def some(rows: Iterable, share: int) -> list:
    """One in `share` of the rows, in their order; all of them where all are wanted."""
    rows = list(rows)
    return rows if every_row else rows[lot(str(len(rows))) % min(share, len(rows)) :: share]


def drawn(tests: list[pytest.Item]) -> list[pytest.Item]:
    """The tests without the rows that are left for another commit, if any are."""
    subjects = defaultdict(set)
    for test in tests:
        subjects[test.originalname].add(subject(test.name))
    kept = {name: share_of(subjects[name], name) for name in SHARES}
    return [t for t in tests if t.originalname not in kept or subject(t.name) in kept[t.originalname]]


def share_of(subjects: Iterable[str], test: str) -> set[str]:
    """Those that a test gets: what uncommitted changes name, and its share of all."""
    subjects = set(subjects)
    if every_row:
        return subjects
    count = math.ceil(len(subjects) / SHARES[test])
    draw = "" if test in BY_EXERCISE else test
    in_turn = sorted(subjects, key=lambda name: lot(f"{draw} {name}"))
    return subjects & selecting.words() | set(in_turn[:count])


def subject(name: str) -> str:
    """What a row of a test is about, an exercise or a chapter: the first parameter, "" if it has none."""
    _, _, parameters = name.rstrip("]").partition("[")
    return parameters.split("-")[0]


def lot(name: str) -> int:
    """A number for a name, by this commit: the lowest ones are drawn."""
    return zlib.crc32(f"{commit()} {name}".encode())


def commit() -> str:
    """The last one; nothing where the course lies in no repository."""
    return git("rev-parse", "HEAD").strip()
