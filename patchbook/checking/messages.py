"""What a learner reads when a check fails: what is wrong, where, and what to look at next."""

import textwrap

from patchbook.outline import address

WIDTH = 96


class CheckFailed(AssertionError):
    """A check that did not pass. Short, and drawn without a traceback into our code.

    exercise: the exercise's name; diagnosis: a short id such as "transposed" (grading counts them).
    more: where the book has this diagnosis with an example; "" for an exercise that is in no book.
    """

    def __init__(self, exercise: str, diagnosis: str, what: str, where: str = "", next: str = ""):
        self.exercise, self.diagnosis = exercise, diagnosis
        self.what, self.where, self.next = what, where, next
        self.more = address(exercise, diagnosis)
        super().__init__(_layout(exercise, what, where, next, self.more))

    def _render_traceback_(self) -> list[str]:
        """IPython calls this in place of its own traceback (5 frames of ours would hide the message)."""
        return ["CheckFailed: " + str(self)]


def _layout(exercise: str, what: str, where: str, next: str, more: str) -> str:
    parts = [f"{exercise} is not right yet."]
    for label, text in (("What", what), ("Where", where), ("Next", next)):
        if text:
            parts += textwrap.wrap(
                text, WIDTH, initial_indent=f"  {label + ':':<7}", subsequent_indent=" " * 9
            )
    if more:
        parts.append(f"  More:  {more}")  # in one piece, so that it can be pressed
    return "\n".join(parts)


def number(value) -> str:
    """A value short enough to read: 4 significant digits."""
    if isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, tuple | list):
        start, end = "()" if isinstance(value, tuple) else "[]"
        return start + textwrap.shorten(", ".join(map(number, value)), 60) + end
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError):
        return textwrap.shorten(repr(value), 60)


def listing(values, most: int = 5) -> str:
    """The first few of a list, and how many more there are."""
    values = [str(v) for v in values]
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return (", ".join(values[:most]) or "none") + more
