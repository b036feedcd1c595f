"""What the toy exercises must compute."""


def double(x: int) -> int:
    return 2 * x


def shout(text: str) -> str:
    return text.upper() + "!"


def my_guess() -> list[str]:
    return ["L0H1"]
