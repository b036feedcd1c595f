"""The known wrong ways to edit an activation in a patching hook.

An edit is `edit(x, clean, axis, i)`: what becomes of the corrupted run's activation x, where `axis` holds the
positions or the heads and i is the one to patch.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch


def one(x, clean, axis, i):
    """The right way."""
    patched = x.clone()
    patched.select(axis, i).copy_(clean.select(axis, i))
    return patched


def _added(x, clean, axis, i):
    patched = x.clone()
    patched.select(axis, i).add_(clean.select(axis, i))
    return patched


def _span(x, clean, start, stop, axis=1):
    patched = x.clone()
    patched.narrow(axis, start, stop - start).copy_(clean.narrow(axis, start, stop - start))
    return patched


def _first_prompt(x, clean, axis, i):
    return torch.cat([one(x[:1], clean[:1], axis, i), x[1:]])


def _along(other_axis):
    """The right edit along another axis."""
    return lambda x, clean, axis, i: one(x, clean, other_axis, i)


def _last_position_of(x, clean, axis, i):
    """One head, but only at the last position (the last query of a pattern)."""
    patched, end = x.clone(), (slice(None), -1, i) if axis == 2 else (slice(None), i, -1)
    patched[end] = clean[end]
    return patched


class Edit(NamedTuple):
    """One wrong way to edit an activation, and what to say about it in a hook and in a sweep."""

    id: str
    edit: Callable
    what: str
    next: str


SWAPPED = Edit(
    "clean-and-corrupted-swapped",
    lambda x, clean, axis, i: one(clean, x, axis, i),
    "clean and corrupted are swapped: all but the chosen {axis} comes from the clean run.",
    "Begin with the activation that the hook is given, and write the clean {axis} into it.",
)


ALL = Edit(
    "all-{axis}s",
    lambda x, clean, axis, i: clean.clone(),
    "all {axis}s are patched; wanted one.",
    "Write into one slice of the activation, {slice}, and return the whole activation.",
)


FIRST_PROMPT = Edit(
    "first-prompt-only",
    _first_prompt,
    "only the first prompt of the batch is patched.",
    "Keep the batch axis whole: {slice}.",
)


ADDED = Edit(
    "added",
    _added,
    "the clean activation is added to the corrupted one; wanted it in its place.",
    "Assign with =, not with +=.",
)


ALWAYS_FIRST = Edit(
    "always-{axis}-0",
    lambda x, clean, axis, i: one(x, clean, axis, 0),
    "{axis} 0 is patched whatever the argument says.",
    "Use the argument `{argument}`.",
)


ALWAYS_LAST = Edit(
    "always-last-{axis}",
    lambda x, clean, axis, i: one(x, clean, axis, -1),
    "the last {axis} is patched whatever the argument says.",
    "Use the argument `{argument}`. In a loop, bind it when you make the hook: "
    "partial(…, {argument}={argument}, …).",
)


NEXT = Edit(
    "next-{axis}",
    lambda x, clean, axis, i: one(x, clean, axis, (i + 1) % x.shape[axis]),
    "the {axis} after the one asked for is patched.",
    "Count {axis}s from 0, as indices do.",
)


UP_TO = Edit(
    "positions-up-to",
    lambda x, clean, axis, i: _span(x, clean, 0, i + 1),
    "all positions up to the chosen one are patched.",
    "[:, : pos + 1] is a range; [:, pos] is one position. In a sweep, give each run hooks of its own.",
)


BEFORE = Edit(
    "positions-before",
    lambda x, clean, axis, i: _span(x, clean, 0, i),
    "all positions before the chosen one are patched, and not the chosen one.",
    "[:, :pos] is a range; [:, pos] is one position.",
)


FROM = Edit(
    "positions-from",
    lambda x, clean, axis, i: _span(x, clean, i, x.shape[1]),
    "all positions from the chosen one on are patched.",
    "[:, pos:] is a range; [:, pos] is one position.",
)


LAST_POSITION = Edit(
    "last-position-only",
    _last_position_of,
    "the head is patched at the last position alone; wanted all positions.",
    "Leave the position axis whole: {slice}.",
)


DIMENSION = Edit(
    "patched-dimension",
    _along(-1),
    "one number of each vector is patched, at every position and for every head there is.",
    "The last axis holds the vector's numbers. Write {slice}.",
)


POSITION_NOT_HEAD = Edit(
    "patched-position",
    _along(1),
    "one position of every head is patched; wanted one head.",
    "The axes are (batch, pos, head, d_head): write [:, :, head_index].",
)


QUERY_NOT_HEAD = Edit(
    "patched-query",
    _along(2),
    "one query of every head is patched; wanted one head.",
    "A pattern has axes (batch, head, query, key): write [:, head_index].",
)


KEY_NOT_HEAD = Edit(
    "patched-key",
    _along(3),
    "one key of every head is patched; wanted one head.",
    "A pattern has axes (batch, head, query, key): write [:, head_index].",
)


PATTERN_AXIS = Edit(
    "pattern-axis",
    lambda x, clean, axis, i: one(x, clean, 2, i),
    "the first four rows are right, but in the pattern it patches one query instead of one head.",
    "A pattern has axes (batch, head, query, key): use patch_attn_patterns for it.",
)


VECTOR_AXIS = Edit(
    "vector-axis",
    lambda x, clean, axis, i: one(x, clean, 1, i),
    "the pattern is right, but in z, q, k and v it patches one position instead of one head.",
    "They have axes (batch, pos, head, d_head): use patch_head_vector for them.",
)


RETURNED_SLICE = Edit(
    "returned-slice",
    lambda x, clean, axis, i: clean.select(axis, i),
    "it returns the patched slice alone; TransformerLens goes on with what the hook returns.",
    "Write the slice into the activation, and return the whole activation.",
)


UNCHANGED = Edit(
    "unchanged",
    lambda x, clean, axis, i: x,
    "the activation comes back unchanged.",
    "Assign to a slice of the activation and return that same activation.",
)


BY_POSITION = {"axis": "position", "argument": "pos", "slice": "[:, pos]"}


BY_HEAD = {"axis": "head", "argument": "head_index", "slice": "[:, :, head_index]"}


BY_PATTERN = BY_HEAD | {"slice": "[:, head_index]"}
