"""How far a learner is in a chapter: the checks that passed since the notebook's kernel began, and before.

What passed before a restart has "passed earlier": the answer may have changed since, so it counts apart,
until its check runs again. Nothing is sent anywhere; keeping.py says where the names of exercises are
kept.
"""

import sys
from typing import Any

from patchbook.checking.keeping import is_lost, keep, kept, place
from patchbook.outline import chapter_of, chapters
from patchbook.sessions import on_a_page

_passed: set[str] = set()  # exercises
_latest: list[str] = []  # the exercise of the check that ran last


def note(exercise: str, right: bool) -> None:
    """A visible check has run. An answer that was right once, and is not any more, does not count."""
    _latest[:] = [exercise]
    (_passed.add if right else _passed.discard)(exercise)
    keep(exercise, right)


def standing(exercise: str) -> str:
    """ "7 of 21 checks passed · 15 of 50 points" in the chapter of an exercise; "" for one of no chapter."""
    chapter = chapter_of(exercise)
    return "" if chapter is None or on_a_page() else _counted(chapter)


def progress() -> None:
    """Print the exercises of this notebook's chapter, the checks that passed, the points, and what is next.

    After a restart it says what has passed earlier, where that could be kept. Nothing is sent anywhere.
    """
    chapter = chapter_of(_latest[0]) if _latest else _chapter_in_use()
    for shown in chapters().values() if chapter is None else ():
        print(f"{shown['title']}: {_counted(shown)}")
    if chapter is None:
        return
    checks, earlier = _checks(chapter), kept() - _passed
    by_hand = [e for e in chapter["exercises"].values() if not e["check"]]
    print(f"{chapter['title']}: {_counted(chapter)}\n")
    wide = max(map(len, checks), default=0)
    for name, exercise in checks.items():
        sign = "✓" if name in _passed else "◐" if name in earlier else "○"
        before = "  (passed earlier)" if name in earlier else ""
        print(f"  {sign} {name:{wide}}  {exercise['points']:>2g}  {exercise['title']}{before}")
    waiting = [f"Next: {name} ({e['title']})." for name, e in checks.items() if name not in _passed | earlier]
    print("\n" + "".join(waiting[:1] or [_all_done(checks, earlier)]))
    if by_hand:
        points = sum(exercise["points"] for exercise in by_hand)
        print(f"Questions to answer in words: {len(by_hand)}, for {points:g} points that a person gives.")
    if (_passed or earlier) and (file := place()):
        advice = " It goes with this session: mount your Drive to keep it." if is_lost() else ""
        print(f"Kept in {file}, and sent nowhere.{advice}")


def _all_done(checks: dict[str, Any], earlier: set[str]) -> str:
    again = [name for name in checks if name in earlier]
    if again:
        return f"Every check has passed; run again: {', '.join(again)}."
    return "Open checks passed; hidden ones run at grading."


def _counted(chapter: dict[str, Any]) -> str:
    checks, earlier = _checks(chapter), kept() - _passed
    done = [exercise["points"] for name, exercise in checks.items() if name in _passed]
    most = sum(exercise["points"] for exercise in checks.values())
    before = sum(name in earlier for name in checks)
    more = f" (and {before} earlier)" if before else ""
    return f"{len(done)} of {len(checks)} checks passed{more} · {sum(done):g} of {most:g} points"


def _checks(chapter: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: exercise for name, exercise in chapter["exercises"].items() if exercise["check"]}


def _chapter_in_use() -> dict[str, Any] | None:
    """The chapter whose checks the notebook has imported, as `tests`."""
    name = getattr(getattr(sys.modules.get("__main__"), "tests", None), "__name__", "")
    topic = name.removeprefix("patchbook.tests.")
    return next((chapter for key, chapter in chapters().items() if key[3:] == topic), None)
