"""Answers to chapter 3: cases for a token's type."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_capitalisation_type"


def cases(**expected):
    return [{"str_token": token, "expect": type} for type, token in expected.items()]


@right(NAME)
def written_out():
    return [
        {"str_token": " The", "expect": "space+upper"},
        {"str_token": "USA", "expect": "no-space+upper"},
        {"str_token": "   return", "expect": "other"},
        {"str_token": "?", "expect": "other"},
        {"str_token": "", "expect": "other"},
        {"str_token": "über", "expect": "no-space+lower"},
    ]


@right(NAME)
def of_pairs():
    pairs = [(" I", "space+upper"), (" a", "space+lower"), ("\n", "other"), ("  b", "other"), (" ", "other")]
    return [dict(zip(("str_token", "expect"), pair, strict=True)) for pair in pairs]


@right(NAME)
def by_a_comprehension():
    others = [{"str_token": token, "expect": "other"} for token in ("  x", "_y", " (", "")]
    return [*others, {"str_token": " Ö", "expect": "space+upper"}]


@wrong(NAME, "no-cases")
def none_yet():
    return []


@wrong(NAME, "slipped-through")
def plain_words():
    return cases(**{"space+upper": " The", "space+lower": " the", "no-space+upper": "The"})


@wrong(NAME, "slipped-through")
def one_of_each_type():
    types = {"space+upper": " A", "space+lower": " b", "no-space+numeral": "7", "other": "!"}
    return cases(**types)


@wrong(NAME, "refuses-right")
def two_spaces_are_a_space():
    return cases(**{"space+lower": "  a", "other": "!"})


@wrong(NAME, "refuses-right")
def another_spelling():
    return cases(upper=" The")


@wrong(NAME, "outside-domain")
def a_number_for_a_text():
    return [{"str_token": 7, "expect": "no-space+numeral"}]


@wrong(NAME, "outside-domain")
def a_whole_book():
    return [{"str_token": "a" * 10**5, "expect": "no-space+lower"}]


@wrong(NAME, "too-many")
def every_letter():
    return [{"str_token": letter, "expect": "no-space+lower"} for letter in "abcdefghijklmnopqrstuvwxyz"]


@wrong(NAME, "other-arguments")
def under_another_name():
    return [{"token": " The", "expect": "space+upper"}]


@wrong(NAME, "not-cases")
def pairs_for_dictionaries():
    return [(" The", "space+upper")]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_capitalisation_type")
