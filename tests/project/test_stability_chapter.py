"""Chapter 7: its definitions hold what the text promises, and its data are of seeds that ship."""

import json
import random

import pytest

from patchbook import reference_for
from patchbook.models import seeds
from patchbook.patching.graph import Graph
from patchbook.training.redraws import FILE, OTHERS
from patchbook.training.roles import PLACES
from patchbook.zoo import roles_again, roles_of

GRAPH = Graph(4, 6)
EDGES = [edge.label for edge in GRAPH.edges]
jaccard, in_roles, p_value = (reference_for(name) for name in ("jaccard", "in_roles", "p_value"))


def shuffled(label: str, numbers: dict[str, str]) -> str:
    ends = [end.partition(".") for end in label.split(" -> ")]
    return " -> ".join(numbers.get(node, node) + dot + letter for node, dot, letter in ends)


def test_a_model_with_shuffled_heads_has_another_circuit_by_number_and_the_same_by_role():
    draw, roles = random.Random(0), roles_of("tiny-gpt2")
    numbers = {}
    for layer in range(GRAPH.n_layers):
        heads = [f"L{layer}H{head}" for head in range(GRAPH.n_heads)]
        numbers |= dict(zip(heads, draw.sample(heads, len(heads)), strict=True))
    circuit = draw.sample(EDGES, 93)
    there = [shuffled(label, numbers) for label in circuit]
    roles_there = {role: [numbers[head] for head in heads] for role, heads in roles.items()}
    assert {*there} <= {*EDGES} and jaccard(circuit, there) < 0.5
    assert jaccard(in_roles(circuit, roles), in_roles(there, roles_there)) == 1


def test_two_random_circuits_share_what_the_page_says():
    draw = random.Random(1)
    for share in (0.1, 0.5, 0.9):
        size = round(share * len(EDGES))
        shared = [jaccard(draw.sample(EDGES, size), draw.sample(EDGES, size)) for _ in range(40)]
        assert sum(shared) / len(shared) == pytest.approx(share / (2 - share), abs=0.02)


def test_chance_alone_has_a_p_value_below_a_twentieth_in_one_of_twenty_cases():
    draw = random.Random(2)
    low = [p_value(draw.random(), [draw.random() for _ in range(19)]) <= 0.05 for _ in range(2000)]
    assert sum(low) / len(low) == pytest.approx(0.05, abs=0.015)


def test_roles_are_of_every_seed_that_ships_and_redrawn_ones_of_known_prompts():
    assert all(roles_of(name).keys() == PLACES.keys() for name in seeds())
    assert roles_of("tiny-gpt2@unknown") == roles_again("tiny-gpt2@unknown") == {}
    for name in json.loads(FILE.read_text()):
        assert name in seeds()
        assert roles_again(name).keys() == OTHERS.keys()
        assert all(roles.keys() == PLACES.keys() for roles in roles_again(name).values())
