"""What is patched, as data; and many patches run at once.

    patches = [Patch("z", 2, head=1), Patch("resid_pre", 0, pos=5)]
    with torch.inference_mode():
        values = Bench(model, tokens, metric).patched(patches, other_cache)   # the metric of each patch

Each patch is a run of its own on `tokens`, with one activation of another run. Patches of one layer and place
run in one batch where that pays (`costs`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformer_lens import TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.patching.arithmetic import Arithmetic
from patchbook.patching.costs import Costs, Entry
from patchbook.patching.progress import progress
from patchbook.patching.reading import Metric, Read, ReadLogits, ReadMore, what_is_read
from patchbook.patching.suffix import Rows, Run, Suffix, jointly

Place = Literal["resid_pre", "resid_mid", "attn_out", "mlp_out", "z", "q", "k", "v", "pattern"]
OF_HEADS = ("z", "q", "k", "v", "pattern")
ALIKE = 32  # roundings: activations that differ by less are the same
AWAY = 1e-3  # of the largest logit: so far from the model's own run ours may not be


@dataclass(frozen=True)
class Patch:
    """One activation to replace, by TransformerLens's name for its place.

    pos: None is all positions; of a pattern, the query's. key: of a pattern, the key's; None is all.
    """

    place: Place
    layer: int
    pos: int | None = None
    head: int | None = None
    key: int | None = None

    def entry(self, differs: Bool[Tensor, " pos"]) -> Entry | None:
        """Where it changes the stream, or None. differs: where the other run's activation is another."""
        at = differs.nonzero()[:, 0].tolist()
        at = at if self.pos is None else [pos for pos in at if pos == self.pos]
        if not at:
            return None
        start, stop = at[0], len(differs) if self.place in ("k", "v") else at[-1] + 1
        if self.place in ("resid_pre", "mlp_out"):
            return Entry(self.layer + (self.place == "mlp_out"), start, stop - start)
        return Entry(self.layer, start, stop - start, after_attention=True)


