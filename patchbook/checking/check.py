"""What a check is made of: cases, a reference that carries the contract, and the known wrong ways."""

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One seeded input.

    description: what a learner reads, such as "3 heads, 11 × 11 pattern".
    arguments: builds the arguments afresh each time, in order, so that nobody sees another's edits.
    grad: whether autograd is on while the learner's function runs.
    """

    description: str
    arguments: Callable[[], dict[str, Any]]
    grad: bool = True


@dataclass(frozen=True)
class Mistake:
    """A known wrong way: the function a learner would have written, and what to say about it."""

    id: str
    wrong: Callable
    what: str
    next: str = ""


def call_in_order(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Positionally: what a learner calls their arguments is their business."""
    return implementation(*arguments.values())


def call_as_hook(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """As TransformerLens calls a hook: the activation first, the rest by name; in-place edits count."""
    (activation, *_), names = arguments.values(), list(arguments)[1:]
    result = implementation(activation, **{name: arguments[name] for name in names})
    return activation if result is None else result


@dataclass(frozen=True)
class Check:
    """A whole check.

    reference: the specification; its annotations are the contract (jaxtyping axes and all).
    call: how an implementation is run on a case's arguments; returns the value to compare.
    may_change: arguments that the exercise is allowed to edit in place.
    agrees: compares a value with the reference's, `agrees(got, want) -> bool`; None is exact or
        allclose by type.
    ready_made: extra modules or functions, by full name, whose use inside the learner's function is refused.
    gives: what `call` returns, where that is not what the function itself returns (jaxtyping axes and all).
    facts: for functions that draw at random. Each case runs twice; the contract holds for both values,
        and `facts(arguments, (first, second))` is compared in their place. It must be the same for every
        right answer, and must not raise on wrong ones.
    explain: for answers that may be right in several ways. `explain(arguments, value)` is a Diagnosis of what
        is wrong with a value, or None; it takes the place of contract, comparison and mistakes.
    """

    exercise: str
    title: str
    cases: Callable[[int], Iterable[Case]]
    reference: Callable
    mistakes: tuple[Mistake, ...] = ()
    call: Callable[[Callable, dict[str, Any]], Any] = call_in_order
    may_change: frozenset[str] = field(default=frozenset())
    agrees: Callable[[Any, Any], bool] | None = None
    ready_made: tuple[str, ...] = ()
    gives: Any = None
    facts: Callable[[dict[str, Any], tuple[Any, Any]], Any] | None = None
    explain: Callable[[dict[str, Any], Any], Any] | None = None

    @property
    def return_type(self) -> Any:
        """The type of what `call` returns: the contract of a value."""
        return self.gives or inspect.signature(self.reference).return_annotation

    def observed(self, implementation: Callable, arguments: dict[str, Any]) -> Any:
        """What a Record keeps of one case: the value, or both values of a function that draws at random.

        torch's generator starts from the same state each time, so the same code gets the same verdict, and
        is put back afterwards.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            value = self.call(implementation, arguments)
            return value if self.facts is None else (value, self.call(implementation, arguments))

    def values(self, observed: Any) -> tuple[Any, ...]:
        """The value or values within it. A Record from elsewhere may hold anything."""
        both = self.facts is not None and isinstance(observed, tuple) and len(observed) == 2
        return observed if both else (observed,)

    def compared(self, arguments: Callable[[], dict[str, Any]], observed: Any) -> Any:
        """What is compared of it. arguments: a case's, made afresh where they are needed."""
        if self.facts is None:
            return observed
        values = self.values(observed)
        return self.facts(arguments(), (values[0], values[-1]))

    def run(self, implementation: Any, seed: int = 0) -> None:
        """Observe, judge, and print one line. Raises CheckFailed."""
        from patchbook.checking.judging import judge
        from patchbook.checking.observing import observe

        record = observe(self, implementation, seed)
        judge(self, record)
        print(f"✓ {self.exercise}: right on all {len(record.outcomes)} cases.")


def checks(reference: Callable, mistakes: Iterable[Mistake] = (), **options) -> Callable:
    """Turn a function that yields a seed's cases into the test function a learner calls.

    >>> @checks(specification.current_attn_detector, mistakes.current_attn_detector)
    ... def test_current_attn_detector(seed): yield Case("…", lambda: dict(cache=…, threshold=0.4))
    >>> test_current_attn_detector(my_function)          # prints one line or raises CheckFailed

    The test keeps its Check as `.check`.
    """

    def decorate(cases: Callable[[int], Iterable[Case]]) -> Callable:
        check = Check(
            exercise=cases.__name__.removeprefix("test_"),
            title=inspect.getdoc(cases) or "",
            cases=functools.lru_cache(maxsize=8)(lambda seed: tuple(cases(seed))),
            reference=reference,
            mistakes=tuple(mistakes),
            **options,
        )

        @functools.wraps(cases)
        def test(implementation: Any, seed: int = 0) -> None:
            check.run(implementation, seed)

        del test.__wrapped__  # help() must show the arguments a learner gives
        test.__annotations__ = {"implementation": Any, "seed": int, "return": None}
        test.check = check
        return test

    return decorate
