"""The known wrong ways of chapter 7: what each task loses without each circuit."""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import dissociations as specifications


def _others(circuits, name):
    return {edge for other, edges in circuits.items() if other != name for edge in edges}


def _own(circuits, name):
    return [edge for edge in circuits[name] if edge not in _others(circuits, name)]


def _table(
    removed=_own, share=lambda whole, without: (whole - without) / whole, whole_of=lambda name, task: task
):
    """removed(circuits, name): what a row ablates; share(whole, without): an entry."""

    def wrong(measure, circuits):
        rows = [
            [
                share(measure(whole_of(name, task), []), measure(task, removed(circuits, name)))
                for task in circuits
            ]
            for name in circuits
        ]
        return torch.tensor(rows)

    return wrong


def _not_in_the_next(circuits, name):
    """Only one other circuit is looked at."""
    names = list(circuits)
    other = names[(names.index(name) + 1) % len(names)]
    return [edge for edge in circuits[name] if edge not in circuits[other]]


double_dissociation = (
    Mistake(
        "shared-ablated",
        _table(lambda circuits, name: circuits[name]),
        "edges that both circuits have are ablated, too: that hurts both tasks, and says nothing of either.",
        "Ablate a circuit's own edges: those that no other circuit has.",
    ),
    Mistake(
        "shared-only",
        _table(lambda circuits, name: [e for e in circuits[name] if e in _others(circuits, name)]),
        "the edges that circuits share are ablated.",
        "Ablate those that no other circuit has.",
    ),
    Mistake(
        "one-other-only",
        _table(_not_in_the_next),
        "only one other circuit is asked whether it has an edge.",
        "An edge is a circuit's own if none of the others has it.",
    ),
    Mistake(
        "others-ablated",
        _table(lambda circuits, name: sorted(_others(circuits, name) - {*circuits[name]})),
        "each row ablates the other circuits' edges.",
        "Row by row: the edges of this circuit.",
    ),
    Mistake(
        "transposed",
        lambda measure, circuits: specifications.double_dissociation(measure, circuits).T,
        "rows and columns are swapped.",
        "A row for each circuit that is ablated, a column for each task that is tested.",
    ),
    Mistake(
        "not-a-share",
        _table(share=lambda whole, without: whole - without),
        "this is how much is lost, in the metric's unit: tasks cannot be compared.",
        "Divide by what the whole model gets in this task.",
    ),
    Mistake(
        "what-is-left",
        _table(share=lambda whole, without: without / whole),
        "this is the share that is left.",
        "Wanted the share that is lost: 0 where the task does not suffer.",
    ),
    Mistake(
        "sign",
        _table(share=lambda whole, without: (without - whole) / whole),
        "the sign is wrong: a loss is positive.",
        "The whole model's figure, less the one without the edges.",
    ),
    Mistake(
        "over-what-is-left",
        _table(share=lambda whole, without: (whole - without) / without),
        "it is divided by what is left.",
        "Divide by what the whole model gets.",
    ),
    Mistake(
        "another-tasks-whole",
        _table(whole_of=lambda name, task: name),
        "the loss is measured from another task's figure.",
        "`measure(task, [])` is the whole model's figure in the task that is tested.",
    ),
    Mistake(
        "size-of-the-loss",
        _table(share=lambda whole, without: abs(whole - without) / whole),
        "a task that gets better without the edges looks as if it suffered.",
        "Keep the sign.",
    ),
)
