"""What chapter 4's exercises must compute: the next day, prompts made of days, and days put wrong."""

from patchbook import zoo

CYCLES = tuple(tuple(zoo.words(name)) for name in ("days", "months", "seasons"))


DAYS = CYCLES[0]


STEPS_ON = {"same as the answer": 1, "the day after the answer": 2}


def successor(word: str, step: int = 1) -> str:
    """The word so many steps on in its cycle. ValueError for a word of no cycle."""
    for cycle in CYCLES:
        for place, candidate in enumerate(cycle):
            if candidate == word:
                return cycle[(place + step) % len(cycle)]
    raise ValueError(f"{word!r} is no day, month or season")


def today_prompts(pattern: str, words: list[str], step: int = 1) -> list[tuple[str, str, str]]:
    """For each word: the pattern with it, the right answer and the wrong one, each with a space."""
    return [(pattern.replace("{}", word), " " + successor(word, step), " " + word) for word in words]


def corrupt_day(day: str, way: str) -> str:
    """The day that takes a prompt's day's place. ValueError for an unknown day or way."""
    if day not in DAYS or way not in STEPS_ON:
        raise ValueError(f"no such day or way: {day!r}, {way!r}")
    return successor(day, STEPS_ON[way])
