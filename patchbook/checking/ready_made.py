"""Ready-made answers: while a learner's function runs, calling one is refused, under whatever name.

For that time the functions have other code, which refuses. So a call costs nothing more than it did, a thread
is no way around, and profilers and debuggers go on as they were. It is a reminder, for notebooks: in grading
these functions are not there.
"""

import contextlib
import functools
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

READY_MADE = (
    "transformer_lens.patching",
    "transformer_lens.tools.analysis",
    "transformer_lens.head_detector",
    "patchbook.checking.fallback",
    "patchbook.patching",
    "patchbook.tests.specifications",
)
FREE = ("patchbook.patching.graph",)  # of these: it names a model's edges, and measures nothing
STUB = """
def outer():
    _ = {set}None
    def stub(*arguments, **options):
        from patchbook.checking.ready_made import refuse
        refuse({name!r})
        return ({get})
    return stub
"""

_used: list[list[str]] = []  # of each learner's function that runs now: what it called


class ReadyMade(Exception):
    """Raised inside a learner's function that calls a ready-made answer."""


def refuse(name: str) -> None:
    """What the functions do instead."""
    _used[-1].append(name)
    raise ReadyMade(name)


@contextlib.contextmanager
def refused(names: Iterable[str], used: list[str]) -> Iterator[None]:
    """Within it, calls into modules of READY_MADE and of `names` raise ReadyMade.

    names: modules, packages and functions by their full names. The names of those that were called are
    appended to `used`, so that catching the exception hides nothing; so is a module that was imported.
    """
    names = (*READY_MADE, *names)
    named = tuple(map(pkgutil.resolve_name, names))  # which imports them
    loaded = len(sys.modules)
    own = [(function, function.__code__) for function in _functions_of(names, named, loaded)]
    _used.append(used)
    try:
        for function, code in own:
            function.__code__ = _stub(function.__module__, function.__qualname__, code.co_freevars)
        yield
    finally:
        for function, code in own:
            function.__code__ = code
        _used.pop()
        if not used and len(sys.modules) > loaded:
            used += [name for name in list(sys.modules)[loaded:] if _is_in(name, names)]


@functools.lru_cache
def _functions_of(names: tuple[str, ...], named: tuple[Any, ...], loaded: int) -> tuple[FunctionType, ...]:
    """Each function once. loaded: how many modules there are; with more of them the answer may be another."""
    modules = [sys.modules[name] for name in list(sys.modules) if _is_in(name, names)]
    inside = [value for module in modules for value in vars(module).values() if _is_of(value, module)]
    return tuple(dict.fromkeys(f for value in (*named, *inside) for f in _functions_in(value)))


def _is_in(module: str, names: tuple[str, ...]) -> bool:
    return (
        module.startswith(names)
        and any(f"{module}.".startswith(f"{name}.") for name in names)
        and module not in FREE
    )


def _is_of(value: Any, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """A function and what it wraps; the methods of a class."""
    if isinstance(value, FunctionType):
        yield value
    if isinstance(value, type):
        for member in vars(value).values():
            yield from _functions_in(member)
    elif callable(value) or isinstance(value, classmethod | property):
        for inner in ("__wrapped__", "fget"):
            yield from _functions_in(getattr(value, inner, None))


@functools.cache
def _stub(module: str, qualname: str, free: tuple[str, ...]) -> CodeType:
    """Code that refuses, for a function with these free variables: it must have as many."""
    cells = {"set": "".join(f"{name} = " for name in free), "get": ", ".join(free)}
    names: dict[str, Any] = {}
    exec(STUB.format(name=f"{module}.{qualname}", **cells), names)
    return names["outer"]().__code__