class Bench:
    """A model's unpatched run on some tokens, to patch and to score by a metric of the logits.

    Raises ValueError for a model in training mode, one with hooks on it, or of an unknown architecture.
    """

    def __init__(self, model: TransformerBridge, tokens: Int[Tensor, "batch pos"], metric: Metric):
        if model.training:
            raise ValueError("wanted a model in evaluation mode: call model.eval().")
        self.arithmetic = Arithmetic.of(model)
        tokens = tokens.to(self.arithmetic.W_E.device)
        self.run = Run(self.arithmetic, tokens)
        self.logits = model(tokens)
        self.metric = metric
        self.read = what_is_read(metric, self.logits)
        self._same_as_the_models()

    @property
    def costs(self) -> Costs:
        """What rows cost here."""
        return Costs.of(self.arithmetic, self.read)

    def patched(self, patches: Sequence[Patch], cache: Mapping[str, Tensor], what: str = "") -> list[Tensor]:
        """The metric of each patch, with activations from `cache`. what: said by the progress bar."""
        entries = self.entries(patches, cache)
        groups: dict[tuple, list[int]] = {}
        for i in sorted(entries, key=lambda i: entries[i].start):
            groups.setdefault((patches[i].layer, patches[i].place), []).append(i)

        def batches(costs: Costs) -> list:
            return [
                batch for key in sorted(groups) for batch in costs.packed(groups[key], entries.__getitem__)
            ]

        def end(suffix: Suffix, batch: Sequence[tuple[list[int], Entry]]) -> list[Rows]:
            return suffix.final([self._enter([patches[i] for i in its], cache, at) for its, at in batch])

        found = self.scored(batches, end, what)
        ran = [i for batch in batches(self.costs) for its, _ in batch for i in its]
        values = dict(zip(ran, found, strict=True))
        unpatched = self.metric(self.logits)
        return [values.get(i, unpatched) for i in range(len(patches))]

    def entries(self, patches: Sequence[Patch], cache: Mapping[str, Tensor]) -> dict[int, Entry]:
        """Where each patch enters, by its number; those are left out that change nothing.

        Prompts often begin alike, and then so do all activations. What differs by no more than rounding is
        alike.
        """
        differs: dict[tuple, Tensor] = {}
        found = {}
        for i, patch in enumerate(patches):
            key = patch.place, patch.layer
            if key not in differs:
                differs[key] = self._differs(*key, cache)
            mask = differs[key] if patch.head is None else differs[key][:, patch.head]
            if entry := patch.entry(mask):
                found[i] = entry
        return found

    def _differs(self, place: Place, layer: int, cache: Mapping[str, Tensor]) -> Bool[Tensor, "pos *head"]:
        """Where another run's activation is not this run's, in any prompt."""
        run, new = self.run, cache[get_act_name(place, layer)]
        if place == "pattern":
            base = self.arithmetic.pattern(run.q[layer], run.k[layer], run.positions)
            base, new = base.transpose(1, 2), new.transpose(1, 2)  # (batch, query, head, key)
        elif place == "attn_out":
            base = run.mid[layer] - run.stream[layer]
        elif place == "mlp_out":
            base = run.mlp_out(layer)
        else:
            base = {"resid_pre": run.stream, "resid_mid": run.mid}.get(place) or getattr(run, place)
            base = base[layer]
        scale = torch.maximum(
            base.abs().max(), run.stream[layer].abs().max()
        )  # some are differences of streams
        return ((new - base).abs() > ALIKE * torch.finfo(base.dtype).eps * scale).any(-1).any(0)

    def scored(
        self,
        batches: Callable[[Costs], Sequence],
        end_of: Callable[[Suffix, object], list[Rows]],
        what: str = "",
    ) -> list[Tensor]:
        """The metric of each row of each batch. end_of: a batch -> the end of its rows' streams."""
        try:
            return [*self._scored(progress(batches(self.costs), what), end_of)]
        except ReadMore:
            self.read = Read.everything(self.logits)
            return [*self._scored(progress(batches(self.costs), what), end_of)]

    def _scored(self, batches, end_of) -> Iterator[Tensor]:
        suffix, scratch, tokens = Suffix(self.run, self.read.pairs), self.logits.clone(), self.read.tokens
        for batch in batches:
            ends = [suffix.pairs(rows) for rows in end_of(suffix, batch)]
            several = jointly(
                partial(self.arithmetic.logits, tokens=tokens), [streams for _, streams in ends]
            )
            for ((prompts, places), _), logits in zip(ends, several, strict=True):
                at = (prompts, places) if tokens is None else (prompts[:, None], places[:, None], tokens)
                for row in logits:
                    scratch[at] = row
                    yield self.metric(ReadLogits.over(scratch, self.read))
                scratch[at] = self.logits[at]

    def _enter(self, patches: Sequence[Patch], cache: Mapping[str, Tensor], entry: Entry) -> Rows:
        """Patches of one layer and place as rows."""
        run, (place, layer) = self.run, (patches[0].place, patches[0].layer)
        new = cache[get_act_name(place, layer)]
        at = run.positions[entry.start : entry.start + entry.changed]
        if place in OF_HEADS:
            stream = self._heads(patches, new, at)
        else:
            if place == "attn_out":
                new = run.stream[layer] + new
            elif place == "mlp_out":
                new = run.mid[layer] + new
            base = (run.mid if entry.after_attention else run.stream)[entry.layer]
            stream = base[:, at].expand(len(patches), -1, -1, -1).clone()
            for row, patch in zip(stream, patches, strict=True):
                where = slice(None) if patch.pos is None else patch.pos - entry.start
                row[:, where] = new[:, at[where]]
        return Rows(entry.layer, stream, at, entry.after_attention)

    def _heads(self, patches: Sequence[Patch], new: Tensor, at: Tensor) -> Tensor:
        """The streams after attention, at `at`, when each row's head has something of another run."""
        run, arithmetic = self.run, self.arithmetic
        place, layer, heads = patches[0].place, patches[0].layer, [patch.head for patch in patches]
        # one head for each row, in place of the head axis: (batch, pos, row, d_head)
        its = {letter: getattr(run, letter)[layer][:, :, heads] for letter in ("q", "k", "v", "z")}
        if place == "pattern":
            pattern = arithmetic.pattern(its["q"], its["k"], run.positions)  # (batch, row, query, key)
            for row, patch in enumerate(patches):
                query = slice(None) if patch.pos is None else patch.pos
                key = slice(None) if patch.key is None else patch.key
                pattern[:, row, query, key] = new[:, patch.head, query, key]
            z = arithmetic.mix(pattern[:, :, at], its["v"])
        else:
            changed = its[place].clone()
            for row, patch in enumerate(patches):
                pos = slice(None) if patch.pos is None else patch.pos
                changed[:, pos, row] = new[:, pos, patch.head]
            vectors = its | {place: changed}
            z = (
                changed[:, at]
                if place == "z"
                else arithmetic.attend(vectors["q"][:, at], vectors["k"], vectors["v"], at)
            )
        W_O = arithmetic.layers[layer].W_O[heads]
        added = torch.einsum("bprd,rdm->rbpm", z - its["z"][:, at], W_O)
        return run.mid[layer][:, at] + added

    def _same_as_the_models(self) -> None:
        ours, theirs = self.arithmetic.logits(self.run.stream[-1][:, -1]), self.logits[:, -1]
        if (ours - theirs).abs().max() > AWAY * theirs.abs().max().clamp(min=1):
            raise ValueError(
                "the model's run is not what its weights say: it has hooks on it, perhaps.\n"
                "Call model.reset_hooks(), or use transformer_lens.patching, which runs it with its hooks."
            )
