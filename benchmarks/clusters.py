"""Do wrong answers that nobody foresaw come together by what they compute? A made class of 200 says.

    python -m benchmarks.clusters [--answers 200] [--seed 1] [--write]

The misconceptions are known: each is a row of tests/mistakes, and its programs are those that the full check
gives its name to: the wrong answers of tests/project/answers, written without sight of the rows, mutants of
the solution, and the row's own function. Then all rows are taken out of the checks, so that nothing names
them any more. Three quarters of the class draw a misconception, some far more often than others, and then
one of its programs; the rest are mutants that no row names, each with a label of its own: slips that nobody
shares.

Each answer goes the way of grading: observed, sent as bytes, judged, grouped. Printed is how many answers the
ten largest groups cover, how many the ten commonest misconceptions have, how pure the groups are (answers
whose group's commonest label is theirs), and whether a misconception is spread over several groups. --write:
also benchmarks/clusters.md.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")
sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.project

import torch

from patchbook.checking import Check, observe
from patchbook.checking.fingerprint import UNFORESEEN
from patchbook.grading.judging.judge import decide_by
from patchbook.grading.report.groups import MOST, Kinds, groups_of
from patchbook.grading.report.reading import WRONG, Item, Work
from tests.project.answers import averages, hooks_and_caches, repeating_rows
from tests.project.mutation import Exercise, exercises_of, mutants_of

TABLE = Path(__file__).with_suffix(".md")
BANK = [*hooks_and_caches.BANK, *averages.BANK, *repeating_rows.BANK]
EXERCISES = {  # of the first hours, with checks that take moments
    "00_hooks_and_caches": ("attention_from_q_and_k",),
    "01_induction_heads": (
        "average_over_condition",
        "heads_with_high_average_pattern",
        "find_repeating_rows",
    ),
}
ALONE = 0.25  # share of the class with a slip that nobody shares
PATIENCE = 5  # seconds of processor time for a mutant


class Program(NamedTuple):
    """A wrong answer. label: the misconception, by exercise and row; a slip's own.  shared: no slip."""

    exercise: str
    label: str
    name: str
    shared: bool
    fingerprint: list


class Endless(BaseException):
    """A mutant that does not end: no check may catch it."""


def main() -> None:
    asked = arguments()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    signal.signal(signal.SIGPROF, give_up)
    exercises = [e for chapter, names in EXERCISES.items() for e in exercises_of(chapter) if e.name in names]
    programs = [program for exercise in exercises for program in programs_of(exercise)]
    text = table(class_of(programs, asked.answers, random.Random(asked.seed)), programs)
    print(text, end="")
    if asked.write:
        TABLE.write_text(text, encoding="utf-8")


def programs_of(exercise: Exercise) -> Iterator[Program]:
    """The wrong answers to an exercise that are left without a name when its rows are gone."""
    check, bare = exercise.check, replace(exercise.check, mistakes=())
    rows = {mistake.id for mistake in check.mistakes}
    for name, function in implementations(exercise):
        with contextlib.suppress(Endless):
            named, unnamed = (diagnosed(one, function, exercise.seeds) for one in (check, bare))
            shared = named[0] in rows
            if unnamed[0] in UNFORESEEN and (shared or named[0] in UNFORESEEN):
                label = f"{exercise.name}: {named[0] if shared else name}"
                yield Program(exercise.name, label, name, shared, unnamed[1])


def implementations(exercise: Exercise) -> Iterator[tuple[str, Callable]]:
    """Wrong answers by name: the bank's, the rows' own functions, and the solution's mutants."""
    for answer in BANK:
        if answer.exercise == exercise.name and answer.diagnosis:
            yield answer.name, answer.implementation
    for mistake in exercise.check.mistakes:
        yield f"row {mistake.id}", mistake.wrong
    for mutant in mutants_of(exercise.source):
        with contextlib.suppress(Exception):
            yield mutant.id, exercise.function(mutant.source)


def diagnosed(check: Check, function: Callable, seeds: tuple[int, ...]) -> tuple[str, list]:
    """Diagnosis and fingerprint on the first seed that fails, as in grading; ("", []) where all pass."""
    for seed in seeds:
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        try:
            record = observe(check, function, seed, watch=False)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        verdict = decide_by(check, seed, record.to_bytes())
        if not verdict.passed:
            return verdict.diagnosis, verdict.fingerprint
    return "", []


def give_up(*_: object) -> None:
    raise Endless


def class_of(programs: list[Program], size: int, draw: random.Random) -> list[Program]:
    """One wrong answer for each learner. The second misconception is half as common as the first, …"""
    by_label = defaultdict(list)
    for program in (program for program in programs if program.shared):
        by_label[program.label].append(program)
    labels = sorted(by_label)
    draw.shuffle(labels)
    slips = [program for program in programs if not program.shared]
    alone = draw.sample(slips, min(len(slips), round(ALONE * size)))
    weights = [1 / rank for rank in range(1, len(labels) + 1)]
    chosen = draw.choices(labels, weights, k=size - len(alone))
    answers = [*alone, *(draw.choice(by_label[label]) for label in chosen)]
    draw.shuffle(answers)
    return answers


def table(answers: list[Program], programs: list[Program]) -> str:
    works = [Work(str(i), "", "ok", 1.0, items=(item_of(program),)) for i, program in enumerate(answers)]
    groups = [[answers[int(i)] for i in group.learners] for group in groups_of(works, Kinds())]
    largest = groups[:MOST]
    shared = [program for program in answers if program.shared]
    spread = Counter(label for group in groups for label in {p.label for p in group if p.shared})
    covered = sum(map(len, largest))
    ceiling = sum(count for _, count in Counter(p.label for p in shared).most_common(MOST))
    of_shared = sum(program.shared for group in largest for program in group)
    rows = [
        ("answers, each wrong and without a diagnosis", len(answers)),
        ("different programs among them", len({(p.exercise, p.name) for p in answers})),
        ("misconceptions among them", len({p.label for p in shared})),
        ("answers with a slip of their own", len(answers) - len(shared)),
        ("groups", len(groups)),
        (f"answers with one of the {MOST} commonest misconceptions", ceiling),
        (f"answers in the {MOST} largest groups", f"{covered} ({100 * covered / len(answers):.0f} %)"),
        ("of those with a misconception", f"{of_shared} ({100 * of_shared / len(shared):.0f} %)"),
        (f"purity of the {MOST} largest groups", f"{100 * purity(largest):.1f} %"),
        ("purity of all groups", f"{100 * purity(groups):.1f} %"),
        ("misconceptions in more than one group", sum(count > 1 for count in spread.values())),
    ]
    lines = "".join(f"| {what} | {number} |\n" for what, number in rows)
    return f"| | |\n|---|---|\n{lines}"


def item_of(program: Program) -> Item:
    return Item(program.exercise, 1.0, 0.0, WRONG, code=program.name, fingerprint=program.fingerprint)


def purity(groups: list[list[Program]]) -> float:
    """The share of answers whose group's commonest label is theirs."""
    commonest = sum(Counter(p.label for p in group).most_common(1)[0][1] for group in groups)
    return commonest / sum(map(len, groups))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clusters", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
