"""Rows of token ids to train on: documents, and random tokens said again and again.

Every row begins with <|endoftext|>, as every prompt of the book does. Most rows are short, because most prompts
are; one batch in four is long, so that all 256 positions are trained and none is a trap.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patchbook.training.corpus import documents

SHORT, LONG = 64, 256
# One round of batches: tokens in a row. All hold the same number of tokens, so all take the same time.
ROUND = [64, 64, 64, 128, 64, 64, 64, 256]
TOKENS = 1536


@dataclass(frozen=True)
class Rows:
    """The encoded corpus. `short`: [row 64], `long`: [row 256]; END in the first column of both."""

    short: np.ndarray
    long: np.ndarray
    end: int  # the id of <|endoftext|>, which is also the number of other tokens


@dataclass(frozen=True)
class Batch:
    """`text`: [batch pos] documents. `repeats`: [batch pos] random tokens, repeated. Same row length."""

    text: Tensor
    repeats: Tensor


def encode(tokenizer, seed: int, number: int, length: int) -> np.ndarray:
    """`number` documents cut to `length` tokens, the first of them <|endoftext|>: int64 [row pos]."""
    ids = tokenizer(list(documents(seed, number, length)))["input_ids"]
    return np.array([[tokenizer.bos_token_id, *row[: length - 1]] for row in ids])


def make_rows(tokenizer, steps: int, seed: int = 0) -> Rows:
    """Enough documents that `steps` batches see each of them about once, 100,000 short ones at most."""
    short, long = min(100_000, 64 + 24 * steps), min(16_000, 64 + 3 * steps)
    return Rows(
        encode(tokenizer, seed + 10, short, SHORT),
        encode(tokenizer, seed + 11, long, LONG),
        tokenizer.bos_token_id,
    )


def repeated(rng: np.random.Generator, rows: int, length: int, end: int) -> np.ndarray:
    """[row pos]: END, then one random half of 4 to length/2 tokens, again and again to the end.

    Short halves are commoner: they are easier, and from them the model learns to copy.
    """
    out = np.empty((rows, length), dtype=np.int64)
    for row in out:
        half = rng.integers(0, end, 4 + int((length // 2 - 4) * rng.random() ** 1.5))
        row[:] = np.concatenate([[end], np.tile(half, length // len(half) + 1)])[:length]
    return out


def draw(rows: Rows, step: int, rng: np.random.Generator, repeat_share: float) -> Batch:
    """The batch of one step: 1,536 tokens, `repeat_share` of its rows random tokens repeated."""
    length = ROUND[step % len(ROUND)]
    count = TOKENS // length
    source = rows.short if length == SHORT else rows.long
    repeats = max(1, round(count * repeat_share))
    text = source[rng.choice(len(source), count - repeats), :length]
    again = repeated(rng, repeats, length, rows.end)
    return Batch(torch.from_numpy(text), torch.from_numpy(again))
