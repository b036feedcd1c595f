"""Predict before you run: say what will come out, and see it beside what came out.

    predict("random_halves", 0.5)            # in a cell of its own, before
    reveal("random_halves", overlap)         # in the cell that shows the answer

It is for the learner alone: no mark depends on it, nothing is kept when the kernel ends, and neither call
raises, whatever it is given. A page of the book is nobody's session, so there only the answer stands.
"""

from typing import Any

from patchbook.sessions import on_a_page

OPEN = "?"  # what stands in a notebook that nobody has written in
LONGEST = 60  # characters of a prediction that are said
_said: dict[str, str] = {}  # name -> the prediction, in words


def predict(name: str, prediction: Any) -> None:
    """Commit a prediction; a later one under the same name takes its place. "?" is none.

    >>> predict("random_halves", 0.5)
    Your prediction: 0.5
    """
    said = in_words(prediction)
    if on_a_page():
        return
    if said == OPEN:
        _said.pop(name, None)
        print("No prediction yet: write yours in place of the question mark.")
    else:
        _said[name] = said
        print(f"Your prediction: {said}")


def reveal(name: str, answer: Any) -> None:
    """Say what came out, in one line, and what was predicted.

    >>> reveal("random_halves", 1 / 3)
    You predicted 0.5. It is 0.33.
    """
    came = f"{answer:z.2f}" if isinstance(answer, float) else in_words(answer)
    if on_a_page():
        print(f"It is {came}.")
    elif name in _said:
        print(f"You predicted {_said[name]}. It is {came}.")
    else:
        print(f"It is {came}. (You committed no prediction: the surprise is half of the lesson.)")


def in_words(value: Any) -> str:
    """A value as text, on one line and not long."""
    try:
        text = " ".join((value if isinstance(value, str) else repr(value)).split())
    except Exception:  # a learner's own object may have any fault
        text = type(value).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
