"""What cases of chapter 7 are held against: right and wrong functions jaccard."""

from patchbook.checking import Bench, Mistake
from patchbook.tests.mistakes import overlaps

_WRONG = {row.id: row.wrong for row in overlaps.jaccard}


def jaccard(circuit: list[str], other: list[str]) -> float:
    either = {*circuit, *other}
    both = [edge for edge in either if edge in circuit and edge in other]
    return len(both) / len(either) if either else 1.0


def _of_sets(circuit, other):
    one, two = set(circuit), set(other)
    return 1.0 if one == two else len(one & two) / len(one | two)


def _of_sizes(circuit, other):
    one, two = frozenset(circuit), frozenset(other)
    both = len(one) + len(two) - len(one.union(two))
    return both / max(len(one.union(two)), 1) if one or two else 1.0


def _place_by_place(circuit, other):
    one, two = (list(dict.fromkeys(edges)) for edges in (circuit, other))
    both = sum(a == b for a, b in zip(one, two, strict=False))
    return both / (len(one) + len(two) - both) if one or two else 1.0


cases_for_jaccard = Bench(
    right=(jaccard, _of_sets, _of_sizes),
    wrong=(
        Mistake(
            "over-the-smaller",
            _WRONG["over-the-smaller"],
            "it divides by the size of the smaller circuit.",
            "Are your circuits of two sizes?",
        ),
        Mistake(
            "over-the-first",
            _WRONG["over-the-first"],
            "it gives the share of the first circuit that is in the second.",
            "Does a function give the same both ways round? Try both.",
        ),
        Mistake(
            "dice",
            _WRONG["dice"],
            "what is shared counts twice, above and below the line.",
            "Where circuits are equal or share nothing, that makes no difference.",
        ),
        Mistake(
            "repeats-counted",
            _WRONG["repeats-counted"],
            "an edge that is listed twice counts twice.",
            "A circuit is a set, but a list can hold more.",
        ),
        Mistake(
            "nothing-shares-nothing",
            _WRONG["nothing-shares-nothing"],
            "two empty circuits score 0, though they are the same circuit.",
            "Which circuit is the smallest?",
        ),
        Mistake(
            "place-by-place",
            _place_by_place,
            "it compares edges place by place: the same edges in another order are others.",
            "In which order do your circuits list their edges?",
        ),
    ),
    enough=5,
)
