"""What cases of chapter 4 are held against: right and wrong functions successor."""

from patchbook import zoo
from patchbook.checking import Bench, Mistake
from patchbook.tests.mistakes import days_words

_CYCLES = tuple(tuple(zoo.words(name)) for name in ("days", "months", "seasons"))
_WRONG = {row.id: row.wrong for row in days_words.successor}


def successor(word: str, step: int = 1) -> str:
    cycle = next(cycle for cycle in _CYCLES if word in cycle)
    return cycle[(cycle.index(word) + step) % len(cycle)]


def _one_by_one(word, step=1):
    cycle = next(cycle for cycle in _CYCLES if word in cycle)
    following = dict(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    for _ in range(step % len(cycle)):
        word = following[word]
    return word


def _by_turning(word, step=1):
    (cycle,) = (list(cycle) for cycle in _CYCLES if word in cycle)
    turns = divmod(step, len(cycle))[1]
    return (cycle[turns:] + cycle[:turns])[cycle.index(word)]


def _outside(word, step=1):
    if not any(word in cycle for cycle in _CYCLES):
        return f"{word!r} is no day, month or season"
    return "" if abs(step) <= 100 else "100 steps each way are enough"


cases_for_successor = Bench(
    right=(successor, _one_by_one, _by_turning),
    wrong=(
        Mistake(
            "step-ignored",
            _WRONG["step-ignored"],
            "it always goes one step on, whatever the step is.",
            "Which steps do your cases take?",
        ),
        Mistake(
            "sign-ignored",
            lambda word, step=1: successor(word, abs(step)),
            "it never goes back: it takes the step without its sign.",
            "Which steps do your cases take? What is yesterday?",
        ),
        Mistake(
            "stops-at-the-end",
            _WRONG["stops-at-the-end"],
            "it stops at the ends of a cycle: after the last word comes the last word.",
            "From which words is it a step over the edge?",
        ),
        Mistake(
            "wraps-once",
            _WRONG["wraps-once"],
            "it goes round once at most, and breaks on a longer way.",
            "How long is your longest step, beside the length of the cycle?",
        ),
        Mistake(
            "always-seven",
            _WRONG["always-seven"],
            "it takes every cycle to have seven words.",
            "Which other cycles are there?",
        ),
        Mistake(
            "cycles-run-together",
            _WRONG["cycles-run-together"],
            "it takes days, months and seasons for one long list.",
            "What would such a function say at the end of a cycle?",
        ),
    ),
    enough=5,
    outside=_outside,
)
