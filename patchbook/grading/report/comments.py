"""comments.toml, what a teacher says to all who gave the same wrong answer; it lies beside the grades.

    [[comment]]
    group = "double-3fa9c1"
    text = "You add 2. Twice a number is the number times 2."

It reaches everyone in the group, at the next report or as soon as a page of `patchbook serve` is opened, and
later everyone whose answer computes the same.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from patchbook.grading.report.groups import Kinds
from patchbook.grading.report.late import BadRule
from patchbook.grading.report.policy import like, refuse_others, rows_of
from patchbook.grading.report.reading import Work

FILE = "comments.toml"


@dataclass(frozen=True)
class Comment:
    """Words to everyone in a group."""

    group: str
    text: str


def read_comments(grades: Path) -> dict[str, str]:
    """The words by the group's id; several to one group stand below each other. Raises BadRule."""
    path = grades / FILE
    if not path.is_file():
        return {}
    words: dict[str, str] = {}
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        refuse_others("the file", said, ["comment"])
        for row in rows_of("comment", Comment, said.get("comment", [])):
            words[row.group] = "\n".join(filter(None, [words.get(row.group), row.text.strip()]))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadRule) as error:
        raise BadRule(f"{path}: {error}") from None
    return words


def commented(works: Iterable[Work], kinds: Kinds, words: dict[str, str]) -> list[Work]:
    """The works with what the teacher says to the groups that their answers are in."""
    return [_commented(work, kinds, words) for work in works] if words else list(works)


def _commented(work: Work, kinds: Kinds, words: dict[str, str]) -> Work:
    items = []
    for item in work.items:
        kind = kinds.of(work.chapter, item)
        said = [item.comment, words.get(kind.id) if kind else None]
        items.append(replace(item, comment="\n".join(filter(None, said))))
    return replace(work, items=tuple(items))


def to_nobody(words: dict[str, str], kinds: Kinds) -> list[str]:
    """A line for each comment whose group there has never been."""
    return [f"no group is called {id!r}{like(id, kinds.known)}" for id in words if id not in kinds.known]
