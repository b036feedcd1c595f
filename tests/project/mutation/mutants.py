"""Every mutant of one function, each with a name that lasts as long as its line does."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.project.mutation.exchanges import UNTOUCHED_ARGUMENTS
from tests.project.mutation.operators import OPERATORS


class Mutant(NamedTuple):
    """One changed solution.

    id: unique in its exercise: line, operator, before → after. Line 1 is the first after the docstring,
        line 0 the signature.
    source: the whole function, changed.
    line: the changed line before and after, as Python writes it.
    """

    exercise: str
    id: str
    source: str
    line: tuple[str, str]


class Place(NamedTuple):
    """Where a node hangs in the tree: setting it replaces the node."""

    parent: ast.AST
    field: str
    position: int | None

    def get(self) -> ast.AST:
        held = getattr(self.parent, self.field)
        return held if self.position is None else held[self.position]

    def set(self, node: ast.AST) -> None:
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node


def mutants_of(source: str) -> list[Mutant]:
    """All mutants of a function's source, in the order of its lines; no two with the same text."""
    function = ast.parse(source).body[0]
    first = _first_line(function)
    original = ast.unparse(function)
    seen, ids, mutants = {original}, Counter(), []
    for place in _places(function):
        node = place.get()
        for operator, replacement in _replacements(function, node):
            text = _unparsed_with(function, place, replacement)
            if text in seen or not _is_python(text):
                continue
            seen.add(text)
            line = max(_line(node) - first, 0)
            id = f"{line} {operator}: {_short(node)} → {_short(replacement)}"
            ids[id] += 1
            id = f"{id} ({ids[id]})" if ids[id] > 1 else id
            mutants.append(Mutant(function.name, id, text, _difference(original, text)))
    return mutants


def _first_line(function: ast.FunctionDef) -> int:
    """The line before the body's own: that of the docstring's end."""
    head = function.body[0]
    has_docstring = isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant)
    return head.end_lineno if has_docstring else head.lineno - 1


def _line(node: ast.AST) -> int:
    """Where a node begins; a comprehension's own node does not say, but its target does."""
    return node.target.lineno if isinstance(node, ast.comprehension) else node.lineno


def _places(tree: ast.AST) -> Iterator[Place]:
    """All places but annotations, docstrings, and the words of errors."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "ctx", "decorator_list"):
            continue
        children = value if isinstance(value, list) else [value]
        for position, child in enumerate(children):
            if isinstance(child, ast.AST) and not _stays(child):
                if not _names_an_axis(tree, child):
                    yield Place(tree, field, position if isinstance(value, list) else None)
                if not isinstance(child, ast.Raise):
                    yield from _places(child)


def _stays(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in UNTOUCHED_ARGUMENTS
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names_an_axis(parent: ast.AST, node: ast.AST) -> bool:
    """The -1 of dim=-1. Its digit is changed; without the minus it would often be the same axis."""
    in_dim = isinstance(parent, ast.keyword) and (parent.arg or "").startswith("dim")
    return in_dim and isinstance(node, ast.UnaryOp)


def _replacements(function: ast.FunctionDef, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, operator in OPERATORS.items():
        for replacement in operator(node):
            yield name, replacement
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in _mistakable(function, node.id):
            yield "parameter", ast.Name(other, ast.Load())


def _mistakable(function: ast.FunctionDef, name: str) -> list[str]:
    """Other parameters with the same annotation: the ones that may be mixed up."""
    kinds = {a.arg: ast.unparse(a.annotation) for a in function.args.args if a.annotation}
    return [other for other in kinds if other != name and kinds[other] == kinds.get(name)]


def _unparsed_with(function: ast.AST, place: Place, replacement: ast.AST) -> str:
    node = place.get()
    place.set(replacement)
    try:
        return ast.unparse(ast.fix_missing_locations(function))
    finally:
        place.set(node)


def _is_python(text: str) -> bool:
    try:
        compile(text, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _short(node: ast.AST) -> str:
    """A node in one line."""
    return re.sub(r"\s+", " ", ast.unparse(node).split("\n")[0]).strip()


def _difference(original: str, text: str) -> tuple[str, str]:
    """The first line that differs, before and after."""
    before, after = original.split("\n"), text.split("\n")
    i = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    return before[i].strip(), after[i].strip()
