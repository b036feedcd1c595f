"""The picture of a circuit: every head is in it and said in words, no box covers another."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from patchbook.plots.circuit import ARROWS, HEIGHT, PLACES, WIDTH, draw_circuit

AT = {
    "prepares IO": "IO",
    "prepares S1": "S1",
    "previous token": "S1+1",
    "name mover": "end",
    "negative": "end",
}
AT |= {"S-inhibition": "end", "other to queries": "end", "other direct": "end"}
AT |= dict.fromkeys(("duplicate token", "induction", "other at S2", "prepares S2"), "S2")
EVERYONE = {role: [(number, 1), (number, 2)] for number, role in enumerate(AT)}


def picture(circuit) -> ElementTree.Element:
    source = draw_circuit(circuit, AT, "Heads & roles")._repr_html_()
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", source, re.DOTALL)[0])


def boxes(svg) -> list[tuple[float, float]]:
    return [(float(box.get("x")), float(box.get("y"))) for box in svg.iter("rect")]


def test_every_head_and_place_is_drawn_and_said():
    svg = picture(EVERYONE)
    written = " ".join(text.text for text in svg.iter("text"))
    for role, heads in EVERYONE.items():
        for layer, head in heads:
            assert f"L{layer}H{head}" in written and f"L{layer}H{head}" in svg.get("aria-label"), role
    assert all(place in written for place in PLACES)
    assert svg.get("role") == "img" and svg.get("aria-label").startswith("Heads & roles")


def test_no_box_covers_another_and_all_are_inside():
    svg = picture(EVERYONE)
    left, top, width, height = map(float, svg.get("viewBox").split())
    for (x, y), (u, v) in itertools.combinations(boxes(svg), 2):
        assert abs(x - u) >= WIDTH or abs(y - v) >= HEIGHT
    for x, y in boxes(svg):
        assert left <= x <= left + width - WIDTH and top <= y <= top + height - HEIGHT


def test_senders_stand_below_their_receivers():
    svg = picture(EVERYONE)
    texts = list(svg.iter("text"))
    height = {text.text: float(text.get("y")) for text in texts}
    assert all(height[sender] > height[receiver] for sender, receiver, _ in ARROWS)


def test_roles_without_heads_are_left_out_with_their_arrows():
    svg = picture(EVERYONE | {"S-inhibition": []})
    assert "S-inhibition" not in svg.get("aria-label") and "query" in svg.get("aria-label")
    assert len(boxes(svg)) == len(EVERYONE)  # one less, and the output
    assert "no head has a role" in picture({"name mover": []}).get("aria-label")


def test_a_role_without_a_place_is_refused():
    with pytest.raises(ValueError, match="'backup' has no place: position_of must give it one of IO, S1"):
        draw_circuit({"backup": [(1, 1)]}, AT, "")
