"""What is run of a submission, by the chapter's source: what each check asks, which cells only show."""

import ast
import symtable
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache

from nbformat import NotebookNode

from patchbook.grading.notebooks.tests_folder import module_of

OPEN = 0  # the seed of the check that learners run; the others are hidden
SHOWS = {"demo", "figures"}  # tags of cells that no mark depends on
ANYTHING = {"eval", "exec", "globals", "locals", "vars", "get_ipython"}  # may use any name of the session


class UnfitCheck(ValueError):
    """A check cell of the source that cannot be judged outside; the message names it."""


@dataclass(frozen=True)
class Asked:
    """One check: the exercise's test in `module`, called with `expression`, on each seed.

    predicts: the exercise is a value to predict, not a function to write.
    """

    module: str
    exercise: str
    expression: str
    seeds: tuple[int, ...]
    predicts: bool = False

    @property
    def code(self) -> str:
        """The cell that observes in the kernel. It needs no name but those in the expression."""
        function = "__import__('patchbook.grading.kernels.observation', fromlist=['report']).report"
        return f"{function}({self.module!r}, {self.exercise!r}, {self.expression}, {self.seeds!r})"


@dataclass(frozen=True)
class Plan:
    """checks: by nbgrader's grade id, in the order of the source.  shows: texts of cells that only show."""

    checks: dict[str, Asked]
    shows: frozenset[str]

    def as_dict(self) -> dict:
        return {
            "checks": {name: asdict(asked) for name, asked in self.checks.items()},
            "shows": [*self.shows],
        }

    @classmethod
    def from_dict(cls, plan: dict) -> "Plan":
        checks = {
            name: Asked(**asked | {"seeds": tuple(asked["seeds"])}) for name, asked in plan["checks"].items()
        }
        return cls(checks, frozenset(plan["shows"]))


def plan_of(source: NotebookNode, chapter: str) -> Plan:
    """Read the plan off a chapter's source notebook. Raises UnfitCheck."""
    graded = [cell for cell in source.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    checks = [cell for cell in graded if cell.cell_type == "code"]
    shows = [c for c in source.cells if c.cell_type == "code" and SHOWS & set(c.metadata.get("tags", []))]
    written = _functions(source)
    return Plan(
        {cell.metadata.nbgrader.grade_id: _asked(cell, module_of(chapter), written) for cell in checks},
        frozenset(plain(cell.source) for cell in shows),
    )


def _functions(source: NotebookNode) -> set[str]:
    """The names of the functions that the exercises define."""
    cells = [c for c in source.cells if c.metadata.get("nbgrader", {}).get("solution")]
    statements = [s for c in cells if c.cell_type == "code" for s in ast.parse(c.source).body]
    return {statement.name for statement in statements if isinstance(statement, ast.FunctionDef)}


def _asked(cell: NotebookNode, module: str, written: set[str]) -> Asked:
    name = cell.metadata.nbgrader.grade_id
    calls = [_call(statement, name) for statement in ast.parse(cell.source).body]
    expressions = {ast.unparse(call.args[0]) for call in calls}
    if len(expressions) != 1:
        raise UnfitCheck(f"{name}: every line of a check must test the same thing, but got {expressions}")
    seeds = tuple(keyword.value.value for call in calls for keyword in call.keywords) or ()
    visible = sum(not call.keywords for call in calls)
    exercise, seeds = name.removeprefix("test_"), (OPEN,) * min(visible, 1) + seeds
    return Asked(module, exercise, expressions.pop(), seeds, predicts=exercise not in written)


def _call(statement: ast.stmt, name: str) -> ast.Call:
    """The call `tests.test_x(x)` or `tests.test_x(x, seed=3)` that a line of the check cell of x must be."""
    call = getattr(statement, "value", None)
    seeds = [keyword for keyword in getattr(call, "keywords", []) if keyword.arg == "seed"]
    fits = (
        isinstance(call, ast.Call)
        and ast.unparse(call.func) == f"tests.{name}"
        and len(call.args) == 1
        and call.keywords == seeds
        and all(isinstance(seed.value, ast.Constant) and isinstance(seed.value.value, int) for seed in seeds)
    )
    if not fits:
        raise UnfitCheck(
            f"{name}: wanted `tests.{name}(…)` or with `seed=…`, but got `{ast.unparse(statement)}`"
        )
    return call


def plain(source: str) -> str:
    """A cell's text without its spaces: editors change those."""
    return "".join(source.split())


def only_shown(cells: list[NotebookNode], shows: frozenset[str]) -> set[int]:
    """The places of cells that only show, and of which nothing that runs below needs a name.

    A learner's function may use a value of such a cell: then the cell runs.
    """
    names = {i: names_in(cell.source) for i, cell in enumerate(cells) if cell.cell_type == "code"}
    variables = set().union(*(found.variables for found in names.values()))
    needed, skipped = set(), set()
    for place in reversed(names):
        found = names[place]
        touched = found.bound | (found.used & variables)
        if plain(cells[place].source) in shows and not touched & needed and not ANYTHING & needed:
            skipped.add(place)
        else:
            needed |= found.used
    return skipped


@dataclass(frozen=True)
class Names:
    """Of one cell: names it binds, those that hold values (no modules, functions, classes), names it uses."""

    bound: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()


@lru_cache(maxsize=1024)
def names_in(source: str) -> Names:
    """The session's names in a cell's code. None in a cell that is no Python: it cannot run either."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        top = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return Names()
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    values = {s.get_name() for s in top.get_symbols() if s.is_assigned() and not s.is_namespace()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    inner = [s for table in _below(top) for s in table.get_symbols() if s.is_global()]
    bound |= {s.get_name() for s in inner if s.is_assigned()}
    return Names(frozenset(bound), frozenset(values), frozenset(used | {s.get_name() for s in inner}))


def _below(table: symtable.SymbolTable) -> Iterable[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)
