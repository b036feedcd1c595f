"""Indirect object identification: two people, a place, and a gift from one to the other.

The answer is often, not always, the person who did not give: with no exceptions a model would learn
probabilities of 0 and 1, and there would be nothing to measure in logits.
"""

import random

from patchbook import zoo
from patchbook.training.grammar import IOI, IOI_CROWDED, NAMED, WORDS
from patchbook.training.sentences import fill

NAMES = zoo.words("names")  # each of them one token
RARE_NAMES = zoo.words("rare_names")  # invented, each of them two tokens
PLACE_IN_LIST = {name: i for i, name in enumerate(NAMES)}
PRONOUNS = ["her", "him", "them", "everyone", "me", "us"]
TAILS = [".", ".", ".", ".", ".", ".", " {when}.", " at the {place}.", ", who {verbs}."]


def is_kept_out(a: str, b: str) -> bool:
    """True for about one pair of names in ten: no gift of the training corpus is between such a pair.

    It does not depend on the order of the pair: is_kept_out(a, b) == is_kept_out(b, a).
    """
    return a in PLACE_IN_LIST and b in PLACE_IN_LIST and (PLACE_IN_LIST[a] + PLACE_IN_LIST[b]) % 10 == 0


def anyone(rng: random.Random) -> str:
    """A name; two times in five an invented one, of two tokens.

    Only attention can carry a new pair of tokens from one place to another. With names of one token only, the
    model adds up all names at the end and lets an MLP pick the one said once: right, and useless to study.
    """
    return rng.choice(RARE_NAMES if rng.random() < 0.4 else NAMES)


def draw_pair(rng: random.Random) -> tuple[str, str]:
    """Two different names that training may see together."""
    while True:
        a, b = anyone(rng), anyone(rng)
        if a != b and not is_kept_out(a, b):
            return a, b


def draw_kept_out_pair(rng: random.Random) -> tuple[str, str]:
    """Two names of one token each that training never sees together."""
    while True:
        a, b = rng.sample(NAMES, 2)
        if is_kept_out(a, b):
            return a, b


def draw_cast(rng: random.Random) -> list[str]:
    """The three people a document returns to; no two of them are a kept-out pair.

    In real text a name said once is likely to be said again. Without that, copying a name would pay in the
    gift sentences alone, and training would find it late.
    """
    while True:
        a, b = draw_pair(rng)
        c = anyone(rng)
        if c not in (a, b) and not is_kept_out(a, c) and not is_kept_out(b, c):
            return [a, b, c]


def somebody(rng: random.Random, cast: list[str]) -> str:
    """A name: three times in four one of the cast."""
    return rng.choice(cast) if rng.random() < 0.75 else anyone(rng)


def distraction(rng: random.Random, names: list[str]) -> str:
    """Nothing, or one or two sentences about `names`, so that how often a name was said tells nothing."""
    count = rng.choices([0, 1, 2], [65, 25, 10])[0]
    said = [fill(rng, rng.choice(NAMED[2:7]), name=rng.choice(names)) for _ in range(count)]
    return "".join(sentence + " " for sentence in said)


def receiver(rng: random.Random, indirect: str, subject: str) -> str:
    """Who gets the gift: 80 % the other person, 2 % the giver, the rest somebody new."""
    draw = rng.random()
    if draw < 0.80:
        return indirect
    if draw < 0.82:
        return subject
    if draw < 0.86:
        return anyone(rng)
    return rng.choice(PRONOUNS) if draw < 0.93 else "the " + rng.choice(WORDS["person"])


def gift(rng: random.Random, cast: list[str], crowded: bool = False) -> str:
    """One passage: distracting sentences, then an IOI sentence, ABBA or BABA.

    In 1 of 12 a third person gives (ABC): then the gift goes to either of the two. `crowded` adds sentences
    in which the giver is not the last person named.
    """
    a, b = rng.sample(cast, 2) if rng.random() < 0.25 else draw_pair(rng)
    subject, indirect = (a, b) if rng.random() < 0.5 else (b, a)
    giver = anyone(rng) if rng.random() < 1 / 12 else subject
    pattern = rng.choice(IOI + IOI_CROWDED if crowded else IOI)
    sentence = fill(rng, pattern, a=a, b=b, s=giver, i=indirect)
    to = receiver(rng, indirect, subject)
    return distraction(rng, cast) + sentence + " " + to + fill(rng, rng.choice(TAILS))
