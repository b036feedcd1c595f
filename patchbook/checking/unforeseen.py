"""What to say of a wrong answer that no known mistake and no usual way explains."""

from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking.arguments import fresh
from patchbook.checking.comparing import agree
from patchbook.checking.diagnosis import Diagnosis, Result
from patchbook.checking.messages import number
from patchbook.checking.patterns import Pattern, pattern

NOTHING_FOUND = "Work the value named above out by hand, and print each step of it."


def unforeseen(wrong: list[Result], right: list[Result], axes: tuple[str, ...]) -> Diagnosis:
    """What the wrong values have in common, and what their cases have that the right ones have not."""
    given, others = ([fresh(r.case) for r in results] for results in (wrong, right))
    found = given_back([r.got for r in wrong], given) or pattern([(r.got, r.want) for r in wrong], axes)
    apart = set_apart(given, others)
    number_right = (
        f"{len(right)} of {len(right) + len(wrong)} cases {'is' if len(right) == 1 else 'are'} right"
    )
    when = f"; wrong where {apart}" if apart else ""
    what = found.what if found else "the values differ from the reference"
    following = (
        found.next if found else f"Follow what becomes of it where {apart}." if apart else NOTHING_FOUND
    )
    return Diagnosis("first-difference", f"{what} ({number_right}{when}).", following)


def given_back(gots: list[Any], given: list[dict[str, Any]]) -> Pattern | None:
    """An argument that comes back as it was. given: the arguments of each case."""
    for name in given[0]:
        if all(name in a and _is_that(got, a[name]) for got, a in zip(gots, given, strict=True)):
            return Pattern(f"it returns `{name}` as it was", "Return what you made of it.")
    return None


def _is_that(got: Any, given: Any) -> bool:
    tensors = torch.is_tensor(got) and torch.is_tensor(given)
    return (tensors or (isinstance(got, list | str | dict) and bool(got))) and agree(got, given)


def set_apart(wrong: list[dict[str, Any]], right: list[dict[str, Any]]) -> str:
    """What is true of the arguments of all wrong cases and of no right one, in words; "" if nothing is."""
    if not right or not wrong:
        return ""
    names = dict.fromkeys(name for given in (*wrong, *right) for name in given)
    facts = [[dict.fromkeys(_facts(given, names)) for given in cases] for cases in (wrong, right)]
    common = (fact for fact in facts[0][0] if all(fact in others for others in facts[0]))
    telling = [fact for fact in common if not any(fact in others for others in facts[1])]
    return " and ".join(telling[:2])


def _facts(given: dict[str, Any], names: Any) -> Iterator[str]:
    """What can be said of a case's arguments. names: of all cases' arguments; some are not always given."""
    for name in names:
        value = given.get(name)
        if name not in given:
            yield f"{name} is not given"
        elif isinstance(value, bool | int | str) or value is None:
            yield f"{name} is {number(value) if value is not None else None}"
            yield from _signs(name, value)
        elif isinstance(value, float):
            yield from _signs(name, value)
        elif torch.is_tensor(value):
            yield f"{name} is {str(value.dtype).removeprefix('torch.')}"
            yield from (f"{name} has size 1 along axis {i}" for i, n in enumerate(value.shape) if n == 1)
            yield f"{name} has {value.dim()} axes"
        elif isinstance(value, list | dict | tuple):
            yield f"{name} is empty" if not value else f"{name} holds {len(value)}"
    yield from (f"{name} is given" for name in names if name in given)


def _signs(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield f"{name} is {'0' if value == 0 else 'negative' if value < 0 else 'positive'}"
