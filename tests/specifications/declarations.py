"""What the capstone's exercises must hold: verdicts on the examples, and one declaration of our own."""

from typing import Any

import torch

from patchbook import zoo
from patchbook.checking import measured_declarations
from patchbook.patching.declared import measured, task_of
from patchbook.patching.estimates import attribute

DAYS = zoo.words("days")


def my_verdicts() -> dict[str, str]:
    """As measured."""
    return dict(measured_declarations.verdicts())


def my_task() -> dict[str, Any]:
    """Which day ends a list of three; on sentences about tomorrow it ought to hold, too."""
    return {
        "model": "tiny-gpt2",
        "metric": "logit difference",
        "prompts": [_prompt("{0}, {1} and", day, 2) for day in range(7)],
        "falsify": [_prompt("Today it is {0}, tomorrow it is", day, 1) for day in range(7)],
    }


def _prompt(text: str, day: int, answer: int) -> dict[str, str]:
    """The day after the last one that is said is right, that last one wrong. Corrupted: three days on."""
    clean, corrupted = ([DAYS[(start + step) % 7] for step in range(2)] for start in (day, day + 3))
    right, wrong = (f" {DAYS[(day + step) % 7]}" for step in (answer, answer - 1))
    return {
        "clean": text.format(*clean),
        "corrupted": text.format(*corrupted),
        "right": right,
        "wrong": wrong,
    }


def my_circuit() -> dict[str, Any]:
    """The 120 largest edges by EAP-IG."""
    declared = my_task()
    task = task_of(declared)

    def lead(logits: torch.Tensor) -> torch.Tensor:
        right, wrong = logits[:, -1].gather(1, task.prompts.answers).T
        return (right - wrong).mean()

    scores = attribute(task.model, task.prompts.clean, task.prompts.corrupted, lead, steps=10)
    return declared | {"edges": [edge.label for edge, _ in scores.top(120)]}


def my_claims() -> dict[str, Any]:
    """Its figures, and the verdict that follows."""
    declared = my_circuit()
    found = measured(declared)
    figures = {name: round(getattr(found, name), 2) for name in measured_declarations.CLAIMED}
    return declared | {"figures": figures, "verdict": found.verdict}
