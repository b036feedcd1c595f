"""Answers to chapter 6: the CPR of circuits drawn by lot. A function stands for the number it returns."""

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


@right("random_cpr")
def the_last_triangle(shares):
    return (shares[-1] - shares[-2]) * 1 / 2


@right("random_cpr")
def every_trapezoid(shares):
    f = [0.0] * (len(shares) - 1) + [1.0]
    return sum((shares[i] - shares[i - 1]) * (f[i] + f[i - 1]) / 2 for i in range(1, len(f)))


@right("random_cpr")
def rounded(shares):
    return round(0.5 - shares[-2] / 2, 2)


@wrong("random_cpr", "no-area")
def nothing_at_all(shares):
    return 0


@wrong("random_cpr", "rectangle")
def the_last_step(shares):
    return 1 - shares[-2]


@wrong("random_cpr", "other-grid")
def as_published(shares):
    return 0.25


@wrong("random_cpr", "other-side")
def its_cmd(shares):
    return 1 - (1 - shares[-2]) / 2


@wrong("random_cpr", "one-line")
def a_straight_line(shares):
    return 0.5


@wrong("random_cpr", "mean")
def mean_of_f(shares):
    return 1 / len(shares)


@wrong("random_cpr", "not-a-number")
def in_words(shares):
    return "small"


@wrong("random_cpr", "other-area")
def a_guess(shares):
    return 0.9
