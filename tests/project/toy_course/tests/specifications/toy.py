"""What the toy exercises must compute."""


def double(x: int) -> int:
    return 2 * x


def shout(text: str) -> str:
    return text.upper() + "!"


def cases_for_double() -> list[dict]:
    return [{"x": 4, "expect": 8}, {"x": -1, "expect": -2}]


def my_guess() -> list[str]:
    return ["L0H1"]
