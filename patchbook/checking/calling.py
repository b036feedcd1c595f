"""How an implementation is called on a case's arguments, the learner's and ours alike."""

from collections.abc import Callable
from typing import Any


def call_in_order(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Positionally: what a learner calls their arguments is their business."""
    return implementation(*arguments.values())


def call_as_hook(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """As TransformerLens calls a hook: the activation first, the rest by name; in-place edits count."""
    (activation, *_), names = arguments.values(), list(arguments)[1:]
    result = implementation(activation, **{name: arguments[name] for name in names})
    return activation if result is None else result


def innermost(implementation: Any) -> Any:
    """The function with the code, through partials, wrappers, methods and callable objects."""
    while hasattr(implementation, "func") or hasattr(implementation, "__wrapped__"):
        implementation = getattr(implementation, "func", None) or implementation.__wrapped__
    if not hasattr(implementation, "__code__") and not isinstance(implementation, type):
        implementation = getattr(type(implementation), "__call__", implementation)  # noqa: B004 (a class's own)
    return getattr(implementation, "__func__", implementation)
