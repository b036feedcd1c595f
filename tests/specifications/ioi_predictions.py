"""What chapter 2's exercises must compute: which heads do what in the circuit."""

from collections.abc import Callable

from patchbook.checking.labels import HeadScores


def my_name_movers(measure: Callable[[], HeadScores]) -> list[str]:
    """The heads of the measured model that reach both of the chapter's lines for a name mover."""
    return measure().labels(0.0)


def my_s_inhibition_heads(measure: Callable[[], HeadScores]) -> list[str]:
    """The same for S-inhibition heads."""
    return measure().labels(0.0)


def my_duplicate_token_heads(measure: Callable[[], HeadScores]) -> list[str]:
    """The same for duplicate-token heads."""
    return measure().labels(0.0)
