"""What a wrong answer that nobody foresaw has in common: where it is wrong, and how.

Each pattern is tried on all wrong cases, the most telling first; one that holds in every one of them is told.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from patchbook.checking.comparing import ATOL, RTOL, agree
from patchbook.checking.messages import listing


class Pattern(NamedTuple):
    """What is common to the wrong values, and what to look at next."""

    what: str
    next: str


Pair = tuple[Any, Any]  # (got, want)


def pattern(pairs: list[Pair], axes: tuple[str, ...] = ()) -> Pattern | None:
    """The first pattern that holds for all pairs of a wrong value and the right one. axes: their names."""
    if all(isinstance(v, dict) for pair in pairs for v in pair):
        return _of_dicts(pairs)
    if all(isinstance(v, str) for pair in pairs for v in pair):
        return _of_texts(pairs)
    if all(isinstance(v, list | tuple) for pair in pairs for v in pair):
        return _of_lists(pairs)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for pair in pairs for v in pair):
        pairs = [(torch.tensor(got), torch.tensor(want)) for got, want in pairs]
    if not all(torch.is_tensor(v) and v.numel() for pair in pairs for v in pair):
        return None
    if any(got.shape != want.shape for got, want in pairs):
        return None
    return _of_tensors([(got.double(), want.double()) for got, want in pairs], axes)


def _of_dicts(pairs: list[Pair]) -> Pattern | None:
    keys = pairs[0][1].keys()
    if any(got.keys() != keys or want.keys() != keys for got, want in pairs):
        return None
    wrong = [key for key in keys if not all(agree(got[key], want[key]) for got, want in pairs)]
    within = pattern([p for p in ((g[wrong[0]], w[wrong[0]]) for g, w in pairs) if not agree(*p)])
    right = [repr(key) for key in keys if key not in wrong]
    names = " and ".join(map(repr, wrong)) if len(wrong) < 3 else listing(map(repr, wrong))
    only = (
        f"only {names} {'is' if len(wrong) == 1 else 'are'} wrong" if right else "all of its keys are wrong"
    )
    more = f" ({wrong[0]!r}: {within.what})" if within else ""
    return Pattern(
        f"{only}{more}", within.next if within else f"{listing(right)} right: look at {names} alone."
    )


def _of_texts(pairs: list[Pair]) -> Pattern | None:
    if all(got.lower() == want.lower() for got, want in pairs):
        return Pattern(
            "the text is right but for capital letters", "Print it with repr(…), letter by letter."
        )
    if all(got.split() == want.split() for got, want in pairs):
        return Pattern(
            "the text is right but for its spaces", "Print it with repr(…): where is a space too many?"
        )
    return None


def _of_lists(pairs: list[Pair]) -> Pattern | None:
    if all(len(got) < len(want) and list(got) == list(want)[: len(got)] for got, want in pairs):
        return Pattern(
            "it is right as far as it goes, but too short", "What is left out at its end, and why?"
        )
    if all(len(want) < len(got) and list(want) == list(got)[: len(want)] for got, want in pairs):
        return Pattern("it begins right, but goes on too long", "When should it stop?")
    if all(sorted(map(repr, got)) == sorted(map(repr, want)) for got, want in pairs):
        return Pattern("the right items are there, in another order", "In which order are they wanted?")
    return None


def _of_tensors(pairs: list[tuple[Tensor, Tensor]], axes: tuple[str, ...]) -> Pattern | None:
    dims = {want.dim() for _, want in pairs}
    named = len(dims) == 1 and len(axes) == max(dims)
    names = axes if named else tuple(f"axis {i}" for i in range(max(dims)))
    for holds, what, following in _WHOLE:
        if all(holds(got, want) for got, want in pairs):
            return Pattern(what, following)
    if len(dims) > 1:
        return None
    ways = (_wrong_at_one_place, _half, _each_its_own, _right_at_one_place)
    return next(filter(None, (find(pairs, names) for find in ways)), None)


def _wrong(got: Tensor, want: Tensor) -> Tensor:
    scale = ATOL * max(1.0, want.nan_to_num(0.0, 0.0, 0.0).abs().max().item())
    return ~torch.isclose(got, want, rtol=RTOL, atol=scale, equal_nan=True)


def _has_nan(got: Tensor, want: Tensor) -> bool:
    return bool((got.isnan() & ~want.isnan()).any())


def _has_inf(got: Tensor, want: Tensor) -> bool:
    return bool((got.isinf() & ~want.isinf()).any())


def _constant(got: Tensor, want: Tensor) -> bool:
    return got.numel() > 1 and bool((got == got.flatten()[0]).all()) and not _one_value(want)


def _one_value(tensor: Tensor) -> bool:
    return bool((tensor == tensor.flatten()[0]).all())


def _size_only(got: Tensor, want: Tensor) -> bool:
    return not _wrong(got.abs(), want.abs()).any()


def _permuted(got: Tensor, want: Tensor) -> bool:
    return got.numel() > 1 and not _wrong(got.flatten().sort().values, want.flatten().sort().values).any()


def _close(got: Tensor, want: Tensor) -> bool:
    return bool(((got - want).abs() <= 0.02 * want.abs().clamp(min=1e-3)).all())


_WHOLE: tuple[tuple[Callable[[Tensor, Tensor], bool], str, str], ...] = (
    (_has_nan, "there is nan where numbers are wanted", "0 / 0 and the mean of nothing are nan."),
    (_has_inf, "there is inf where numbers are wanted", "Something is divided by 0: print the divisor."),
    (
        lambda got, want: not got.any(),
        "every value is 0",
        "Is what you compute written into the result? And is anything compared with itself?",
    ),
    (
        _constant,
        "all values are the same, and should not be",
        "Print what changes from one round of the loop to the next: nothing that matters does.",
    ),
    (_size_only, "the values are right but for some signs", "Is a minus or an absolute value lost?"),
    (
        _permuted,
        "the right values are there, in other places",
        "Print the indices with which you write the result, and those that you read with.",
    ),
    (
        _close,
        "the values are close, but not close enough",
        "Something small is missing or rounded: a bias, an eps, one item of a mean, a number typed in.",
    ),
)  # fmt: skip


def _wrong_at_one_place(pairs: list[tuple[Tensor, Tensor]], names: tuple[str, ...]) -> Pattern | None:
    """Wrong at one index of an axis only, the same in all cases (or the last)."""
    return _one_place(pairs, names, "wrong", 2)


def _right_at_one_place(pairs: list[tuple[Tensor, Tensor]], names: tuple[str, ...]) -> Pattern | None:
    return _one_place(pairs, names, "right", 3)


def _one_place(
    pairs: list[tuple[Tensor, Tensor]], names: tuple[str, ...], kind: str, least: int
) -> Pattern | None:
    for axis, name in enumerate(names):
        rows = [_wrong(got, want).transpose(0, axis).flatten(1).any(1) for got, want in pairs]
        where = _common_index([row if kind == "wrong" else ~row for row in rows], least)
        if where:
            return Pattern(
                f"only {where.format(name=name)} is {kind}",
                f"What is different there? Follow one right and one wrong value of {name}.",
            )
    return None


def _common_index(flags: list[Tensor], least: int) -> str:
    """ "{name} 2" or "the last {name}", where one flag is set in each row, the same one; else ""."""
    if not all(len(row) >= least and row.sum() == 1 for row in flags):
        return ""
    places = [int(row.nonzero()[0, 0]) for row in flags]
    if all(place == len(row) - 1 for place, row in zip(places, flags, strict=True)):
        return "the last {name}"
    return f"{{name}} {places[0]}" if len(set(places)) == 1 else ""


def _half(pairs: list[tuple[Tensor, Tensor]], names: tuple[str, ...]) -> Pattern | None:
    """Wrong on one side of the diagonal of the last two axes only."""
    if len(names) < 2 or any(want.shape[-1] != want.shape[-2] for _, want in pairs):
        return None
    row, column = names[-2:]
    wrong = [_wrong(got, want) for got, want in pairs]
    sides: Iterator[tuple[str, Callable[[Tensor], Tensor]]] = iter(
        (
            (f"{column} is {row}", lambda w: w & ~torch.eye(w.shape[-1], dtype=torch.bool)),
            (f"{column} comes after {row}", lambda w: w.tril()),
            (f"{column} comes before {row}", lambda w: w.triu()),
        )
    )
    for side, elsewhere in sides:
        if not any(elsewhere(w).any() for w in wrong):
            return Pattern(f"only values where {side} are wrong", "What is wanted there? Draw the square.")
    return None


def _each_its_own(pairs: list[tuple[Tensor, Tensor]], names: tuple[str, ...]) -> Pattern | None:
    """A factor or an offset that depends on one axis only."""
    for axis, name in enumerate(names):
        if any(want.shape[axis] < 2 or want.numel() == want.shape[axis] for _, want in pairs):
            continue
        rows = [tuple(t.transpose(0, axis).flatten(1) for t in pair) for pair in pairs]
        for change, what, following in _BY_ROW:
            if all(_same_along(change(got, want)) for got, want in rows):
                return Pattern(what.format(name=name), following.format(name=name))
    return None


_BY_ROW: tuple[tuple[Callable[[Tensor, Tensor], Tensor], str, str], ...] = (
    (
        lambda got, want: got / want,
        "each {name} is the right one times a factor of its own",
        "A mean, a sum or a scale goes over the wrong axis, or is another {name}'s.",
    ),
    (
        lambda got, want: got - want,
        "each {name} is away from the right one by an amount of its own",
        "Something is added or subtracted once for each {name}: is it another's, or left out?",
    ),
)


def _same_along(rows: Tensor) -> bool:
    """Whether each row holds one value."""
    return bool(rows.isfinite().all()) and torch.allclose(
        rows, rows[:, :1].expand_as(rows), rtol=1e-3, atol=1e-5
    )
