"""Specifications and known mistakes are not in a grading kernel: empty stand-ins take their place.

Checks are imported there for their cases. They name a specification, and a tampered notebook could call it
as its answer. The judge, which runs nothing of a learner's, has the real ones. Of a specification's module
the constants stay, for cases are made of them, too; functions do not. What measures the model for predictions
is not there either.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

MISTAKES = "patchbook.tests.mistakes"
MEASURED = tuple(f"patchbook.checking.{name}" for name in ("measured", "measured_ioi", "measured_days"))
PACKAGES = ("patchbook.tests.specifications", MISTAKES)


class NotHere(RuntimeError):
    """A specification was called where there is none."""


class Withheld:
    """Stands for a function or a list that is elsewhere. Calling it raises NotHere."""

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(self, *arguments, **options):
        raise NotHere(f"{self.__name__} is not in a grading kernel")

    def __iter__(self) -> Iterator:
        return iter(())


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Withheld:
        if name.startswith("__"):
            raise AttributeError(name)
        return Withheld(f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None):
        if name in MEASURED:
            return ModuleSpec(name, self)
        if name not in PACKAGES and not name.startswith(tuple(f"{package}." for package in PACKAGES)):
            return None
        real = PathFinder.find_spec(name, path)
        return ModuleSpec(name, self, origin=real.origin if real else None, is_package=name in PACKAGES)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return (ModuleType if spec.name in PACKAGES else _Module)(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run a specification's module for its constants, and forget its functions."""
        origin = module.__spec__.origin
        if module.__name__ in PACKAGES:
            module.__path__ = list(_folders(module.__name__))
        elif origin and not module.__name__.startswith(MISTAKES):
            exec(compile(Path(origin).read_bytes(), origin, "exec"), vars(module))
            for name in [name for name, value in vars(module).items() if _is_answer(value, module)]:
                del vars(module)[name]


def _is_answer(value: Any, module: ModuleType) -> bool:
    """Functions, also those that are wrapped by a cache; classes are no answers."""
    own = getattr(value, "__module__", None) == module.__name__
    return isinstance(value, FunctionType) or (own and callable(value) and not isinstance(value, type))


def conceal(check: Any) -> None:
    """Take its reference from one check, and from the module that defines it."""
    home = sys.modules.get(getattr(check.reference, "__module__", ""))
    vars(home).pop(check.exercise, None) if home else None
    object.__setattr__(check, "reference", Withheld(check.exercise))


def _folders(package: str) -> Iterator[str]:
    parent, _, name = package.rpartition(".")
    return (str(Path(folder, name)) for folder in sys.modules[parent].__path__)


def withhold() -> None:
    """From now on, in this process and its forks, imports of the two packages give stand-ins."""
    sys.meta_path.insert(0, _Finder())


def show_again() -> None:
    """Undo `withhold`. What has been imported meanwhile is forgotten."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if f"{name}.".startswith("patchbook.tests.")]:
        del sys.modules[name]
