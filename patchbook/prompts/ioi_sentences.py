"""The sentences of indirect object identification: templates as data, and how a prompt is written from one.

A template has a slot for each of the three names, in order of appearance, and may have one for a place and
one for an object. Each slot has a space before it, so that each word is one token. The text ends just
before the answer.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from string import Formatter

from patchbook.prompts.rules import Names

NAME_SLOTS = ["first", "second", "giver"]
WORD_SLOTS = ["place", "object"]

# The shapes of the literature (arXiv 2211.00593; TransformerLens's Exploratory Analysis demo), in words that
# the tiny tokenizer splits as GPT-2 does. The last four begin with a sentence that hides no answer.
TEMPLATES = (
    "When {first} and {second} went to the {place}, {giver} gave the {object} to",
    "When {first} and {second} went to the {place}, {giver} gave a {object} to",
    "After {first} and {second} went to the {place}, {giver} gave a {object} to",
    "Then, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "Then, {first} and {second} had a lot of fun at the {place}. {giver} gave a {object} to",
    "Then, {first} and {second} were working at the {place}. {giver} decided to give a {object} to",
    "Then, {first} and {second} were thinking about going to the {place}. "
    "{giver} wanted to give a {object} to",
    "While {first} and {second} were working at the {place}, {giver} gave a {object} to",
    "While {first} and {second} were commuting to the {place}, {giver} gave a {object} to",
    "When {first} and {second} got a {object} at the {place}, {giver} decided to give it to",
    "Friends {first} and {second} found a {object} at the {place}. {giver} gave it to",
    "Afterwards, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "The teacher likes the small dog. "
    "When {first} and {second} went to the {place}, {giver} gave a {object} to",
    "The old cat sleeps near the window. "
    "Then, {first} and {second} went to the {place}. {giver} gave a {object} to",
    "The cat loves to scratch my car. "
    "After {first} and {second} went to the {place}, {giver} gave the {object} to",
    "I see the old teacher. "
    "While {first} and {second} were working at the {place}, {giver} gave a {object} to",
)

# The eight prompts of the Exploratory Analysis demo, in its order: template, order, IO, S, place, object.
PUBLISHED = (
    (0, "BABA", "Mary", "John", "shops", "bag"),
    (0, "ABBA", "John", "Mary", "shops", "bag"),
    (0, "ABBA", "Tom", "James", "park", "ball"),
    (0, "BABA", "James", "Tom", "park", "ball"),
    (1, "ABBA", "Dan", "Sid", "shops", "apple"),
    (1, "BABA", "Sid", "Dan", "shops", "apple"),
    (2, "ABBA", "Martin", "Amy", "park", "drink"),
    (2, "BABA", "Amy", "Martin", "park", "drink"),
)


@dataclass(frozen=True)
class IOIPrompt:
    """One prompt. `IO` is the right answer, `S` the wrong one; neither changes when names are flipped.

    text: the sentence, up to just before the answer. names: its three names in order of appearance.
    place, object: "" where the template has no such slot. template: an index into the set's templates.
    order: "ABBA" (the indirect object is named first) or "BABA".
    """

    text: str
    names: Names
    IO: str
    S: str
    place: str
    object: str
    template: int
    order: str


def render(template: str, names: Names, place: str, object: str) -> str:
    """A template with its slots filled; "a" becomes "an" where the object asks for it."""
    if object[:1] in set("aeiouAEIOU"):
        template = template.replace(" a {object}", " an {object}")
    return template.format(**dict(zip(NAME_SLOTS, names, strict=True)), place=place, object=object)


def write_prompt(
    templates: Sequence[str], template: int, order: str, IO: str, S: str, place: str, object: str
) -> IOIPrompt:
    """The prompt in which S gives the object to IO.

    >>> write_prompt(TEMPLATES, 1, "ABBA", "Mary", "John", "park", "apple").text
    'When Mary and John went to the park, John gave an apple to'
    """
    names = (IO, S, S) if order == "ABBA" else (S, IO, S)
    text = render(templates[template], names, place, object)
    place, object = (
        word if f"{{{slot}}}" in templates[template] else ""
        for slot, word in (("place", place), ("object", object))
    )
    return IOIPrompt(text, names, IO, S, place, object, template, order)


def write_prompts(
    rng: random.Random,
    N: int,
    templates: Sequence[str],
    orders: Sequence[str],
    names: Sequence[str],
    places: Sequence[str],
    objects: Sequence[str],
) -> Iterator[IOIPrompt]:
    """N prompts with random words. Templates take turns, in random order: all are used equally often."""
    numbers = rng.sample(range(len(templates)), len(templates))
    for template, order in islice(cycle(product(numbers, orders)), N):
        IO, S = rng.sample(names, 2)
        yield write_prompt(templates, template, order, IO, S, rng.choice(places), rng.choice(objects))


def check_template(template: str) -> None:
    """Raise ValueError, with what to change, unless the template can be used.

    >>> check_template("{first} met {second}. {giver} gave a {object} to")
    ValueError: wanted a space before every slot, but …
    """
    parts = list(Formatter().parse(template))
    slots = [slot for _, slot, _, _ in parts if slot is not None]
    if [slot for slot in slots if slot not in WORD_SLOTS] != NAME_SLOTS or len(set(slots)) < len(slots):
        raise ValueError(
            f"wanted the slots {{first}}, {{second}}, {{giver}}, once each and in this order, and at most "
            f"one {{place}} and one {{object}}, but got {template!r}."
        )
    if any(slot is not None and not before.endswith(" ") for before, slot, _, _ in parts):
        raise ValueError(
            f"wanted a space before every slot, but got {template!r}.\n"
            f"At the start of a text a name is another token: begin with a word, as in 'Then, {{first}} …'."
        )
    if template != template.rstrip():
        raise ValueError(f"wanted no space at the end, but got {template!r}: the answer brings its own.")
