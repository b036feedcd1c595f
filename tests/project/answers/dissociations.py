"""Answers to chapter 7: what each task loses without each circuit."""

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# double_dissociation
@right("double_dissociation")
def with_sets(measure, circuits):
    table = []
    for name, circuit in circuits.items():
        own = set(circuit)
        for other in circuits:
            if other != name:
                own -= set(circuits[other])
        table.append([1 - measure(task, sorted(own)) / measure(task, []) for task in circuits])
    return torch.tensor(table)


@right("double_dissociation")
def by_counting(measure, circuits):
    times = {}
    for circuit in circuits.values():
        for edge in set(circuit):
            times[edge] = times.get(edge, 0) + 1
    whole = torch.tensor([measure(task, []) for task in circuits])
    own = [[edge for edge in circuit if times[edge] == 1] for circuit in circuits.values()]
    without = torch.tensor([[measure(task, edges) for task in circuits] for edges in own])
    return (whole - without) / whole


@right("double_dissociation")
def by_numpy(measure, circuits):
    tasks = tuple(circuits)
    table = np.empty((len(tasks), len(tasks)))
    for i, name in enumerate(tasks):
        others = set().union(*(circuits[task] for task in tasks if task != name))
        own = [edge for edge in circuits[name] if edge not in others]
        for j, task in enumerate(tasks):
            before, after = measure(task, []), measure(task, own)
            table[i, j] = (before - after) / before
    return table


@wrong("double_dissociation", "shared-ablated")
def the_whole_circuit(measure, circuits):
    return torch.tensor(
        [
            [1 - measure(task, circuit) / measure(task, []) for task in circuits]
            for circuit in circuits.values()
        ]
    )


@wrong("double_dissociation", "transposed")
def task_by_circuit(measure, circuits):
    return with_sets(measure, circuits).T


@wrong("double_dissociation", "not-a-share")
def in_logits(measure, circuits):
    return with_sets(measure, circuits) * torch.tensor([measure(task, []) for task in circuits])


@wrong("double_dissociation", "what-is-left")
def what_remains(measure, circuits):
    return 1 - with_sets(measure, circuits)


@wrong("double_dissociation", "sign")
def change(measure, circuits):
    return -with_sets(measure, circuits)


@wrong("double_dissociation", "size-of-the-loss")
def how_far(measure, circuits):
    return with_sets(measure, circuits).abs()


@wrong("double_dissociation", "another-tasks-whole")
def one_whole_for_all(measure, circuits):
    rows = []
    for name, circuit in circuits.items():
        own = [e for e in circuit if all(e not in circuits[other] for other in circuits if other != name)]
        whole = measure(name, [])
        rows.append([(whole - measure(task, own)) / whole for task in circuits])
    return torch.tensor(rows)


@wrong("double_dissociation", "contract")
def own_task_only(measure, circuits):
    return with_sets(measure, circuits).diagonal()
