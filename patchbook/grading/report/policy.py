"""policy.toml, what a teacher decides beside the marks: lateness, extensions, dropped questions, a bonus.

    [late]
    off = "10%/day"
    due = 2026-11-01T23:59:00

    [late.chapters]
    02_ioi = 2026-11-15T23:59:00

    [[extension]]
    learner = "Ada Lovelace"
    until = 2026-11-08T23:59:00
    why = "was ill"

    [[dropped]]
    exercise = "head_names"
    why = "the question could be read in two ways"

    [[bonus]]
    learner = "Ada Lovelace"
    chapter = "01_induction_heads"
    points = 2
    why = "found a mistake in the course"

An extension and a dropped question with `chapter = "…"` are about that chapter only.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from patchbook.grading.report.late import BadRule, Policy, share_of

FILE = "policy.toml"


@dataclass(frozen=True)
class Extension:
    """More time for one learner. chapter: "" for every chapter."""

    learner: str
    until: datetime
    chapter: str = ""
    why: str = ""


@dataclass(frozen=True)
class Dropped:
    """A question that counts for nobody."""

    exercise: str
    chapter: str = ""
    why: str = ""


@dataclass(frozen=True)
class Bonus:
    """Points for one learner, on top of all others and never taken off for lateness."""

    learner: str
    points: float
    chapter: str = ""
    why: str = ""


Row = Extension | Dropped | Bonus
TABLES = {"extension": Extension, "dropped": Dropped, "bonus": Bonus}


@dataclass(frozen=True)
class Rules:
    """Everything that policy.toml says. late: None where nothing is taken off."""

    late: Policy | None = None
    extension: tuple[Extension, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    bonus: tuple[Bonus, ...] = ()

    def until(self, learner: str, chapter: str) -> Extension | None:
        """The learner's longest extension for a chapter."""
        mine = [row for row in self.extension if row.learner == learner and row.chapter in ("", chapter)]
        return max(mine, key=lambda row: row.until, default=None)

    def why_dropped(self, chapter: str, exercise: str) -> str | None:
        """The reason why a question counts for nobody; None when it counts."""
        found = (r.why for r in self.dropped if r.exercise == exercise and r.chapter in ("", chapter))
        return next(found, None)

    def bonuses(self, learner: str, chapter: str) -> tuple[Bonus, ...]:
        return tuple(row for row in self.bonus if row.learner == learner and row.chapter == chapter)

    def pointless(self, whose: Iterable[tuple[str, str]], exercises: Iterable[tuple[str, str]]) -> list[str]:
        """A line for each row that changes nothing.

        whose: (learner, chapter) of the class.  exercises: (chapter, exercise).
        """
        whose, exercises = list(whose), list(exercises)
        said = []
        for row in (*self.extension, *self.bonus):
            mine = [chapter for learner, chapter in whose if learner == row.learner]
            if not mine:
                said.append(f"nobody is called {row.learner!r}{like(row.learner, (who for who, _ in whose))}")
            elif row.chapter and row.chapter not in mine:
                said.append(f"{row.learner} has no marks in {row.chapter!r}{like(row.chapter, mine)}")
        for row in self.dropped:
            names = [exercise for chapter, exercise in exercises if row.chapter in ("", chapter)]
            if row.exercise not in names:
                said.append(f"no graded question is called {row.exercise!r}{like(row.exercise, names)}")
        return said


def like(name: str, others: Iterable[str]) -> str:
    near = get_close_matches(name, set(others), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def read_rules(path: Path) -> Rules:
    """The rules in a file. Raises BadRule, which says where it is wrong and how it is written."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        refuse_others("the file", said, ["late", *TABLES])
        rows = {name: rows_of(name, kind, said.get(name, [])) for name, kind in TABLES.items()}
        return Rules(late_of(said["late"]) if "late" in said else None, **rows)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadRule) as error:
        raise BadRule(f"{path}: {error}") from None


def late_of(said: Any) -> Policy:
    if not isinstance(said, dict):
        raise BadRule('late is a table: write [late], and below it off = "10%/day"')
    refuse_others("[late]", said, ["off", "due", "chapters"])
    chapters = said.get("chapters", {})
    if not isinstance(chapters, dict):
        raise BadRule("[late.chapters] is a table: write 01_induction_heads = 2026-11-08T23:59:00")
    due = {"": said["due"]} if "due" in said else {}
    due = {
        chapter: moment(f"[late] due of {chapter or 'all'}", when)
        for chapter, when in (due | chapters).items()
    }
    if not isinstance(said.get("off"), str) or not due:
        raise BadRule('[late] needs off = "10%/day" and due = 2026-11-01T23:59:00')
    share, unit = share_of(said["off"])
    return Policy(share, unit, due)


def rows_of(name: str, kind: type, said: Any) -> tuple[Any, ...]:
    """The rows [[name]] of a file, each as `kind`: a dataclass whose fields are what a row says."""
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise BadRule(f"{name} is a list of rows: begin each with [[{name}]]")
    return tuple(row_of(f"[[{name}]] number {number}", kind, row) for number, row in enumerate(said, 1))


def row_of(where: str, kind: type, said: dict[str, Any]) -> Any:
    """One row, each value of the kind that its field wants."""
    wanted = {each.name: each for each in fields(kind)}
    refuse_others(where, said, list(wanted))
    if missing := [name for name in wanted if name not in said and name not in ("chapter", "why")]:
        raise BadRule(f"{where} has no {missing[0]}")
    if kind is Bonus and "chapter" not in said:
        raise BadRule(f'{where} has no chapter: points go to one, such as chapter = "01_induction_heads"')
    return kind(
        **{name: value_of(f"{where}: {name}", wanted[name].type, value) for name, value in said.items()}
    )


def value_of(where: str, kind: Any, value: Any) -> Any:
    if kind is datetime:
        return moment(where, value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    raise BadRule(f"{where} is {value!r}; it should be a {'number' if kind is float else 'text in quotes'}")


def moment(where: str, value: Any) -> datetime:
    """A date is the end of that day; a time without an offset is this machine's."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(23, 59, 59))
    if not isinstance(value, datetime):
        raise BadRule(f"{where} is {value!r}, no date; write it as 2026-11-01T23:59:00, without quotes")
    return value.astimezone()


def refuse_others(where: str, said: dict[str, Any], known: list[str]) -> None:
    for name in said:
        if name not in known:
            raise BadRule(f"{where} has {name!r}{like(name, known)}; known are {', '.join(known)}")
