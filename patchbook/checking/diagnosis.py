"""Name what went wrong: try the exercise's known mistakes, then the ways any tensor goes wrong."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from patchbook.checking.check import Case, Check
from patchbook.checking.comparing import agree
from patchbook.checking.references import value_of


class Diagnosis(NamedTuple):
    """A short id for grading, what is wrong, and what to look at next."""

    id: str
    what: str
    next: str


class Result(NamedTuple):
    """One case as judged: the learner's value, the reference's, and how the contract is broken ("")."""

    case: Case
    got: Any
    want: Any
    broken: str


def diagnose(check: Check, results: list[Result], axes: tuple[str, ...]) -> Diagnosis | None:
    """The first explanation that reproduces the learner's value on every case.

    axes: names of the result's axes, for the text.
    """
    return known_mistake(check, results) or _usual_way([r for r in results if not r.case.raises], axes)


def known_mistake(check: Check, results: list[Result]) -> Diagnosis | None:
    """The first of the exercise's mistakes that gives the learner's value, or error, on every case."""
    for mistake in check.mistakes:
        if all(agree(r.got, value_of(check, mistake.wrong, r.case)) for r in results):
            return Diagnosis(mistake.id, mistake.what, mistake.next)
    return None


def _usual_way(results: list[Result], axes: tuple[str, ...]) -> Diagnosis | None:
    wants_and_gots = [(r.want, r.got) for r in results]
    if all(torch.is_tensor(v) for pair in wants_and_gots for v in pair):
        return _usual_ways(wants_and_gots, axes)
    if all(isinstance(v, int | float) for pair in wants_and_gots for v in pair):
        return _usual_ways([(torch.tensor(w), torch.tensor(g)) for w, g in wants_and_gots], axes)
    return None


def _usual_ways(pairs: list[tuple[torch.Tensor, torch.Tensor]], axes) -> Diagnosis | None:
    if len({want.dim() for want, _ in pairs}) > 1:
        return None  # the ways are named after axes: they must be the same in all cases
    for diagnosis, transform in _transforms(pairs, axes):
        moved = [(transform(want.double()), got) for want, got in pairs]
        if all(m is not None and agree(got, m) for m, got in moved):
            return diagnosis
    return None


def _transforms(pairs, axes: tuple[str, ...]) -> Iterator[tuple[Diagnosis, Callable]]:
    """Ways a right tensor turns wrong: each a diagnosis and the function that makes the wrong one."""
    want, got = pairs[0]
    names = axes if len(axes) == want.dim() else tuple(f"axis {i}" for i in range(want.dim()))
    for i, j in itertools.combinations(range(want.dim()), 2):
        yield (
            Diagnosis(
                "transposed",
                f"the axes {names[i]} and {names[j]} are swapped: the values are right, transposed.",
                f"Return the axes in the order ({', '.join(names)}).",
            ),
            lambda t, i=i, j=j: t.transpose(i, j),
        )
    yield (
        Diagnosis(
            "wrong-sign",
            "every value has the wrong sign.",
            "Which of the two is subtracted from which?",
        ),
        torch.neg,
    )
    for axis, name in enumerate(names):
        for step, side in ((1, "late"), (-1, "early")):
            yield (
                Diagnosis(
                    "off-by-one",
                    f"the values are right but sit one {name} too {side}.",
                    f"Compare your index along {name} with the text: it is off by one.",
                ),
                lambda t, axis=axis, step=step: t.roll(step, axis),
            )
        yield (
            Diagnosis(
                "reversed",
                f"the values are right but in reverse order along {name}.",
                f"Start counting {name} from 0.",
            ),
            lambda t, axis=axis: t.flip(axis),
        )
    yield from _dimensions(want, got)
    yield from _scale_and_shift(want, got)


def _dimensions(want: torch.Tensor, got: torch.Tensor) -> Iterator[tuple[Diagnosis, Callable]]:
    if got.dim() == want.dim() + 1:
        for axis in range(got.dim()):
            yield (
                Diagnosis(
                    "extra-axis",
                    f"the values are right but there is an extra axis of size 1 at position {axis}.",
                    f"Drop it: .squeeze({axis}), or index it, [{':, ' * axis}0].",
                ),
                lambda t, axis=axis: t.unsqueeze(axis),
            )
    if got.dim() < want.dim() and 1 in want.shape:
        yield (
            Diagnosis("missing-axis", "the values are right but an axis of size 1 is gone.", "Keep it."),
            lambda t: t.squeeze() if t.squeeze().dim() == got.dim() else None,
        )


def _scale_and_shift(want: torch.Tensor, got: torch.Tensor) -> Iterator[tuple[Diagnosis, Callable]]:
    """A constant factor or a constant offset, read off the first case's largest value."""
    if got.shape != want.shape or not want.numel() or not got.double().isfinite().all():
        return
    peak = want.double().abs().flatten().argmax()
    top_want, top_got = want.double().flatten()[peak], got.double().flatten()[peak]
    factor, offset = (top_got / top_want).item(), (top_got - top_want).item()
    if want.numel() > 1 and abs(factor) > 1e-6:
        yield (
            Diagnosis(
                "wrong-scale",
                f"every value is {factor:.4g} times the right one.",
                "Look for a missing or doubled division: a mean taken as a sum, a forgotten scale.",
            ),
            lambda t: t * factor,
        )
    if want.numel() > 1:
        yield (
            Diagnosis(
                "wrong-offset",
                f"every value is {offset:+.4g} away from the right one.",
                "A constant was added or left out: a bias, a baseline, a 1.",
            ),
            lambda t: t + offset,
        )
