"""How many mutants of each solution its check refuses, and those that pass.

python -m tests.project.mutation [--chapter 02_ioi] [--exercise NAME] [--jobs 2]
"""

import argparse
import multiprocessing
import sys
from collections import Counter
from typing import NamedTuple

from tests.project.discriminating import weakness
from tests.project.mutation import (
    CHAPTERS,
    Exercise,
    Mutant,
    Verdict,
    exercises_of,
    judge_mutant,
    listed_as_equivalent,
    mutants_of,
    subject_of,
    warm,
)


class Score(NamedTuple):
    """What became of one exercise's mutants.

    passed: those that are not listed. broke: ended in an error of the check's. stale: listed, but refused.
    weak: cases that no known mistake fails by far.
    """

    exercise: str
    mutants: int
    refused: int
    listed: int
    passed: list[Mutant]
    broke: list[Mutant]
    stale: list[str]
    weak: list[str]

    @property
    def percent(self) -> float:
        return 100 * self.refused / max(self.mutants - self.listed, 1)


def score(exercise: Exercise) -> Score:
    subject = subject_of(exercise)
    checks, mutants = warm(subject), mutants_of(subject.source)
    listed = listed_as_equivalent(exercise.chapter).get(exercise.name, {})
    verdicts = {mutant: judge_mutant(subject, mutant, checks) for mutant in mutants}
    passed = {m.id: m for m, verdict in verdicts.items() if verdict is Verdict.PASSED}
    counts = Counter(verdicts.values())
    return Score(
        exercise.name,
        len(mutants),
        counts[Verdict.REFUSED] + counts[Verdict.KILLED],
        len(listed.keys() & passed.keys()),
        [mutant for id, mutant in passed.items() if id not in listed],
        [mutant for mutant, verdict in verdicts.items() if verdict is Verdict.BROKE_THE_CHECK],
        [id for id in listed if id not in passed],
        weak_cases(exercise),
    )


def weak_cases(exercise: Exercise) -> list[str]:
    seeds = exercise.seeds if exercise.check.compares else ()
    cases = [(seed, case) for seed in seeds for case in exercise.check.cases(seed)]
    why = [(seed, case.description, weakness(exercise.check, case)) for seed, case in cases]
    return [f"seed {seed}, {description}: {words}" for seed, description, words in why if words]


def score_named(which: tuple[str, str]) -> Score:
    chapter, name = which
    return score(next(e for e in exercises_of(chapter) if e.name == name))


def show(score: Score) -> None:
    print(f"{score.exercise:45}{score.mutants:8}{score.refused:9}{score.listed:8}{score.percent:8.1f} %")
    for mutant in score.passed:
        print(f'  passes: "{mutant.id}"\n      - {mutant.line[0]}\n      + {mutant.line[1]}')
    for mutant in score.broke:
        print(f'  breaks the check itself: "{mutant.id}"')
    for id in score.stale:
        print(f'  listed as equivalent, but refused or no mutant: "{id}"')
    for words in score.weak:
        print(f"  weak case: {words}")
    sys.stdout.flush()


def total(scores: list[Score]) -> Score:
    sums = [sum(getattr(s, field) for s in scores) for field in ("mutants", "refused", "listed")]
    return Score(f"all {len(scores)} exercises", *sums, [], [], [], [])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.project.mutation", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--chapter", action="append", choices=CHAPTERS)
    parser.add_argument("--exercise", action="append")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    found = [(e.chapter, e.name) for chapter in asked.chapter or CHAPTERS for e in exercises_of(chapter)]
    names = [(chapter, name) for chapter, name in found if not asked.exercise or name in asked.exercise]
    print(f"{'exercise':45}{'mutants':>8}{'refused':>9}{'listed':>8}{'score':>10}")
    scores = []
    with multiprocessing.get_context("fork").Pool(asked.jobs, maxtasksperchild=1) as pool:
        for one in pool.imap(score_named, names, chunksize=1):
            scores.append(one)
            show(one)
    show(total(scores))
    return 1 if any(s.passed or s.broke or s.stale or s.weak for s in scores) else 0


if __name__ == "__main__":
    sys.exit(main())
