"""Answers to chapter 4: cases for a step round a cycle."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_successor"


def cases(*rows):
    return [{"word": word, "step": step, "expect": expect} for word, step, expect in rows]


@right(NAME)
def over_every_edge():
    return cases(
        ("Saturday", 2, "Monday"),
        ("Tuesday", -2, "Sunday"),
        ("Sunday", 14, "Sunday"),
        ("January", 11, "December"),
    )


@right(NAME)
def all_four_seasons():
    words = ["Spring", "Summer", "Autumn", "Winter"]
    round_and_round = cases(*(("Winter", step, words[(3 + step) % 4]) for step in (1, 2, 9, -5)))
    return [*round_and_round, {"word": "August", "step": 1, "expect": "September"}]


@right(NAME)
def as_tuples():
    return tuple(cases(("Monday", 3, "Thursday"), ("Monday", -8, "Sunday"), ("May", 30, "November")))


@wrong(NAME, "no-cases")
def no_day():
    return []


@wrong(NAME, "slipped-through")
def plain_tomorrows():
    return cases(("Monday", 1, "Tuesday"), ("Wednesday", 1, "Thursday"))


@wrong(NAME, "slipped-through")
def days_only_and_short_steps():
    return cases(("Sunday", 1, "Monday"), ("Monday", 2, "Wednesday"), ("Tuesday", 0, "Tuesday"))


@wrong(NAME, "refuses-right")
def a_week_of_eight_days():
    return cases(("Monday", 8, "Monday"))


@wrong(NAME, "refuses-right")
def a_small_letter():
    return cases(("Monday", 1, "tuesday"))


@wrong(NAME, "outside-domain")
def a_word_of_no_cycle():
    return cases(("Yesterday", 1, "Today"))


@wrong(NAME, "outside-domain")
def half_a_step():
    return cases(("Monday", 0.5, "Monday"))


@wrong(NAME, "outside-domain")
def a_step_of_many_digits():
    return cases(("Monday", 7 * 10**30, "Monday"))


@wrong(NAME, "other-arguments")
def two_words_at_once():
    return [{"word": "Monday", "other": "Tuesday", "expect": "Tuesday"}]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_successor")
