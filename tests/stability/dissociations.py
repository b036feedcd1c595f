"""Checks of chapter 7: what each task loses without each circuit."""

import functools
import random
from collections.abc import Collection, Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.tests.circuits.circuit_runs import edge_labels
from patchbook.tests.mistakes import dissociations as mistakes
from patchbook.tests.specifications import dissociations as specifications


def _measure(task: str, removed: Collection[str], worths: dict[str, dict[str, float]], whole: dict) -> float:
    """A task's figure without these edges: some are worth much to it, some less than nothing."""
    return whole[task] - sum(worths[task][edge] for edge in {*removed})


def _arguments(seed: int, sizes: dict[str, int], shared: int, of_two: int) -> dict[str, Any]:
    """Circuits with edges of their own, some that all share, and some that the last and the first share."""
    draw, edges, tasks = random.Random(seed), edge_labels(2, 2), list(sizes)
    left = draw.sample(edges, len(edges))
    circuits = {task: [left.pop() for _ in range(size)] for task, size in sizes.items()}
    everybodys, last_and_first = ([left.pop() for _ in range(number)] for number in (shared, of_two))
    for task in tasks:
        circuits[task] += everybodys + (last_and_first if task in (tasks[0], tasks[-1]) else [])
        draw.shuffle(circuits[task])
    worths = {task: {edge: draw.uniform(-0.3, 0.1) for edge in edges} for task in tasks}
    for task in tasks:
        worths[task] |= {edge: draw.uniform(0.4, 0.9) for edge in circuits[task]}
    whole = {task: 6.0 + 3 * number for number, task in enumerate(tasks)}
    return {"measure": functools.partial(_measure, worths=worths, whole=whole), "circuits": circuits}


@checks(specifications.double_dissociation, mistakes.double_dissociation)
def test_double_dissociation(seed: int) -> Iterator[Case]:
    """What each task loses without each circuit."""
    two, three = {"IOI": 6, "weekdays": 9}, {"IOI": 5, "weekdays": 8, "capitals": 4}
    yield Case("two circuits, 3 edges shared", functools.partial(_arguments, seed, two, 3, 0))
    yield Case("three circuits, 2 edges shared by all", functools.partial(_arguments, seed + 1, three, 2, 3))
