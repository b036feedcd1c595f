"""Rows of token ids to train on: documents, and random tokens said again and again.

Every row begins with <|endoftext|>, as every prompt of the book does. Most rows are short, because most
prompts are; one batch in four is long, so that all 256 positions are trained and none is a trap.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patchbook.training.corpus import documents
from patchbook.training.ioi_text import NAMES, RARE_NAMES

SHORT, LONG = 64, 256
# One round of batches: tokens in a row. All hold the same number of tokens, so all take the same time.
ROUND = [64, 64, 64, 128, 64, 64, 64, 256]
TOKENS = 1536


@dataclass(frozen=True)
class Rows:
    """The encoded corpus. `short`: [row 64], `long`: [row 256]; END in the first column of both."""

    short: np.ndarray
    long: np.ndarray
    tokens: np.ndarray  # every id but END, the commonest first
    names: np.ndarray  # ids that a name can begin with
    to: int  # the id of " to"
    end: int  # the id of <|endoftext|>, the last of all


@dataclass(frozen=True)
class Batch:
    """`text`: [batch pos] documents. `repeats`: [batch pos] random tokens, repeated. Same row length.

    `ends`: [batch pos], True where a name is to come right after " to": few places, and what IOI is about.
    """

    text: Tensor
    repeats: Tensor
    ends: Tensor


def encode(tokenizer, seed: int, number: int, length: int, crowded: bool = False) -> np.ndarray:
    """`number` documents cut to `length` tokens, the first of them <|endoftext|>: int64 [row pos]."""
    ids = tokenizer(list(documents(seed, number, length, crowded)))["input_ids"]
    return np.array([[tokenizer.bos_token_id, *row[: length - 1]] for row in ids])


def make_rows(tokenizer, steps: int, seed: int = 0, crowded: bool = False) -> Rows:
    """Enough documents that `steps` batches see each of them about once, 100,000 short ones at most."""
    short, long = min(100_000, 64 + 24 * steps), min(16_000, 64 + 3 * steps)
    texts, end = encode(tokenizer, 20 * seed + 10, short, SHORT, crowded), tokenizer.bos_token_id
    counts = np.bincount(texts.flatten(), minlength=end)[:end]
    names = {ids[0] for ids in tokenizer([" " + name for name in NAMES + RARE_NAMES])["input_ids"]}
    return Rows(
        short=texts,
        long=encode(tokenizer, 20 * seed + 11, long, LONG, crowded),
        tokens=np.argsort(-counts, kind="stable"),
        names=np.array(sorted(names)),
        to=tokenizer(" to")["input_ids"][0],
        end=end,
    )


def repeated(rng: np.random.Generator, rows: int, length: int, tokens: np.ndarray, end: int) -> np.ndarray:
    """[row pos]: END, then one random half of length/8 to length/2 tokens, again and again to the end.

    Every other row draws from the 500 commonest tokens: they are seen often, so copying starts with them.
    Much shorter halves would teach to repeat whatever was said, and not to look for what came next.
    """
    out = np.empty((rows, length), dtype=np.int64)
    for i, row in enumerate(out):
        pool = tokens[:500] if i % 2 else tokens
        half = rng.choice(pool, rng.integers(length // 8, length // 2))
        row[:] = np.concatenate([[end], np.tile(half, length // len(half) + 1)])[:length]
    return out


def draw(rows: Rows, step: int, rng: np.random.Generator, repeat_share: float) -> Batch:
    """The batch of one step: 1,536 tokens, `repeat_share` of its rows random tokens repeated."""
    length = ROUND[step % len(ROUND)]
    count = TOKENS // length
    source = rows.short if length == SHORT else rows.long
    repeats = max(1, round(count * repeat_share))
    text = source[rng.choice(len(source), count - repeats), :length]
    again = repeated(rng, repeats, length, rows.tokens, rows.end)
    return Batch(*map(torch.from_numpy, (text, again, ends(rows, text))))


def ends(rows: Rows, text: np.ndarray) -> np.ndarray:
    """Whether a name comes next, and " to" stands here: bool [row pos]."""
    found = np.zeros(text.shape, dtype=bool)
    found[:, :-1] = (text[:, :-1] == rows.to) & np.isin(text[:, 1:], rows.names)
    return found
