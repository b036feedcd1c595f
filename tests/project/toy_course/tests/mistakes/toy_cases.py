"""What cases of the toy chapter are held against."""

from patchbook.checking import Bench, Mistake


def double(x: int) -> int:
    return x + x


cases_for_double = Bench(
    right=(double, lambda x: 2 * x, lambda x: x * 4 // 2),
    wrong=(
        Mistake("adds-two", lambda x: x + 2, "it adds 2.", "What is the double of 2?"),
        Mistake("squares", lambda x: x * x, "it squares.", "What is the square of 2?"),
        Mistake("no-sign", lambda x: abs(2 * x), "it drops the sign.", "What of numbers below 0?"),
    ),
    enough=2,
    outside=lambda x: "" if abs(x) < 100 else "numbers of two digits are enough",
)
