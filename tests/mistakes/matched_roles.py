"""The known wrong ways of chapter 7: nodes and edges called by what their heads do."""

import itertools

from patchbook.checking import Mistake


def _named(node, roles):
    names = [role for role, heads in roles.items() if node in heads]
    if not names and node.startswith("L"):
        names = ["unnamed " + node.split("H")[0]]
    return names or [node]


def _by(name, ends=(0, 1), letters=True, once=True, keep=lambda names: True):
    """in_roles, where name(node, roles) gives a node's names."""

    def wrong(labels, roles):
        found = []
        for label in labels:
            parts = []
            for place, end in enumerate(label.split(" -> ")):
                node, dot, letter = end.partition(".")
                names = name(node, roles) if place in ends else [node]
                parts.append([one + dot + letter if letters else one for one in names])
            found += [" -> ".join(names) for names in itertools.product(*parts) if keep(names)]
        return list(dict.fromkeys(found)) if once else found

    return wrong


def _replaced(labels, roles):
    """Texts replaced in texts: L1H1 is also the beginning of L1H12."""
    found = []
    for label in labels:
        names = [label]
        for node in sorted({head for heads in roles.values() for head in heads}):
            its = [role for role, heads in roles.items() if node in heads]
            names = [name.replace(node, role) for name in names for role in its]
        found += [
            " -> ".join(
                f"unnamed {end.split('H')[0]}" + end[end.find(".") :] * ("." in end)
                if end.startswith("L") and "H" in end
                else end
                for end in name.split(" -> ")
            )
            for name in names
        ]
    return list(dict.fromkeys(found))


def _all_together(node, roles):
    return [" + ".join(_named(node, roles))]


def _no_layer(node, roles):
    names = _named(node, roles)
    return ["unnamed"] if names[0].startswith("unnamed") else names


def _its_number(node, roles):
    return [node] if _named(node, roles)[0].startswith("unnamed") else _named(node, roles)


def _others_unnamed(node, roles):
    return ["unnamed"] if _named(node, roles) == [node] else _named(node, roles)


in_roles = (
    Mistake(
        "first-role-only",
        _by(lambda node, roles: _named(node, roles)[:1]),
        "a head with two roles has only the first one.",
        "Give it each of its names: another model may have two heads for them.",
    ),
    Mistake(
        "last-role-only",
        _by(lambda node, roles: _named(node, roles)[-1:]),
        "a head with two roles has only the last one.",
        "Give it each of its names. A dictionary head -> role has room for one.",
    ),
    Mistake(
        "roles-joined",
        _by(_all_together),
        "the roles of a head are joined into one name.",
        "One name for each role, and an edge for each pair of names.",
    ),
    Mistake(
        "number-kept",
        _by(_its_number),
        "a head without a role keeps its number, and that is an address in this model only.",
        "Call it by its layer, such as 'unnamed L2'.",
    ),
    Mistake(
        "layer-lost",
        _by(_no_layer),
        "heads without a role have lost their layer.",
        "Call such a head 'unnamed' and its layer: 'unnamed L2'.",
    ),
    Mistake(
        "unnamed-left-out",
        _by(_named, keep=lambda names: not any(name.startswith("unnamed") for name in names)),
        "what leads to or from a head without a role is left out.",
        "Keep it, under the name 'unnamed L2': what nobody has explained is part of the circuit, too.",
    ),
    Mistake(
        "others-renamed",
        _by(_others_unnamed),
        "an MLP, the embedding or the logits have lost their name.",
        "They are the same place in every model: leave their names.",
    ),
    Mistake(
        "letter-lost",
        _by(_named, letters=False),
        "the inputs are gone: q, k and v of a head are three.",
        "Put '.q' back behind the role: end.partition('.') splits it off.",
    ),
    Mistake(
        "senders-only",
        _by(_named, ends=(0,)),
        "only the sender of an edge is renamed.",
        "Rename both ends.",
    ),
    Mistake(
        "receivers-only",
        _by(_named, ends=(1,)),
        "only the receiver of an edge is renamed; and a node by itself is not.",
        "Rename both ends. A node is a label of one end.",
    ),
    Mistake(
        "repeated",
        _by(_named, once=False),
        "a name stands as often as it is made: two heads of one role give it twice.",
        "Each name once.",
    ),
    Mistake(
        "replaced-in-text",
        _replaced,
        "L1H12 was taken for L1H1 with a 2 behind it.",
        "Split the label first, and compare whole names.",
    ),
)
