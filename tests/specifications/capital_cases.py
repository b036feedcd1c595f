"""Cases as chapter 3 wants them: tokens for a token's type."""


def cases_for_capitalisation_type() -> list[dict]:
    """One token for each way to go wrong."""
    expected = {
        " the": "space+lower",
        " I": "space+upper",
        "  a": "other",
        "(": "other",
        " É": "space+upper",
        " ": "other",
        " 7th": "space+numeral",
        "The": "no-space+upper",
    }
    return [{"str_token": token, "expect": type} for token, type in expected.items()]
