"""What cases of chapter 3 are held against: right and wrong functions capitalisation_type."""

from patchbook.checking import Bench, Mistake
from patchbook.tests.mistakes import capitals_types

_KINDS = {"upper": str.isupper, "lower": str.islower, "numeral": str.isnumeric}
_WRONG = {row.id: row.wrong for row in capitals_types.capitalisation_type}


def capitalisation_type(str_token: str) -> str:
    space, first = ("space", str_token[1:2]) if str_token[:1] == " " else ("no-space", str_token[:1])
    return next((f"{space}+{kind}" for kind, fits in _KINDS.items() if fits(first)), "other")


def _step_by_step(str_token):
    spaced = str_token.startswith(" ")
    rest = str_token[1:] if spaced else str_token
    if not rest:
        return "other"
    if rest[0].isupper():
        kind = "upper"
    elif rest[0].islower():
        kind = "lower"
    elif rest[0].isnumeric():
        kind = "numeral"
    else:
        return "other"
    return ("space+" if spaced else "no-space+") + kind


def _from_a_table(str_token):
    bare = str_token.removeprefix(" ")
    kinds = [kind for kind, fits in _KINDS.items() if bare and fits(bare[0])]
    return "+".join(["no-space" if bare == str_token else "space", *kinds]) if kinds else "other"


def _needs_a_character(str_token):
    first = str_token.removeprefix(" ")[0]
    return capitalisation_type(str_token) if first else "other"


cases_for_capitalisation_type = Bench(
    right=(capitalisation_type, _step_by_step, _from_a_table),
    wrong=(
        Mistake(
            "judged-by-the-space",
            _WRONG["leading-space-forgotten"],
            "it judges a token that begins with a space by the space.",
            "How do most tokens in the middle of a sentence begin?",
        ),
        Mistake(
            "small-letter-must-follow",
            _WRONG["upper-needs-a-small-letter"],
            "a capital only counts when a small letter follows it.",
            "Which English word is one capital letter?",
        ),
        Mistake(
            "all-spaces-off",
            _WRONG["spaces-stripped"],
            "it takes off all spaces at the start, however many.",
            "Source code is full of tokens with more than one space.",
        ),
        Mistake(
            "no-capital-is-lower",
            _WRONG["not-upper-is-lower"],
            "what is neither capital nor numeral counts as lower.",
            "Which tokens hold no letter and no numeral?",
        ),
        Mistake(
            "english-letters-only",
            _WRONG["ascii-only"],
            "it knows the letters of the English alphabet only.",
            "Which letters are not among the 26?",
        ),
        Mistake(
            "needs-a-character",
            _needs_a_character,
            "it breaks on a token that has nothing after the space.",
            "What is the shortest token that you can think of?",
        ),
    ),
    enough=5,
)
