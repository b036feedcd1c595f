"""What chapter 7's exercises must compute: nodes and edges called by what their heads do."""

import itertools


def in_roles(labels: list[str], roles: dict[str, list[str]]) -> list[str]:
    """End by end: a head's roles in place of its number, every combination of them once."""
    found = []
    for label in labels:
        ends = []
        for end in label.split(" -> "):
            node, dot, letter = end.partition(".")
            names = [role for role, heads in roles.items() if node in heads]
            if not names and node.startswith("L"):  # MLPs, the embedding and the logits keep their names
                names = ["unnamed " + node.split("H")[0]]
            ends.append([name + dot + letter for name in names or [node]])
        found += [" -> ".join(names) for names in itertools.product(*ends)]
    return list(dict.fromkeys(found))
