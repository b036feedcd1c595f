"""One unpatched run, kept, and what follows from changing it: nothing is computed that a patch cannot reach.

A patched run differs from the unpatched one only behind the patch: in later layers, at the patched position and
after it. So rows of patched streams enter where they were changed, and run on from there. What they do not change,
earlier keys and values above all, is the kept run's. In the last layer only positions that are read go on.

Rows are an axis in front: (row batch pos d_model). `at` are the positions of the prompt that a tensor's pos axis
stands for, ascending; a tensor without `at` has all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from patchbook.patching.arithmetic import Arithmetic

# by letter: the heads, and their q, k or v at all positions, (row batch pos heads d_head)
Heard = Mapping[str, tuple[list[int], Tensor]]


class Run:
    """All that an unpatched run computed, layer by layer. stream has one more: the end of the last layer."""

    def __init__(self, arithmetic: Arithmetic, tokens: Int[Tensor, "batch pos"]):
        self.arithmetic = arithmetic
        self.batch, self.length = tokens.shape
        self.positions = torch.arange(self.length, device=tokens.device)
        everywhere = slice(self.length)
        self.stream, self.mid = [arithmetic.embed(tokens)], []
        self.q, self.k, self.v, self.z = [], [], [], []
        for number, layer in enumerate(arithmetic.layers):
            normed = layer.norm1(self.stream[-1])
            for kept, letter in ((self.q, "q"), (self.k, "k"), (self.v, "v")):
                kept.append(arithmetic.read(number, letter, normed, everywhere))
            self.z.append(arithmetic.attend(self.q[-1], self.k[-1], self.v[-1], everywhere))
            self.mid.append(self.stream[-1] + arithmetic.attn_out(number, self.z[-1]))
            self.stream.append(self.mid[-1] + arithmetic.mlp_out(number, self.mid[-1]))

    def write(self, layer: int, head: int) -> Float[Tensor, "batch pos d_model"]:
        """What one head adds to the stream."""
        return self.z[layer][:, :, head] @ self.arithmetic.layers[layer].W_O[head]

    def mlp_out(self, layer: int) -> Float[Tensor, "batch pos d_model"]:
        """What an MLP adds to the stream."""
        return self.stream[layer + 1] - self.mid[layer]

    def writes(self) -> Float[Tensor, "sender batch pos d_model"]:
        """What each sender adds to the stream, in the order of a graph's senders. b_O is nobody's."""
        found = [self.stream[0]]
        for layer in range(len(self.arithmetic.layers)):
            found += [self.write(layer, head) for head in range(self.arithmetic.n_heads)]
            if not self.arithmetic.attn_only:
                found.append(self.mlp_out(layer))
        return torch.stack(found)


@dataclass(frozen=True)
class Rows:
    """Patched streams: before layer `layer`, changed at the positions `at` only.

    after_attention: they are this layer's, between its attention and its MLP.
    """

    layer: int
    stream: Float[Tensor, "row batch pos d_model"]
    at: Int[Tensor, " pos"]
    after_attention: bool = False


@dataclass(frozen=True)
class Suffix:
    """Runs rows on to the end. read: the (prompt, position) pairs whose logits are wanted."""

    run: Run
    read: Bool[Tensor, "batch pos"]

    @property
    def last(self) -> Int[Tensor, " pos"]:
        """The positions that are read in any prompt."""
        return self.read.any(0).nonzero()[:, 0]

    def final(self, rows: Rows, heard: Mapping[int, Heard] | None = None) -> Rows:
        """The end of the stream, at those read positions that the rows may have changed.

        heard: by layer, what some heads get for their q, k or v in place of what the rows give them.
        """
        heard = heard or {}
        layer, x, at = rows.layer, rows.stream, rows.at
        end = len(self.run.arithmetic.layers)
        if rows.after_attention:
            x, at = self._read_only(layer, x, at)
            x = x + self.run.arithmetic.mlp_out(layer, x)
            layer += 1
        while layer < end:
            x, at = self._layer(layer, x, at, heard.get(layer, {}), bool(heard))
            layer += 1
        return Rows(end, *self._read_only(end - 1, x, at))

    def logits(self, final: Rows) -> tuple[tuple[Tensor, Tensor], Float[Tensor, "row pair d_vocab"]]:
        """(prompts, positions) of the read pairs among the rows' positions, and the rows' logits there."""
        prompts, places = self.read[:, final.at].nonzero().unbind(1)
        return (prompts, final.at[places]), self.run.arithmetic.logits(final.stream[:, prompts, places])

    def _layer(
        self, layer: int, x: Tensor, at: Tensor, heard: Heard, reaches_all: bool
    ) -> tuple[Tensor, Tensor]:
        """One layer: all positions from the first changed one on have changed after it."""
        run, arithmetic = self.run, self.run.arithmetic
        normed = arithmetic.layers[layer].norm1(x)
        keys = {
            letter: over(base[layer], arithmetic.read(layer, letter, normed, at), at, run.positions)
            for letter, base in (("k", run.k), ("v", run.v))
        }
        x, inside = self._read_only(layer, x, at)
        if len(inside) < len(at):
            normed = arithmetic.layers[layer].norm1(x)
        after = run.positions if reaches_all else run.positions[at[0] :]
        if layer == len(run.k) - 1:
            after = after[torch.isin(after, self.last)]
        q = over(run.q[layer], arithmetic.read(layer, "q", normed, inside), inside, after)
        for letter, (heads, values) in heard.items():
            if letter == "q":
                q = q.clone()
                q[..., heads, :] = values[:, :, after]
            else:
                keys[letter] = keys[letter].clone()
                keys[letter][..., heads, :] = values
        z = arithmetic.attend(q, keys["k"], keys["v"], after)
        x = over(run.stream[layer], x, inside, after) + arithmetic.attn_out(layer, z)
        return x + arithmetic.mlp_out(layer, x), after

    def _read_only(self, layer: int, x: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        """In the last layer, after its keys and values, only the positions that are read."""
        if layer < len(self.run.k) - 1:
            return x, at
        kept = torch.isin(at, self.last)
        return (x, at) if bool(kept.all()) else (x[:, :, kept], at[kept])


def over(base: Tensor, new: Tensor, at: Tensor, wanted: Tensor) -> Tensor:
    """`new` at `at`, the unpatched run's at the other wanted positions: (row batch wanted ...)."""
    if len(at) == len(wanted):
        return new
    full = base[:, wanted].expand(len(new), *(-1,) * base.ndim).clone()
    full[:, :, torch.searchsorted(wanted, at)] = new
    return full
