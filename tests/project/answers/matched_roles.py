"""Answers to chapter 7: nodes and edges called by what their heads do."""

import re
from itertools import product

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def names_of(node, roles):
    its = [role for role in roles if node in roles[role]]
    if its:
        return its
    layer = re.fullmatch(r"L(\d+)H\d+", node)
    return [f"unnamed L{layer[1]}"] if layer else [node]


# in_roles
@right("in_roles")
def end_by_end(labels, roles):
    found = set()
    for label in labels:
        ways = []
        for end in label.split(" -> "):
            node, *letter = end.split(".")
            ways.append([".".join([name, *letter]) for name in names_of(node, roles)])
        found |= {" -> ".join(way) for way in product(*ways)}
    return sorted(found)


@right("in_roles")
def by_the_other_dictionary(labels, roles):
    of_head = {}
    for role, heads in roles.items():
        for head in heads:
            of_head.setdefault(head, []).append(role)

    def called(end):
        head = re.match(r"L\d+H\d+", end)
        if head is None:
            return [end]
        rest = end[head.end() :]
        return [name + rest for name in of_head.get(head[0], [f"unnamed {head[0].split('H')[0]}"])]

    found = []
    for label in labels:
        sender, _, receiver = label.partition(" -> ")
        for a in called(sender):
            for b in called(receiver) if receiver else [""]:
                name = f"{a} -> {b}" if receiver else a
                if name not in found:
                    found.append(name)
    return found


@right("in_roles")
def by_a_pattern(labels, roles):
    found = {}
    for label in labels:
        waiting = [label]
        while waiting:
            text = waiting.pop()
            head = re.search(r"\bL\d+H\d+\b", text)
            if head is None:
                found[text] = True
                continue
            names = names_of(head[0], roles)
            waiting += [text[: head.start()] + name + text[head.end() :] for name in names]
    return list(found)


@wrong("in_roles", "first-role-only")
def one_name_each(labels, roles):
    found = set()
    for label in labels:
        ends = [end.split(".") for end in label.split(" -> ")]
        found.add(" -> ".join(".".join([names_of(node, roles)[0], *letter]) for node, *letter in ends))
    return sorted(found)


@wrong("in_roles", "number-kept")
def keeps_what_it_does_not_know(labels, roles):
    found = set()
    for label in labels:
        ways = []
        for end in label.split(" -> "):
            node, *letter = end.split(".")
            names = [role for role in roles if node in roles[role]] or [node]
            ways.append([".".join([name, *letter]) for name in names])
        found |= {" -> ".join(way) for way in product(*ways)}
    return sorted(found)


@wrong("in_roles", "letter-lost")
def forgets_the_input(labels, roles):
    ways = [[names_of(end.split(".")[0], roles) for end in label.split(" -> ")] for label in labels]
    return sorted({" -> ".join(way) for one in ways for way in product(*one)})


@wrong("in_roles", "repeated")
def as_often_as_made(labels, roles):
    found = []
    for label in labels:
        ways = []
        for end in label.split(" -> "):
            node, *letter = end.split(".")
            ways.append([".".join([name, *letter]) for name in names_of(node, roles)])
        found += [" -> ".join(way) for way in product(*ways)]
    return found


@wrong("in_roles", "unnamed-left-out")
def only_what_has_a_role(labels, roles):
    return [name for name in end_by_end(labels, roles) if "unnamed" not in name]


@wrong("in_roles", "layer-lost")
def all_unnamed_alike(labels, roles):
    return sorted({re.sub(r"unnamed L\d+", "unnamed", name) for name in end_by_end(labels, roles)})


@wrong("in_roles", "contract")
def edits_and_forgets(labels, roles):
    end_by_end(labels, roles)
