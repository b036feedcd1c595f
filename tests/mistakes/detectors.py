"""The known wrong ways of heads_with_high_average_pattern and the detectors built on it."""

from collections.abc import Callable

from patchbook.checking import Mistake
from patchbook.tests.mistakes.head_labels import (
    FINDS_NOTHING,
    LABEL_ROWS,
    LISTS_ALL,
    detect,
    detect_per_query,
)


def _with(condition: Callable, wrong: Callable) -> Callable:
    """A wrong way of heads_with_high_average_pattern, as a detector of one condition."""
    return lambda cache, threshold=0.4: wrong(cache, condition, threshold)


def _detector(condition: Callable, rows: tuple, without: tuple[str, ...] = ()) -> tuple[Mistake, ...]:
    """The wrong ways of a detector: its own conditions, and those of what it is built on."""
    own = [Mistake(id, _with(wrong, detect), what, next) for id, wrong, what, next in rows]
    built_on = [
        Mistake(id, _with(condition, wrong), what, next)
        for id, wrong, what, next in (*LABEL_ROWS, FINDS_NOTHING, LISTS_ALL)
        if id not in without
    ]
    return (*own, *built_on)


_PREVIOUS = "the condition is that of the previous token: key == query - 1."


_CURRENT = "the condition is that of the current token: key == query."


_FIRST = "the condition is that of the first token: key == 0."


current_attn_detector = _detector(
    lambda query, key: key == query,
    (
        ("previous-token", lambda query, key: key == query - 1, _PREVIOUS, "Here: key == query."),
        ("first-token", lambda query, key: key == 0, _FIRST, "Here: key == query."),
        (
            "first-query-missing",
            lambda query, key: key == query and query > 0,
            "position 0 is left out.",
            "Its pair (0, 0) counts too, although it can look nowhere else.",
        ),
    ),
    without=("all-pairs", "sum-not-mean", "largest-not-mean"),
)


prev_attn_detector = (
    *_detector(
        lambda query, key: key == query - 1,
        (
            (
                "current-token",
                lambda query, key: key == query,
                _CURRENT,
                "One token back is key == query - 1.",
            ),
            ("first-token", lambda query, key: key == 0, _FIRST, "One token back is key == query - 1."),
            (
                "next-token",
                lambda query, key: key == query + 1,
                "the condition is key == query + 1 (query and key swapped): no query can look ahead.",
                "The query looks back, so the key is one smaller: key == query - 1.",
            ),
            (
                "two-back",
                lambda query, key: key == query - 2,
                "the condition looks two tokens back.",
                "One token back is key == query - 1.",
            ),
            (
                "all-earlier",
                lambda query, key: key < query,
                "the condition lets all earlier keys through, not only the previous one.",
                "One token back is key == query - 1.",
            ),
        ),
        without=("finds-nothing",),
    ),
    Mistake(
        "divided-by-length",
        _with(lambda query, key: key == query - 1, detect_per_query),
        "the average counts one pair too many: the first query has no previous token.",
        "n positions have n - 1 pairs. (In Python, index -1 is the last position, not nothing.)",
    ),
)


first_attn_detector = _detector(
    lambda query, key: key == 0,
    (
        ("current-token", lambda query, key: key == query, _CURRENT, "Here: key == 0."),
        ("previous-token", lambda query, key: key == query - 1, _PREVIOUS, "Here: key == 0."),
        (
            "second-token",
            lambda query, key: key == 1,
            "the condition is key == 1: that is the second token.",
            "Positions are counted from 0, and BOS is one of them: key == 0.",
        ),
        (
            "first-query-missing",
            lambda query, key: key == 0 and query > 0,
            "the query at position 0 is left out.",
            "Count every query: its pair (0, 0) too.",
        ),
    ),
    without=("all-pairs", "sum-not-mean", "largest-not-mean"),
)
