"""Cases as chapter 4 wants them: words and steps for a step round a cycle."""


def cases_for_successor() -> list[dict]:
    """The end of a cycle, a step back, a step longer than the cycle, and a month."""
    return [
        {"word": "Monday", "step": 2, "expect": "Wednesday"},
        {"word": "Sunday", "expect": "Monday"},
        {"word": "Monday", "step": -1, "expect": "Sunday"},
        {"word": "Friday", "step": 15, "expect": "Saturday"},
        {"word": "December", "step": 9, "expect": "September"},
    ]
