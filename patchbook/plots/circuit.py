"""Draw a circuit: heads by role, each role at the place in the prompt where it works.

    draw_circuit({"name mover": [(2, 1)]}, {"name mover": "end"}, "IOI in my model")

Roles without heads are left out, with their arrows. The picture is one SVG without scripts; it takes the
page's own text colour, and says in words what it shows.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchbook.plots.display import COLOURS, DisplayedHTML

Head = tuple[int, int]  # (layer, head)
PLACES = ("IO", "S1", "S1+1", "S2", "end")
ARROWS = (  # sender, receiver, the receiver's input; a sender is always drawn below its receivers
    ("prepares S2", "induction", "query"),
    ("previous token", "induction", "key"),
    ("duplicate token", "S-inhibition", "value"),
    ("induction", "S-inhibition", "value"),
    ("other at S2", "S-inhibition", "value"),
    ("S-inhibition", "name mover", "query"),
    ("other to queries", "name mover", "query"),
    ("prepares IO", "name mover", "value and key"),
    ("prepares S1", "name mover", "key"),
    ("prepares S2", "other direct", "value"),
    ("name mover", "output", ""),
    ("other direct", "output", ""),
    ("negative", "output", "against"),
)
WIDTH, HEIGHT, COLUMN, STEP = 132, 40, 156, 66  # of a box; between columns; between rows
OUTPUT, SAID = "output", "the next name"


@dataclass(frozen=True)
class Box:
    """A role's box. x, y: its centre; row: 0 is the lowest."""

    role: str
    heads: str
    place: str
    x: float
    y: float
    colour: str


def draw_circuit(
    circuit: Mapping[str, Sequence[Head]], position_of: Mapping[str, str], title: str
) -> DisplayedHTML:
    """The circuit as a picture: places from left to right, later roles higher up.

    circuit: role -> (layer, head) pairs. position_of: role -> a place of PLACES. Roles that ARROWS does not
    know are drawn without arrows. Raises ValueError for a role without a place.
    """
    lost = [role for role, heads in circuit.items() if heads and position_of.get(role) not in PLACES]
    if lost:
        raise ValueError(f"{lost[0]!r} has no place: position_of must give it one of {', '.join(PLACES)}.")
    boxes = _boxes({role: heads for role, heads in circuit.items() if heads}, position_of)
    arrows = [arrow for arrow in ARROWS if arrow[0] in boxes and arrow[1] in boxes]
    words = _in_words(title, boxes, arrows)
    top = min(box.y for box in boxes.values()) - HEIGHT
    body = [_place(place) for place in PLACES]
    highest = {box.place: box.role for box in sorted(boxes.values(), key=lambda box: -box.y)}
    for sender, receiver, _ in arrows:
        body.append(_arrow(boxes[sender], boxes[receiver], highest[boxes[sender].place] == sender))
    body += [*_labels(boxes, arrows), *map(_box, boxes.values())]
    svg = (
        f'<svg viewBox="0 {top:.0f} {COLUMN * len(PLACES) + 30} {50 - top:.0f}" role="img" '
        f'aria-label="{html.escape(words)}" style="width:100%;min-width:740px;max-width:800px;height:auto" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">{"".join(body)}</svg>'
    )
    heading = f"<p><strong>{html.escape(title)}</strong></p>"
    return DisplayedHTML(f'{heading}<div style="overflow-x:auto">{svg}</div>', words)


def _boxes(circuit: Mapping[str, Sequence[Head]], position_of: Mapping[str, str]) -> dict[str, Box]:
    """Every role above its senders, and alone in its row of the column."""
    rows: dict[str, int] = {}
    for role in _senders_first(list(circuit)):
        below = [rows[sender] for sender, receiver, _ in ARROWS if receiver == role and sender in rows]
        below += [row for other, row in rows.items() if position_of[other] == position_of[role]]
        rows[role] = 1 + max(below, default=-1)
    boxes = {}
    for number, (role, heads) in enumerate(circuit.items()):
        place, colour = position_of[role], COLOURS[number % len(COLOURS)]
        labels = " ".join(f"L{layer}H{head}" for layer, head in heads)
        x = COLUMN * (PLACES.index(place) + 0.5)
        boxes[role] = Box(role, labels, place, x, -60 - STEP * rows[role], colour)
    highest = max(rows.values(), default=-1) + 1
    x = COLUMN * (PLACES.index("end") + 0.5)
    return boxes | {OUTPUT: Box(OUTPUT, SAID, "end", x, -60 - STEP * highest, "currentColor")}


