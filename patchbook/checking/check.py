"""What a check is made of: cases, a reference that carries the contract, and the known wrong ways.

Data only. Running one is in `running`.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from patchbook.checking.calling import call_in_order


@dataclass(frozen=True)
class Case:
    """One seeded input.

    description: what a learner reads, such as "3 heads, 11 × 11 pattern".
    arguments: builds the arguments afresh each time, in order, so that nobody sees another's edits.
    raises: the error that a right answer raises here, such as ValueError; None where it gives a value.

    Autograd is off, as in every notebook.
    """

    description: str
    arguments: Callable[[], dict[str, Any]]
    raises: type[Exception] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Mistake:
    """A known wrong way: the function a learner would have written, and what to say about it."""

    id: str
    wrong: Callable
    what: str
    next: str = ""


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
    bench: Any = None

    @property
    def return_type(self) -> Any:
        """The type of what `call` returns: the contract of a value."""
        return self.gives or inspect.signature(self.reference).return_annotation

    @property
    def compares(self) -> bool:
        """Whether a value is compared with the reference's: otherwise there are several right ones."""
        return self.explain is None and self.bench is None

    @property
    def calls(self) -> int:
        """How often a case calls an implementation."""
        return 1 if self.facts is None else 2
