"""The modules of patchbook/checking: data below, running above, and no circle."""

import ast
from pathlib import Path

import patchbook.checking

HOME = Path(patchbook.checking.__file__).parent
MODULES = {path.stem: path for path in HOME.glob("*.py") if path.stem != "__init__"}


def arrows(name: str) -> set[str]:
    """Modules of the package that one imports, within its functions too."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("patchbook.checking"):
            _, _, module = node.module.partition("patchbook.checking.")
            found |= {module} if module else {alias.name for alias in node.names}
    return found & MODULES.keys()


def reached(name: str) -> set[str]:
    found, waiting = set(), list(arrows(name))
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += arrows(module)
    return found


def test_there_is_no_circle():
    assert [name for name in MODULES if name in reached(name)] == []


def test_the_data_of_a_check_does_not_depend_on_how_it_is_run():
    assert reached("check") <= {"calling"}
    assert not reached("diagnosis") & {"judging", "observing", "running"}
    assert "judging" not in reached("observing")
