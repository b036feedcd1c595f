"""Wrong answers that nobody foresaw, put together by what they compute; a group as a mistake to be named.

A group keeps its id as long as GRADES/groups.json is there: a later answer belongs to it that computes the
same, so that what a teacher has said to a group reaches those who come to it afterwards.
"""

import ast
import builtins
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbook.grading.notebooks.plan import names_in
from patchbook.grading.report.copies import Plain
from patchbook.grading.report.reading import MISTAKEN, Item, Work
from patchbook.grading.whole_files import write_whole

FILE = "groups.json"
MOST = 10  # groups that the teacher's page shows
Fingerprint = list[list[Any]]  # see patchbook.checking.fingerprint


@dataclass(frozen=True)
class Kind:
    """What the answers of a group have in common."""

    id: str
    chapter: str
    exercise: str
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Group:
    """Answers that compute the same. example: the shortest of them.  learners: whose they are."""

    kind: Kind
    example: Item
    learners: tuple[str, ...]


def same(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether two answers gave the same on every case, within the tolerance."""
    return len(one) == len(other) and all(map(_same_case, one, other))


def _same_case(one: list[Any], other: list[Any]) -> bool:
    if one[:1] != other[:1] or len(one) != len(other):
        return False
    within = max([0, *one[1:2], *other[1:2]])
    return all(abs(a - b) <= within for a, b in zip(one[2:], other[2:], strict=True))


class Kinds:
    """The kinds of wrong answers that a folder of grades knows, and those that come."""

    def __init__(self, kinds: Iterable[Kind] = ()):
        self.known = {kind.id: kind for kind in kinds}

    @classmethod
    def read(cls, grades: Path) -> "Kinds":
        """Those of an earlier report; none where there was no report, or another version's."""
        try:
            rows = json.loads((grades / FILE).read_text(encoding="utf-8"))
            return cls(Kind(id, **row) for id, row in rows.items())
        except (OSError, ValueError, TypeError, AttributeError):
            return cls()

    def write(self, grades: Path) -> None:
        rows = {
            kind.id: {"chapter": kind.chapter, "exercise": kind.exercise, "fingerprint": kind.fingerprint}
            for kind in self.known.values()
        }
        write_whole(grades / FILE, json.dumps(rows) + "\n")

    def of(self, chapter: str, item: Item) -> Kind | None:
        """The kind of a wrong answer; None for one that is no wrong answer, or was not met yet."""
        if item.state not in MISTAKEN or not item.fingerprint:
            return None
        mine = (k for k in self.known.values() if (k.chapter, k.exercise) == (chapter, item.exercise))
        return next((kind for kind in mine if same(kind.fingerprint, item.fingerprint)), None)

    def met(self, chapter: str, item: Item) -> Kind | None:
        """The same, but an answer that was not met yet begins a kind."""
        kind = self.of(chapter, item)
        if kind is None and item.state in MISTAKEN and item.fingerprint:
            told = hashlib.sha256(json.dumps([chapter, item.fingerprint]).encode()).hexdigest()
            kind = Kind(f"{item.exercise}-{told[:6]}", chapter, item.exercise, item.fingerprint)
            self.known[kind.id] = kind
        return kind


def groups_of(works: list[Work], kinds: Kinds) -> list[Group]:
    """The largest first. `kinds` learns those that are new."""
    found = defaultdict(list)
    for work in works:
        for item in work.counted:
            if kind := kinds.met(work.chapter, item):
                found[kind.id].append((work.learner, item))
    groups = [
        Group(
            kinds.known[id],
            min((item for _, item in answers), key=lambda item: (len(item.code), item.code)),
            tuple(learner for learner, _ in answers),
        )
        for id, answers in found.items()
    ]
    return sorted(groups, key=lambda group: -len(group.learners))


def as_mistake(group: Group) -> str:
    """The group as a row for tests/mistakes, ready to be named: Python text.

    Nothing of it but the code is a learner's: comments and docstrings go.
    """
    exercise, name = group.kind.exercise, group.kind.id.replace("-", "_")
    answers = f"{len(group.learners)} answer{'s' if len(group.learners) != 1 else ''}"
    head = f"# {answers} to {exercise} that compute the same ({group.kind.id}).\n"
    head += "# Read it before you use it: a row of tests/mistakes runs where answers are judged.\n"
    try:
        tree = _Renamed(exercise, f"_{name}").visit(ast.parse(group.example.code))
    except (SyntaxError, ValueError, RecursionError):  # a magic, or what no parser reads
        quoted = "".join(f"#     {line}\n" for line in group.example.code.splitlines())
        return f"{head}# It is no plain Python; write the function anew:\n{quoted}"
    code = ast.unparse(ast.fix_missing_locations(tree))
    names = names_in(code)
    missing = sorted(names.used - names.bound - set(dir(builtins)))
    if missing:
        head += f"# From its notebook it takes: {', '.join(missing)}.\n"
    says = '    "WHAT is wrong, in a sentence.",\n    "What to look at NEXT.",\n'
    row = f'Mistake(\n    "NAME",\n    _{name},\n{says})'
    return f"{head}{code}\n\n\n# A row of `{exercise}` in tests/mistakes/:\n{row}\n"


class _Renamed(Plain):
    """A learner's cell with another name for its function."""

    def __init__(self, old: str, new: str):
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.new if node.id == self.old else node.id
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.new if node.name == self.old else node.name
        return super().visit_FunctionDef(node)
