"""Which part of the package imports which: arrows run one way, and no room is overfull."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "patchbook"
MODULES = {
    ".".join(("patchbook", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
WAY = (  # of a submission
    *("collect", "notebooks", "kernels", "judging", "gradebook", "running", "report"),
    *("serving", "platforms"),
)
CHECKING = ("check", "diagnosis", "observing", "judging", "running", "references")
MOST = 10  # modules of one folder, its __init__ aside


def imports(name: str) -> Iterator[str]:
    """The modules of ours that a module imports, also within its functions."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (f if f in MODULES else node.module for f in found)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


ARROWS = {name: {m for m in imports(name) if m in MODULES and m != name} for name in MODULES}


def between(packages: tuple[str, ...], within: str) -> dict[str, set[str]]:
    """Arrows between sub-packages, each with those it imports."""

    def room(module: str) -> str:
        return module.removeprefix(f"{within}.").split(".")[0] if module.startswith(f"{within}.") else ""

    found: dict[str, set[str]] = {package: set() for package in packages}
    for module, targets in ARROWS.items():
        if room(module) in found:
            found[room(module)] |= {room(t) for t in targets} & {*packages} - {room(module)}
    return found


def test_modules_import_in_no_circle():
    graphlib.TopologicalSorter(ARROWS).prepare()  # raises CycleError, with the circle


def reached(name: str) -> set[str]:
    """What a module imports, and what that imports."""
    found, waiting = set(), [name]
    while waiting:
        new = ARROWS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_the_data_of_a_check_does_not_depend_on_how_it_is_run():
    checking = {
        name: {m.rpartition(".")[2] for m in reached(f"patchbook.checking.{name}")} for name in CHECKING
    }
    assert not checking["check"] & {*CHECKING} - {"calling"}
    assert not checking["diagnosis"] & {"judging", "observing", "running"}
    assert "judging" not in checking["observing"]


def test_a_submissions_way_through_grading_is_one_way():
    arrows = between(WAY, "patchbook.grading")
    for place, package in enumerate(WAY):
        allowed = {"notebooks"} if package == "collect" else set(WAY[:place])
        assert arrows[package] <= allowed, f"{package} imports what comes after it"


def test_no_room_is_overfull():
    for folder in {path.parent for path in (PACKAGE / "grading").rglob("*.py")}:
        modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST, f"{folder.name}/ has {len(modules)} modules: {sorted(modules)}"