def _senders_first(roles: list[str]) -> list[str]:
    """The roles in an order in which every sender comes before those it sends to."""
    order = list(dict.fromkeys(sender for sender, _, _ in ARROWS))
    return sorted(roles, key=lambda role: order.index(role) if role in order else len(order))


def _place(place: str) -> str:
    x = COLUMN * (PLACES.index(place) + 0.5)
    return (
        f'<line x1="{x}" x2="{x}" y1="10" y2="-40" stroke="currentColor" stroke-opacity="0.3"/>'
        f'<text x="{x}" y="30" text-anchor="middle" font-weight="bold" font-size="15">{place}</text>'
    )


def _box(box: Box) -> str:
    left, top = box.x - WIDTH / 2, box.y - HEIGHT / 2
    return (
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
        f'fill="{box.colour}" fill-opacity="0.15" stroke="{box.colour}"/>'
        + _text(box.x, box.y - 4, box.role, 'text-anchor="middle" font-weight="bold"')
        + _text(box.x, box.y + 13, _shortened(box.heads), 'text-anchor="middle"')
    )


def _shortened(heads: str, most: int = 4) -> str:
    labels = heads.split()
    return heads if len(labels) <= most or heads == SAID else f"{' '.join(labels[:3])} +{len(labels) - 3}"


def _text(x: float, y: float, words: str, options: str) -> str:
    return f'<text x="{x}" y="{y}" {options}>{html.escape(words)}</text>'


def _arrow(sender: Box, receiver: Box, from_top: bool) -> str:
    """Within a column along its right side; to another column from the sender's side or top."""
    right, end = sender.x + WIDTH / 2, receiver.y
    if sender.place == receiver.place:
        end += HEIGHT / 4
        tip, way, bend = right + 2, -1, right + 10 + (sender.y - receiver.y) / 8
        path = f"M{right} {sender.y}C{bend} {sender.y} {bend} {end} {tip} {end}"
    else:
        tip, way = receiver.x - WIDTH / 2 - 2, 1
        if from_top:
            path = f"M{sender.x} {sender.y - HEIGHT / 2}C{sender.x} {end} {right} {end} {tip} {end}"
        else:
            path = f"M{right} {sender.y}C{tip} {sender.y} {right} {end} {tip} {end}"
    return (
        f'<path d="{path}" fill="none" stroke="{sender.colour}" stroke-width="2"/>'
        f'<path d="M{tip} {end}l{-8 * way} -4v8z" fill="{sender.colour}"/>'
    )


def _labels(boxes: Mapping[str, Box], arrows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """The inputs at which arrows arrive, each receiver's once: those from other columns at its left."""
    for receiver in dict.fromkeys(receiver for _, receiver, _ in arrows):
        box = boxes[receiver]
        for here, x, anchor in ((False, box.x - WIDTH / 2 - 10, "end"), (True, box.x + WIDTH / 2 - 6, "end")):
            names = [
                name
                for sender, to, name in arrows
                if to == receiver and (boxes[sender].place == box.place) == here
            ]
            words = ", ".join(dict.fromkeys(filter(None, " and ".join(names).split(" and "))))
            y = box.y + HEIGHT / 2 + 13 if here else box.y - 6
            yield _text(x, y, words, f'text-anchor="{anchor}" font-size="11"') if words else ""


def _in_words(title: str, boxes: Mapping[str, Box], arrows: Sequence[tuple[str, str, str]]) -> str:
    roles = [f"{box.role} at {box.place}: {box.heads}" for box in boxes.values() if box.role != OUTPUT]
    ways = [f"{sender} to {receiver}{f' ({name})' if name else ''}" for sender, receiver, name in arrows]
    if not roles:
        return f"{title}: no head has a role."
    return f"{title}. {'; '.join(roles)}." + (f" Arrows: {', '.join(ways)}." if ways else "")
