"""The class as a whole: how each exercise went, the commonest mistakes, who is stuck on what."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from patchbook.grading.report.reading import (
    BY_HAND,
    MISTAKEN,
    PART,
    RIGHT,
    UNTOUCHED,
    WRONG,
    Item,
    Work,
    middle,
)

STATES = (RIGHT, PART, WRONG, "crashed", "timed out", UNTOUCHED, BY_HAND)
MOST = 15  # mistakes that the page lists


@dataclass(frozen=True)
class Column:
    """One exercise over the class. counts: of each state.  mean: points; seconds: the median run time."""

    exercise: str
    worth: float
    counts: Counter
    mean: float | None
    seconds: float | None


@dataclass(frozen=True)
class Mistake:
    """The same mistake in one exercise. what: in a check's own words.  learners: who made it."""

    chapter: str
    exercise: str
    diagnosis: str
    what: str
    learners: tuple[str, ...]


@dataclass(frozen=True)
class Catch:
    """A misconception that learners' own cases may refuse. caught: by how many.  of: all with fit cases."""

    exercise: str
    what: str
    caught: int
    of: int


@dataclass(frozen=True)
class Stuck:
    """A learner with wrong answers. on: (chapter, exercise), in order.  untouched: exercises not begun."""

    learner: str
    on: tuple[tuple[str, str], ...]
    untouched: int


def columns(works: list[Work]) -> list[Column]:
    """Each exercise of one chapter, in order."""
    items = defaultdict(list)
    for item in (item for work in works for item in work.items):
        items[item.exercise].append(item)
    return [_column(same) for same in items.values()]


def _column(items: list[Item]) -> Column:
    known = [item.points for item in items if item.points is not None]
    mean = sum(known) / len(known) if known else None
    counts = Counter(BY_HAND if item.state.startswith(BY_HAND) else item.state for item in items)
    seconds = middle([item.seconds for item in items])
    return Column(items[0].exercise, items[0].worth, counts, mean, seconds)


def mistakes(works: list[Work]) -> list[Mistake]:
    """The commonest first. A check's short id tells mistakes apart; without one, its words do."""
    made = defaultdict(list)
    for work in works:
        for item in (item for item in work.counted if item.state in MISTAKEN):
            made[work.chapter, item.exercise, item.diagnosis or item.said.what].append((work.learner, item))
    found = [
        Mistake(chapter, exercise, same[0][1].diagnosis, same[0][1].said.what, tuple(who for who, _ in same))
        for (chapter, exercise, _), same in made.items()
    ]
    return sorted(found, key=lambda mistake: -len(mistake.learners))[:MOST]


def catches(works: list[Work]) -> list[Catch]:
    """Of one chapter: how often each misconception was caught, those first that slipped through most."""
    told = defaultdict(list)
    for item in (item for work in works for item in work.items):
        for what, caught in item.caught.items():
            told[item.exercise, what].append(caught)
    found = [Catch(exercise, what, sum(each), len(each)) for (exercise, what), each in told.items()]
    return sorted(found, key=lambda one: (one.exercise, one.caught / one.of))


def stuck(works: list[Work]) -> list[Stuck]:
    """Learners with wrong answers, those with most first."""
    found = []
    for learner, mine in by_learner(works).items():
        items = [(work.chapter, item) for work in mine for item in work.counted]
        on = tuple((chapter, item.exercise) for chapter, item in items if item.state in MISTAKEN)
        if on:
            found.append(Stuck(learner, on, sum(item.state == UNTOUCHED for _, item in items)))
    return sorted(found, key=lambda one: -len(one.on))


def by_learner(works: list[Work]) -> dict[str, list[Work]]:
    grouped = defaultdict(list)
    for work in works:
        grouped[work.learner].append(work)
    return dict(grouped)


def by_chapter(works: list[Work]) -> dict[str, list[Work]]:
    grouped = defaultdict(list)
    for work in works:
        grouped[work.chapter].append(work)
    return dict(grouped)


def next_step(works: list[Work]) -> tuple[str, str]:
    """What a learner does next: (exercise or chapter, advice)."""
    for work in works:
        if not work.items:
            return work.chapter, "Hand in this chapter's notebook again, as its .ipynb file."
    items = [item for work in works for item in work.counted]
    for item in (item for item in items if item.state in MISTAKEN):
        return item.exercise, item.said.next or item.said.what or "Run its check, and read what it says."
    for item in (item for item in items if item.state == UNTOUCHED):
        return item.exercise, "It is not answered yet. Begin with its hints."
    if any(item.points is None for item in items):
        return "", "Nothing. Your teacher reads the answers that are written in words."
    return "", "Nothing. Every answer is right."
