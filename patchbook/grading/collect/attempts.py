"""Several files of one learner for one chapter: which counts, and what the learner's folder is called."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from patchbook.grading.collect.names import squeezed

COLLECTED, PASSED_OVER, REFUSED = "collected", "passed over", "refused"
ATTEMPTS = ("latest", "first", "best-name", "all")


@dataclass(frozen=True)
class Entry:
    """One file that was found, and what became of it: a row of the table and of collected.json.

    origin: the source and the path in it.  status: one of the three above.  reason: in one line.
    chapter, who: "" where the file tells neither.  learner: the folder's name, made from `who`.
    handed_in: ISO time in UTC, "" where unknown.  late: the LMS said so.
    system, id: "canvas" or "moodle", and its number for the person.  own, upload, copy: see Name.
    mended: what was put right.  file: where the notebook lies, beside collected.json; "" when nowhere.
    """

    origin: str
    status: str
    chapter: str = ""
    who: str = ""
    learner: str = ""
    handed_in: str = ""
    late: bool = False
    system: str = ""
    id: str = ""
    own: str = ""
    upload: int = 0
    copy: int = 0
    reason: str = ""
    mended: tuple[str, ...] = ()
    file: str = ""

    @property
    def order(self) -> tuple:
        """Later attempts sort behind earlier ones.

        An LMS counts its uploads. Else the time decides, to the minute: files that were unpacked at once
        have no times of their own, and then a browser's "(2)" decides.
        """
        return self.upload, self.handed_in[:16], self.copy, self.handed_in, self.own


def with_learners(entries: Iterable[Entry]) -> list[Entry]:
    """The same entries with their learners; people of one name are kept apart by the LMS's number.

    Canvas numbers people. Moodle numbers them anew in each assignment, so there only two numbers in the
    same chapter are two people.
    """
    entries = list(entries)
    numbers = defaultdict(set)
    for entry in entries:
        chapter = entry.chapter if entry.system == "moodle" else ""
        numbers[entry.who, entry.system, chapter].add(entry.id)
    shared = {(who, system) for (who, system, _), ids in numbers.items() if system and len(ids) > 1}
    return [
        replace(e, learner=f"{e.who}-{e.id}" if e.who and (e.who, e.system) in shared else e.who)
        for e in entries
    ]


def chosen(entries: Iterable[Entry], attempts: str) -> list[Entry]:
    """The same entries, in order; those that do not count are passed over.

    attempts: one of ATTEMPTS. With "all", each readable attempt gets a learner's folder of its own.
    """
    groups = defaultdict(list)
    for entry in entries:
        groups[entry.learner, entry.chapter].append(entry)
    done = [entry for group in groups.values() for entry in _one_group(group, attempts)]
    return sorted(
        done, key=lambda entry: (entry.learner.casefold(), entry.chapter, entry.order, entry.origin)
    )


def _one_group(group: list[Entry], attempts: str) -> list[Entry]:
    """One learner's files for one chapter."""
    readable = sorted((entry for entry in group if entry.status == COLLECTED), key=lambda entry: entry.order)
    refused = [entry for entry in group if entry.status == REFUSED]
    past = [entry for entry in group if entry.status == PASSED_OVER]
    if not readable:
        return [*past, *only_last_file(refused)]
    refused = [replace(entry, file="") for entry in refused]
    if attempts == "all" and readable[1:]:
        numbered = enumerate(readable, 1)
        return [*past, *refused, *(replace(e, learner=f"{e.learner} (attempt {n})") for n, e in numbered)]
    kept = {"latest": readable[-1], "first": readable[0], "best-name": max(readable, key=_well_named)}
    return [*past, *refused, *_with_one(readable, kept.get(attempts, readable[-1]), attempts, refused)]


def only_last_file(refused: list[Entry]) -> list[Entry]:
    """Of files that cannot be read the last one stays, so that grading calls it unreadable, not missing."""
    last = max((e for e in refused if e.file), key=lambda entry: entry.order, default=None)
    return [entry if entry is last else replace(entry, file="") for entry in refused]


def _with_one(readable: list[Entry], kept: Entry, attempts: str, refused: list[Entry]) -> list[Entry]:
    others = [
        replace(e, status=PASSED_OVER, reason=f"{attempts} counts: {kept.origin}", file="")
        for e in readable
        if e is not kept
    ]
    said = [kept.reason] if kept.reason else []
    said += [f"attempt {readable.index(kept) + 1} of {len(readable)}"] if others else []
    said += [f"a later file cannot be used: {e.origin}" for e in refused if e.order > kept.order]
    return [*others, replace(kept, reason="; ".join(said))]


def _well_named(entry: Entry) -> tuple:
    """The chapter's own name first, then names that hold it, then others; of equals the latest."""
    own, chapter = squeezed(entry.own), squeezed(entry.chapter)
    return own == chapter and not entry.copy, own == chapter, chapter in own, entry.order
