"""Texts in place of modules that a grading kernel must not have: empty, or without some functions.

The whole text is only read in a process that ends at once. What was once in a process's memory may be found
there, in its forks too, even when nothing refers to it any more.
"""

import ast
import gc
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbook.grading.kernels.withheld.what import EVERY

NOTHING = (
    '"""Not in a grading kernel."""\nfrom patchbook.grading.kernels.withheld.not_here import every_name\n'
)
REFUSE = "__import__('patchbook.grading.kernels.withheld.not_here', fromlist=['refuse']).refuse"


@dataclass(frozen=True)
class StandIn:
    """A module's text. file: what it stands for.  folders: where a package has its modules, else empty."""

    file: Path
    text: str
    folders: tuple[str, ...] = ()


def nothing_of(name: str, file: Path, folders: tuple[str, ...] = ()) -> StandIn:
    """A module or package in which every name is Withheld."""
    below = tuple(sorted({path.stem for folder in folders for path in Path(folder).iterdir()}))
    return StandIn(file, f"{NOTHING}__getattr__ = every_name({name!r}, {below!r})\n", folders)


def without_functions(files: dict[str, tuple[Path, Iterable[str] | None]]) -> dict[str, StandIn]:
    """files: by module its file, and the functions that it loses: "f", "Class.f"; EVERY is all of them."""
    asked = [[name, str(file), cut if cut is EVERY else list(cut)] for name, (file, cut) in files.items()]
    texts = json.loads(elsewhere(asked))
    return {name: StandIn(files[name][0], text) for name, text in texts.items()}


def elsewhere(asked: list) -> str:
    """The texts as JSON, made in a fork: what it reads is gone with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            gc.disable()  # what it would clear away here is the parent's
            os.close(reader)
            with os.fdopen(writer, "w", encoding="utf-8") as pipe:
                json.dump(
                    {name: cut_text(name, Path(file).read_text("utf-8"), c) for name, file, c in asked}, pipe
                )
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        texts = pipe.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(
            f"these modules cannot be read without their functions: {[name for name, *_ in asked]}"
        )
    return texts


def cut_text(name: str, text: str, cut: list[str] | None) -> str:
    """A module's text, whose line numbers stay, with functions that only say that they are not here."""
    lines = text.split("\n")
    for inner, node in functions(ast.parse(text).body):
        if cut is EVERY or inner in cut:
            first = min(part.lineno for part in (node, *node.decorator_list)) - 1
            indent = " " * node.col_offset
            lines[first] = f"{indent}def {node.name}(*arguments, **options): {REFUSE}({f'{name}.{inner}'!r})"
            lines[first + 1 : node.end_lineno] = [""] * (node.end_lineno - first - 1)
    return "\n".join(lines)


def functions(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a module, and the methods of its classes, by name."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f"{within}{node.name}.")
