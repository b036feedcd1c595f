"""Each learner's page and the teacher's: one file each, no scripts, nothing loaded from elsewhere."""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from patchbook.grading.gradebook.results import OK, number
from patchbook.grading.report import copies, summing
from patchbook.grading.report.comments import commented, read_comments, to_nobody
from patchbook.grading.report.groups import MOST as MOST_GROUPS
from patchbook.grading.report.groups import Group, Kinds, groups_of
from patchbook.grading.report.lms import shown, write_tables
from patchbook.grading.report.messages import clean
from patchbook.grading.report.policy import Rules
from patchbook.grading.report.reading import BY_HAND, MISTAKEN, RIGHT, UNTOUCHED, Item, Work
from patchbook.outline import address

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {  # what a cell of the heat map shows when it is no number of points: never a zero that is none
    UNTOUCHED: "–",
    BY_HAND: "…",
    "crashed": "×",
    "timed out": "t/o",
}


@dataclass(frozen=True)
class Noticed:
    """What the answers of a class show beside marks. words: the teacher's, by group.  lost: to no group."""

    groups: tuple[Group, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    alike: tuple[copies.Alike, ...] = ()


def notice(grades: Path, works: list[Work]) -> tuple[list[Work], Noticed]:
    """Look at a class's answers; returns the works with what comments.toml says to their groups.

    Raises BadRule for a comments.toml that cannot be read.
    """
    kinds, words = Kinds.read(grades), read_comments(grades)
    found = groups_of(works, kinds)
    with suppress(OSError):  # a folder that one may only read: ids follow from the answers there
        kinds.write(grades)
    phrases = copies.phrases_of(grades, summing.by_chapter(works))
    alike = copies.copies(works, phrases)
    noticed = Noticed(tuple(found), words, tuple(to_nobody(words, kinds)), tuple(alike))
    return commented(works, kinds, words), noticed


def write_report(
    works: list[Work],
    out: Path,
    title: str = "",
    progress: Callable[[str], None] = lambda learner: None,
    rules: Rules = Rules(),  # noqa: B008
    noticed: Noticed = Noticed(),
) -> Path:
    """Write out/index.html for the teacher, out/learners/*.html and the CSV files; returns the first.

    works: from read_class, by the same rules; noticed: from notice. Everything in them that a learner wrote
    is escaped.
    """
    (out / "learners").mkdir(parents=True, exist_ok=True)
    pages = environment()
    learners = summing.by_learner(works)
    files = page_names(list(learners))
    for learner, mine in learners.items():
        page = pages.get_template("learner.html.j2")
        words = page.render(learner=learner, works=mine, step=summing.next_step(mine))
        put(out / "learners" / files[learner], words)
        progress(learner)
    page = pages.get_template("class.html.j2")
    words = page.render(
        title=title,
        works=works,
        chapters=chapters_of(works),
        mistakes=summing.mistakes(works),
        stuck=summing.stuck(works),
        files=files,
        tables=[path.name for path in write_tables(works, out)],
        rules=rules,
        pointless=pointless_in(rules, works),
        noticed=noticed,
        made=datetime.now().astimezone(),
    )
    return put(out / "index.html", words)


def pointless_in(rules: Rules, works: list[Work]) -> list[str]:
    """A line for each of the rules that changes nothing in these works: misspelt, mostly."""
    questions = {(work.chapter, item.exercise) for work in works for item in work.items}
    return rules.pointless([(work.learner, work.chapter) for work in works], sorted(questions))


def environment() -> Environment:
    """Templates that escape everything they are given."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"points": shown, "number": number, "sign": sign, "kind": kind, "clock": clock}
    pages.globals |= {
        "OK": OK,
        "RIGHT": RIGHT,
        "BY_HAND": BY_HAND,
        "UNTOUCHED": UNTOUCHED,
        "MISTAKEN": MISTAKEN,
    }
    pages.globals |= {"STATES": summing.STATES, "SIGNS": SIGNS, "address": address}
    pages.globals |= {"MOST_GROUPS": MOST_GROUPS, "MOST_ALIKE": copies.MOST}
    return pages


def put(path: Path, words: str) -> Path:
    path.write_text(clean(words), encoding="utf-8")
    return path


def chapters_of(works: list[Work]) -> list[dict]:
    """For each chapter: its name, its works, its columns, and what learners' own cases caught."""
    return [
        {"name": name, "works": some, "columns": summing.columns(some), "catches": summing.catches(some)}
        for name, some in summing.by_chapter(works).items()
    ]


def page_names(learners: list[str]) -> dict[str, str]:
    """A file's name for each learner: readable, and never the same for two."""
    names = {}
    for learner in learners:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", learner).strip("-")[:60]
        digest = hashlib.sha256(learner.encode("utf-8", "replace")).hexdigest()[:8]
        same = plain and plain == learner
        names[learner] = f"{plain}.html" if same else f"{plain or 'learner'}-{digest}.html"
    lowered = [name.lower() for name in names.values()]
    return {
        learner: name if lowered.count(name.lower()) == 1 else f"{i}-{name}"
        for i, (learner, name) in enumerate(names.items())
    }


def sign(item: Item) -> str:
    """What a cell of the heat map shows: points, or why there are none."""
    return SIGNS.get(kind(item), shown(item.points))


def kind(item: Item) -> str:
    """The item's state, with both ways of waiting for a person as one."""
    return BY_HAND if item.state.startswith(BY_HAND) else item.state


def clock(when: datetime) -> str:
    return when.astimezone().strftime("%Y-%m-%d %H:%M")
