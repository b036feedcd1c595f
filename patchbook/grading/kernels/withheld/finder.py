"""The import system's part: what is withheld is found as a stand-in, in this process and its forks."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from patchbook.grading.kernels.withheld.covers import covers
from patchbook.grading.kernels.withheld.stand_ins import StandIn, nothing_of, without_functions
from patchbook.grading.kernels.withheld.what import CUT, FIGURES, FILES, SPECIFICATIONS, WITHHELD

PACKAGES = ("patchbook", "patchbook.tests", "transformer_lens")  # where they are looked for


class Finder(MetaPathFinder, Loader):
    """Finds stand-ins. `texts` holds them by module; what is below a withheld package is withheld, too."""

    def __init__(self, texts: Mapping[str, StandIn]):
        self.texts = dict(texts)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None):
        found = self.texts.get(name)
        if found is None:
            return None
        spec = ModuleSpec(name, self, origin=str(found.file), is_package=bool(found.folders))
        spec.has_location = True
        if found.folders:
            spec.submodule_search_locations = list(found.folders)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.texts[module.__name__].text, module.__file__, "exec"), vars(module))

    def get_source(self, name: str) -> str:
        return self.texts[name].text


_finder = Finder({})  # the one of this process


def stand_ins(tests: str = "") -> dict[str, StandIn]:
    """Every module that is withheld, found without importing it. tests: a course's own folder of them."""
    roots = {package: folders_of(package) for package in PACKAGES}
    roots["patchbook.tests"] = [tests] * bool(tests) + roots["patchbook.tests"]
    found = {name: stand_in for name in WITHHELD for name, stand_in in whole(name, roots)}
    cut = {name: (file, CUT[top]) for top in CUT for name, file, _ in modules_of(top, roots)}
    packages = {name: folders for name, _, folders in modules_of(SPECIFICATIONS, roots) if folders}
    texts = without_functions({name: what for name, what in cut.items() if what[0].is_file()})
    return found | texts | {name: StandIn(cut[name][0], "", folders) for name, folders in packages.items()}


def whole(top: str, roots: Mapping[str, list[str]]) -> Iterator[tuple[str, StandIn]]:
    for name, file, folders in modules_of(top, roots):
        yield name, nothing_of(name, file, folders)


def folders_of(package: str) -> list[str]:
    """Where an installed package has its modules; [] when it is not installed. Imports none but our own."""
    if package.partition(".")[0] == "patchbook":
        return list(import_module(package).__path__)  # checks lie beside the package in a checkout
    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec else []


def modules_of(top: str, roots: Mapping[str, list[str]]) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    """(name, file, folders) of a module, or of a package and all below it; nothing where there is none.

    folders: empty for a module.
    """
    root = max((root for root in roots if top.startswith(f"{root}.")), key=len)
    way = top.removeprefix(f"{root}.").split(".")
    places = [Path(folder, *way) for folder in roots[root]]
    folders = [place for place in places if place.is_dir()]
    files = [file for place in places if (file := place.with_suffix(".py")).is_file()]
    if folders:
        yield top, folders[0] / "__init__.py", tuple(map(str, folders))
        below = {
            path.stem: None for folder in folders for path in sorted(folder.iterdir()) if is_module(path)
        }
        for name in below:
            yield from modules_of(f"{top}.{name}", roots)
    elif files:
        yield top, files[0], ()


def is_module(path: Path) -> bool:
    return path.name.isascii() and path.stem.isidentifier() and path.name[0:2] != "__"


def withhold(tests: str, folder: Path) -> list[str]:
    """From now on, in this process and its forks, imports give stand-ins. Nothing of it may be imported yet.

    Returns what a sandbox needs to hide the files, too; it keeps it in `folder`.
    """
    _finder.texts = stand_ins(tests)
    early = sorted(set(_finder.texts) & set(sys.modules))
    if early:
        raise RuntimeError(f"these would be in every kernel, for they are imported already: {early}")
    sys.meta_path.insert(0, _finder)
    return covers(_finder.texts, data_files(), folder)


def places(tests: str = "") -> list[Path]:
    """The files and folders that a sandbox covers. Where there is none, a grader can close them to others."""
    texts = stand_ins(tests).values()
    folders = [Path(folder) for stand_in in texts for folder in stand_in.folders]
    compiled = {stand_in.file.parent / "__pycache__" for stand_in in texts}
    files = [stand_in.file for stand_in in texts]
    return [place for place in (*folders, *sorted(compiled), *files, *data_files()) if place.exists()]


def data_files() -> list[Path]:
    return [file for root, names in FILES.items() for name in names for file in found_in(root, name)]


def found_in(package: str, pattern: str) -> Iterator[Path]:
    parent, _, own = package.rpartition(".")
    return (file for folder in folders_of(parent) for file in sorted(Path(folder, own).glob(pattern)))


def show_specifications() -> None:
    """Undo `withhold` for specifications and mistakes, which a course's cases need."""
    show([name for name in _finder.texts if name.startswith("patchbook.tests.")])
    forget_checks()


def bring_figures() -> None:
    """Import what figures need, while this fork is outside of any sandbox."""
    show(FIGURES)
    for name in FIGURES:
        import_module(name)


def bring_references(exercises: list[str]) -> None:
    """Import these references, and no other, while this fork is outside of any sandbox."""
    from patchbook.checking.fallback import check_for

    own = {check_for(exercise).__module__ for exercise in exercises}
    tests = [test for name in sys.modules if name.startswith("patchbook.tests.") for test in tests_of(name)]
    predicted = {test.check.exercise for test in tests if test.check.explain or test.__module__ in own}
    modules = {name: found for name, found in _finder.texts.items() if not found.folders}
    specified = {name: modules[name].file for name in modules if name.startswith(SPECIFICATIONS)}
    cut = {name: (file, predicted - {*exercises}) for name, file in specified.items()}
    forget_checks()
    _finder.texts |= without_functions(cut)
    check_for.cache_clear()
    for exercise in exercises:
        check_for(exercise)


def tests_of(module: str) -> list[Any]:
    """The test functions in a module of checks."""
    return [value for name, value in vars(sys.modules[module]).items() if name.startswith("test_")]


def show(names: Iterable[str]) -> None:
    """Let imports find these again."""
    for name in names:
        _finder.texts.pop(name, None)
        forget(name)


def forget_checks() -> None:
    """The next import of checks makes them anew."""
    for name in [name for name in sys.modules if name.startswith("patchbook.tests.")]:
        forget(name)


def forget(name: str) -> None:
    parent, _, own = name.rpartition(".")
    if sys.modules.pop(name, None) is not None and parent in sys.modules:
        vars(sys.modules[parent]).pop(own, None)
