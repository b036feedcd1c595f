"""What stands for a function that a grading kernel must not have: calling it says so."""

from collections.abc import Callable, Iterator


class NotHere(RuntimeError):
    """A function was called that is withheld from grading kernels."""


class Withheld:
    """Stands for a function, a class or a list that is elsewhere. Calling it raises NotHere."""

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(self, *arguments, **options):
        refuse(self.__name__)

    def __iter__(self) -> Iterator:
        return iter(())


def refuse(name: str) -> None:
    raise NotHere(f"{name} is not in a grading kernel: write the function yourself, that is the exercise")


def every_name(module: str, packages: tuple[str, ...] = ()) -> Callable[[str], Withheld]:
    """The `__getattr__` of a module that has nothing: what is asked for is Withheld.

    packages: what the import system itself finds below the module.
    """

    def stand_in(name: str) -> Withheld:
        if name.startswith("__") or name in packages:
            raise AttributeError(name)
        return Withheld(f"{module}.{name}")

    return stand_in
