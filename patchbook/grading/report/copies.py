"""Answers that are the same up to names, comments and spaces: a question for the teacher, never a verdict.

Left out is what has too little of its own to say anything: what is short, and what the chapter itself says,
in a stub, a solution, a hint or an example.
"""

import ast
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from patchbook.grading.report.reading import BY_HAND, UNTOUCHED, Work

MOST = 15  # rows that the teacher's page shows
LENGTH = 4  # tokens of a phrase
OWN = 30  # phrases that an answer must have that the chapter has not
TOKEN = re.compile(r"\w+|[^\w\s]")
CODE = re.compile(r"^```.*?$(.*?)^```|(?<!`)`([^`\n]+)`(?!`)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Same:
    """An exercise with the same text from several. answers: of the class.  others: texts of the rest."""

    chapter: str
    exercise: str
    state: str
    answers: int
    others: int


@dataclass(frozen=True)
class Alike:
    """Learners who gave the same texts."""

    learners: tuple[str, ...]
    texts: tuple[Same, ...]


def copies(works: list[Work], phrases: dict[str, frozenset[str]]) -> list[Alike]:
    """Those with most texts in common first, of equals the rarest.

    phrases: by chapter, what the course itself says; see `phrases_of`.
    """
    answers: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for work in works:
        for item in work.counted:
            tried = item.state != UNTOUCHED and not item.state.startswith(BY_HAND)
            if tried and (text := normal(item.code)):
                answers[work.chapter, item.exercise].append((text, work.learner, item.state))
    found: dict[tuple[str, ...], list[Same]] = defaultdict(list)
    for (chapter, exercise), given in answers.items():
        counts = Counter(text for text, _, _ in given)
        for text in (text for text, count in counts.items() if count > 1):
            if len(phrases_in(text) - phrases.get(chapter, frozenset())) >= OWN:
                who = [(learner, state) for same, learner, state in given if same == text]
                same = Same(chapter, exercise, who[0][1], len(given), len(counts) - 1)
                found[tuple(sorted(learner for learner, _ in who))].append(same)
    rows = [Alike(learners, tuple(texts)) for learners, texts in found.items()]
    return sorted(rows, key=lambda row: (-len(row.texts), len(row.learners)))


def phrases_of(grades: Path, chapters: Iterable[str]) -> dict[str, frozenset[str]]:
    """What the source of each chapter says in code, hints and hidden tests included."""
    found = {}
    for chapter in chapters:
        path = grades / "source" / chapter / f"{chapter}.ipynb"
        cells = nbformat.read(path, as_version=4).cells if path.is_file() else []
        found[chapter] = frozenset(
            phrase for cell in cells for text in _codes(cell) for phrase in phrases_in(text)
        )
    return found


def _codes(cell: nbformat.NotebookNode) -> Iterator[str]:
    """The code of a cell, in the form that `normal` gives where it is Python."""
    texts = [cell.source]
    if cell.cell_type != "code":
        texts = ["".join(parts) for parts in CODE.findall(cell.source)]
    for text in texts:
        yield normal(text) or text


def phrases_in(text: str) -> set[str]:
    """Its runs of LENGTH tokens, whatever its variables are called."""
    tokens = TOKEN.findall(text.replace('"', "'"))
    plain = [
        "name" if token.isidentifier() and not keyword.iskeyword(token) and before != "." else token
        for before, token in zip(["", *tokens], tokens, strict=False)
    ]
    return {" ".join(plain[i : i + LENGTH]) for i in range(len(plain) - LENGTH + 1)}


def normal(code: str) -> str | None:
    """A cell's code without comments, docstrings, annotations and its own names; None if it is no Python."""
    try:
        tree = Plain().visit(ast.parse(code))
        return ast.unparse(ast.fix_missing_locations(_Numbered(tree).visit(tree)))
    except (SyntaxError, ValueError, RecursionError):
        return None


class Plain(ast.NodeTransformer):
    """Leaves out what a program does not do: docstrings and annotations. Comments are no part of a tree."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = _without_words(node.body)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns, node.body = None, _without_words(node.body)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.Pass() if node.value is None else ast.Assign([node.target], node.value)


def _without_words(body: list[ast.stmt]) -> list[ast.stmt]:
    words = (isinstance(s, ast.Expr) and isinstance(getattr(s.value, "value", None), str) for s in body)
    return [statement for statement, is_text in zip(body, words, strict=True) if not is_text] or [ast.Pass()]


class _Numbered(ast.NodeTransformer):
    """Names that the code itself gives become name0, name1, … in the order in which they come."""

    def __init__(self, tree: ast.AST):
        self.own = {name for node in ast.walk(tree) if (name := _given(node))}
        self.numbers: dict[str, str] = {}

    def number(self, name: str) -> str:
        return self.numbers.setdefault(name, f"name{len(self.numbers)}") if name in self.own else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.number(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.number(node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.number(node.name)
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.alias:
        node.asname = node.asname and self.number(node.asname)
        return node


def _given(node: ast.AST) -> str | None:
    """The name that a node gives to something."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.FunctionDef):
        return node.name
    return node.arg if isinstance(node, ast.arg) else node.asname if isinstance(node, ast.alias) else None
