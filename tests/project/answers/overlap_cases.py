"""Answers to chapter 7: cases for Jaccard's overlap."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_jaccard"


def case(circuit, other, expect):
    """Circuits in words: "ab" stands for the edges a and b."""
    return {"circuit": [*circuit], "other": [*other], "expect": expect}


@right(NAME)
def small_ones():
    return [case("abc", "c", 1 / 3), case("a", "ab", 0.5), case("aab", "ab", 1), case("", "", 1)]


@right(NAME)
def all_but_nothing_at_all():
    return [case("abcd", "dc", 0.5), case("cd", "abcd", 0.5), case("aaa", "ab", 0.5)]


@right(NAME)
def with_real_edges():
    circuit = [f"L0H{head} -> L1H0.{part}" for head in range(3) for part in "qkv"]
    shuffled = [*reversed(circuit)] * 2
    return (
        case(circuit, circuit[3:], 6 / 9),
        case(circuit, shuffled, 1.0),
        case(circuit[6:], circuit, 1 / 3),
    )


@wrong(NAME, "no-cases")
def no_circuit():
    return []


@wrong(NAME, "slipped-through")
def equal_or_apart():
    return [case("ab", "ab", 1.0), case("ab", "cd", 0.0)]


@wrong(NAME, "slipped-through")
def two_of_the_same_size():
    return [case("abc", "bcd", 0.5), case("ab", "cd", 0.0)]


@wrong(NAME, "refuses-right")
def nothing_has_nothing_in_common():
    return [case("abc", "c", 1 / 3), case("", "", 0.0)]


@wrong(NAME, "refuses-right")
def how_many():
    return [case("abc", "bcd", 2)]


@wrong(NAME, "outside-domain")
def edges_that_are_numbers():
    return [{"circuit": [1, 2], "other": [2], "expect": 0.5}]


@wrong(NAME, "outside-domain")
def sets_for_lists():
    return [{"circuit": {"a", "b"}, "other": {"b"}, "expect": 0.5}]


@wrong(NAME, "other-arguments")
def one_circuit():
    return [{"circuit": ["a"], "expect": 1.0}]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_jaccard")
