"""One unpatched run, kept, and what follows from changing it: nothing is computed that a patch cannot reach.

A patched run differs from the unpatched one only behind the patch: in later layers, at the patched position
and after it. So rows of patched streams enter where they were changed, and run on from there. What they do
not change, earlier keys and values above all, is the kept run's. In the last layer only positions that are
read go on.

Rows are an axis in front: (row batch pos d_model). `at` are the positions of the prompt that a tensor's pos
axis stands for, ascending; a tensor without `at` has all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from patchbook.patching.arithmetic import Arithmetic

# by letter: the heads, and their q, k or v at all positions, (row batch pos heads d_head)
Heard = Mapping[str, tuple[list[int], Tensor]]
Part = tuple[Tensor, Tensor]  # a stream, (row batch pos d_model), and the positions `at`


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
    """Runs rows on to the end. read: the (prompt, position) pairs whose logits are wanted.

    Several `Rows` that enter one layer alike, changed at other positions each, share their matrix products.
    """

    run: Run
    read: Bool[Tensor, "batch pos"]

    @cached_property
    def last(self) -> Int[Tensor, " pos"]:
        """The positions that are read in any prompt."""
        return self.read.any(0).nonzero()[:, 0]

    def final(self, several: Sequence[Rows], heard: Mapping[int, Heard] | None = None) -> list[Rows]:
        """The end of the streams, at those read positions that rows may have changed.

        heard: by layer, what some heads get for their q, k or v in place of what the rows give them.
        """
        heard, arithmetic = heard or {}, self.run.arithmetic
        layer, after_attention = several[0].layer, several[0].after_attention
        parts = [(rows.stream, rows.at) for rows in several]
        if after_attention:
            parts = self._mlp(layer, [self._read_only(layer, *part) for part in parts])
            layer += 1
        end = len(arithmetic.layers)
        for number in range(layer, end):
            parts = self._layer(number, parts, heard.get(number, {}), bool(heard))
        return [Rows(end, *self._read_only(end - 1, *part)) for part in parts]

    def pairs(self, final: Rows) -> tuple[tuple[Tensor, Tensor], Float[Tensor, "row pair d_model"]]:
        """(prompts, positions) of the read pairs among the rows' positions, and the rows' streams there."""
        prompts, places = self.read[:, final.at].nonzero().unbind(1)
        return (prompts, final.at[places]), final.stream[:, prompts, places]

    def _layer(self, layer: int, parts: list[Part], heard: Heard, reaches_all: bool) -> list[Part]:
        """One layer: all positions from the first changed one on have changed after it."""
        run, last = self.run, layer == len(self.run.k) - 1
        ends = [
            run.positions if reaches_all else run.positions[at[0] :] if len(at) else at for _, at in parts
        ]
        ends = [at[torch.isin(at, self.last)] for at in ends] if last else ends
        mixed = self._mixed(layer, parts, ends, heard)
        added = jointly(partial(run.arithmetic.attn_out, layer), mixed, own=2)
        streams = all_over(run.stream[layer], [self._read_only(layer, *part) for part in parts], ends)
        mids = [stream + more for stream, more in zip(streams, added, strict=True)]
        return self._mlp(layer, [*zip(mids, ends, strict=True)])

    def _mixed(self, layer: int, parts: list[Part], ends: list[Tensor], heard: Heard) -> list[Tensor]:
        """z of queries at `ends`, one of its positions for each part."""
        run, arithmetic, norm = self.run, self.run.arithmetic, self.run.arithmetic.layers[layer].norm1
        everywhere = [run.positions] * len(parts)

        def read(letter: str, normed: list[Part], wanted: list[Tensor]) -> list[Tensor]:
            vectors = jointly(
                partial(arithmetic.vectors, layer, letter), [arithmetic.placed(letter, *x) for x in normed]
            )
            unpatched = {"q": run.q, "k": run.k, "v": run.v}[letter][layer]
            found = all_over(unpatched, [(x, at) for x, (_, at) in zip(vectors, normed, strict=True)], wanted)
            if letter in heard:
                heads, values = heard[letter]
                found = [x.clone() for x in found]
                for x, at in zip(found, wanted, strict=True):
                    x[..., heads, :] = values[:, :, at]
            return found

        normed = [(norm(x), at) for x, at in parts]
        queries = read("q", [self._read_only(layer, *part) for part in normed], ends)
        sizes = [(len(end), len(at), run.length) for end, (_, at) in zip(ends, parts, strict=True)]
        if not heard and all(arithmetic.few_ask(*its) for its in sizes):
            whole = all_over(norm(run.stream[layer]), normed, everywhere)
            return [arithmetic.ask(layer, *given) for given in zip(queries, whole, ends, strict=True)]
        keys, values = (read(letter, normed, everywhere) for letter in "kv")
        return [arithmetic.attend(*given) for given in zip(queries, keys, values, ends, strict=True)]

    def _mlp(self, layer: int, parts: list[Part]) -> list[Part]:
        """The layer's MLP at the parts' positions."""
        added = jointly(partial(self.run.arithmetic.mlp_out, layer), [mid for mid, _ in parts])
        return [(mid + more, at) for (mid, at), more in zip(parts, added, strict=True)]

    def _read_only(self, layer: int, x: Tensor, at: Tensor) -> Part:
        """In the last layer, after its keys and values, only the positions that are read."""
        if layer < len(self.run.k) - 1:
            return x, at
        kept = torch.isin(at, self.last)
        return (x, at) if bool(kept.all()) else (x[:, :, kept], at[kept])


def all_over(base: Tensor, parts: list[Part], wanted: list[Tensor]) -> list[Tensor]:
    """`over`, for each of several parts."""
    return [over(base, x, at, its) for (x, at), its in zip(parts, wanted, strict=True)]


def over(base: Tensor, new: Tensor, at: Tensor, wanted: Tensor) -> Tensor:
    """`new` at `at`, the unpatched run's at the other wanted positions: (row batch wanted ...)."""
    if len(at) == len(wanted):
        return new
    full, places = base[:, wanted].expand(len(new), *(-1,) * base.ndim), torch.searchsorted(wanted, at)
    if len(at) and places[0] == len(wanted) - len(at):  # all from there on: copied once
        return torch.cat([full[:, :, : places[0]], new], dim=2)
    full = full.clone()
    full[:, :, places] = new
    return full


def jointly(function: Callable[[Tensor], Tensor], several: list[Tensor], own: int = 1) -> list[Tensor]:
    """A function of vectors, called once for several tensors of them. own: how many axes a vector has."""
    if len(several) == 1:
        return [function(several[0])]
    shapes = [one.shape[:-own] for one in several]
    flat = function(torch.cat([one.flatten(0, -own - 1) for one in several]))
    parts = flat.split([shape.numel() for shape in shapes])
    return [part.unflatten(0, shape) for part, shape in zip(parts, shapes, strict=True)]
