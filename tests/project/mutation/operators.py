"""The ways one node of a syntax tree goes wrong. Each operator yields nodes to put in a node's place.

Operators never edit the node they are given. A node that they build may share parts with it.
"""

import ast
import itertools
from collections.abc import Callable, Iterator, Sequence

from tests.project.mutation.exchanges import (
    ARITHMETIC,
    ATTRIBUTES,
    COMPARISONS,
    METHODS,
    NAMES,
    ORDER_MATTERS,
    STRINGS,
    SYMMETRIC,
    UNTOUCHED_ARGUMENTS,
)

Operator = Callable[[ast.AST], Iterator[ast.AST]]
OPERATORS: dict[str, Operator] = {}


def operator(function: Operator) -> Operator:
    OPERATORS[function.__name__.replace("_", "-")] = function
    return function


def changed(node: ast.AST, **fields) -> ast.AST:
    """The node with other values in some of its fields."""
    return type(node)(**{name: value for name, value in ast.iter_fields(node)} | fields)


def swapped_neighbours(items: Sequence) -> Iterator[list]:
    for i, (a, b) in enumerate(itertools.pairwise(items)):
        if ast.dump(a) != ast.dump(b):
            yield [*items[:i], b, a, *items[i + 2 :]]


@operator
def comparison(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Compare):
        return
    with_text = any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in _sides(node))
    for i, old in enumerate(node.ops):
        for new in COMPARISONS[type(old)][: 1 if with_text else None]:
            yield changed(node, ops=[*node.ops[:i], new(), *node.ops[i + 1 :]])


def _sides(node: ast.Compare) -> list[ast.expr]:
    return [node.left, *node.comparators]


@operator
def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """Another operation, its sides swapped, one side forgotten."""
    if isinstance(node, ast.AugAssign):
        yield changed(node, op=ARITHMETIC[type(node.op)]())
        yield ast.Assign([node.target], node.value)
    if isinstance(node, ast.BinOp):
        if type(node.op) in ARITHMETIC:
            yield changed(node, op=ARITHMETIC[type(node.op)]())
        if isinstance(node.op, ORDER_MATTERS):
            yield changed(node, left=node.right, right=node.left)
        yield node.left
        yield node.right


@operator
def sign(node: ast.AST) -> Iterator[ast.AST]:
    """A minus, `not` or `~` forgotten."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand


@operator
def constant(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(value + step) for step in (-1, 1))
    elif isinstance(value, float):
        others = (1.0,) if value == 0 else (round(value - 0.1, 9), round(value + 0.1, 9))
        yield from map(ast.Constant, others)
    elif isinstance(value, str):
        yield from map(ast.Constant, _other_texts(value))


def _other_texts(text: str) -> Iterator[str]:
    """A neighbouring name; an equation with its last axes swapped; no text at all."""
    inputs, arrow, output = text.partition("->")
    axes = output.split()
    if arrow and len(axes) > 1:
        yield f"{inputs}-> {' '.join([*axes[:-2], axes[-1], axes[-2]])}"
    yield from STRINGS.get(text, ("",) if text and not arrow else ())


@operator
def index(node: ast.AST) -> Iterator[ast.AST]:
    """x[i] beside i; x[i, j] with its axes swapped."""
    if not isinstance(node, ast.Subscript):
        return
    if isinstance(node.slice, ast.Tuple):
        for items in swapped_neighbours(node.slice.elts):
            yield changed(node, slice=changed(node.slice, elts=items))
    for i, item in enumerate(_items(node)):
        if isinstance(item, ast.Name):
            for operation in (ast.Sub(), ast.Add()):
                yield _with_item(node, i, ast.BinOp(item, operation, ast.Constant(1)))


@operator
def bounds(node: ast.AST) -> Iterator[ast.AST]:
    """A slice without a bound, or with one too many."""
    if not isinstance(node, ast.Subscript):
        return
    for i, item in enumerate(_items(node)):
        if isinstance(item, ast.Slice):
            if item.lower is None and item.upper is None:
                yield _with_item(node, i, changed(item, lower=ast.Constant(1)))
                yield _with_item(node, i, changed(item, upper=ast.Constant(-1)))
            for end in ("lower", "upper"):
                if getattr(item, end) is not None:
                    yield _with_item(node, i, changed(item, **{end: None}))


def _items(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _with_item(node: ast.Subscript, i: int, item: ast.expr) -> ast.AST:
    if not isinstance(node.slice, ast.Tuple):
        return changed(node, slice=item)
    items = [*node.slice.elts[:i], item, *node.slice.elts[i + 1 :]]
    return changed(node, slice=changed(node.slice, elts=items))


@operator
def loop(node: ast.AST) -> Iterator[ast.AST]:
    """A range that begins late or ends early; a comprehension without its condition."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        (*first, end) = node.args
        yield changed(node, args=[*first, ast.BinOp(end, ast.Sub(), ast.Constant(1))])
        if not first:
            yield changed(node, args=[ast.Constant(1), end])
    if isinstance(node, ast.comprehension):
        for i in range(len(node.ifs)):
            yield changed(node, ifs=[*node.ifs[:i], *node.ifs[i + 1 :]])


@operator
def swapped(node: ast.AST) -> Iterator[ast.AST]:
    """Neighbours swapped: arguments by position, members of a tuple."""
    if isinstance(node, ast.Call) and _called(node) not in SYMMETRIC:
        yield from (changed(node, args=items) for items in swapped_neighbours(node.args))
    if isinstance(node, ast.Tuple):
        yield from (changed(node, elts=items) for items in swapped_neighbours(node.elts))


def _called(call: ast.Call) -> str:
    """The last part of the called function's name."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


@operator
def method(node: ast.AST) -> Iterator[ast.AST]:
    """A method forgotten: `.clone()`, `.mean(dim=0)`, `.T`, `abs(…)`."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and called.attr in METHODS:
        yield called.value
    if isinstance(node, ast.Call) and isinstance(called, ast.Name) and called.id == "abs":
        yield node.args[0]


@operator
def argument(node: ast.AST) -> Iterator[ast.AST]:
    """An argument by name forgotten."""
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            if keyword.arg not in UNTOUCHED_ARGUMENTS:
                yield changed(node, keywords=[*node.keywords[:i], *node.keywords[i + 1 :]])


@operator
def name(node: ast.AST) -> Iterator[ast.AST]:
    """A neighbouring function or attribute."""
    if isinstance(node, ast.Attribute):
        yield from (changed(node, attr=other) for other in ATTRIBUTES.get(node.attr, ()))
    if isinstance(node, ast.Name):
        yield from (changed(node, id=other) for other in NAMES.get(node.id, ()))


@operator
def condition(node: ast.AST) -> Iterator[ast.AST]:
    """`and` for `or`, one side of them forgotten, one way always taken."""
    if isinstance(node, ast.BoolOp):
        yield changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for i in range(len(node.values)):
            rest = [*node.values[:i], *node.values[i + 1 :]]
            yield changed(node, values=rest) if len(rest) > 1 else rest[0]
    if isinstance(node, ast.If):
        yield from (changed(node, test=ast.Constant(always)) for always in (True, False))
    if isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse


@operator
def statement(node: ast.AST) -> Iterator[ast.AST]:
    """A statement forgotten; nothing returned; `with` without its context."""
    if isinstance(node, ast.Return):
        yield ast.Return(None)
    elif isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.Pass):
        yield ast.Pass()
    if isinstance(node, ast.With):
        yield ast.If(ast.Constant(True), node.body, [])
    if isinstance(node, ast.Break | ast.Continue):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()
