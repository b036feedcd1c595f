"""What is patched, as data; and many patches run at once.

    patches = [Patch("z", 2, head=1), Patch("resid_pre", 0, pos=5)]
    with torch.inference_mode():
        values = Bench(model, tokens, metric).patched(patches, other_cache)   # the metric of each patch

Each patch is a run of its own on `tokens`, with one activation of another run. Patches of one layer and place
run in one batch where that pays (`costs`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens import TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.patching.arithmetic import Arithmetic
from patchbook.patching.costs import Costs, Entry
from patchbook.patching.progress import progress
from patchbook.patching.reading import Metric, ReadLogits, ReadMore, pairs_read
from patchbook.patching.suffix import Rows, Run, Suffix

Place = Literal["resid_pre", "resid_mid", "attn_out", "mlp_out", "z", "q", "k", "v", "pattern"]
OF_HEADS = ("z", "q", "k", "v", "pattern")
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

    def entry(self, length: int) -> Entry:
        """Where it changes the stream of a prompt of this length."""
        start = self.pos or 0
        changed = length if self.pos is None else length - start if self.place in ("k", "v") else 1
        if self.place in ("resid_pre", "mlp_out"):
            return Entry(self.layer + (self.place == "mlp_out"), start, changed)
        return Entry(self.layer, start, changed, after_attention=True)


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
        self.read = pairs_read(metric, self.logits)
        self._same_as_the_models()

    @property
    def costs(self) -> Costs:
        """What rows cost here."""
        return Costs.of(self.arithmetic, self.read)

    def patched(self, patches: Sequence[Patch], cache: Mapping[str, Tensor], what: str = "") -> list[Tensor]:
        """The metric of each patch, with activations from `cache`."""
        length, order = self.run.length, range(len(patches))
        groups: dict[tuple, list[int]] = {}
        for i in sorted(order, key=lambda i: patches[i].entry(length).start):
            groups.setdefault((patches[i].layer, patches[i].place), []).append(i)

        def batches(costs: Costs) -> list:
            return [
                batch
                for key in sorted(groups)
                for batch in costs.batches(groups[key], lambda i: patches[i].entry(length))
            ]

        def rows(batch: tuple[list[int], Entry]) -> Rows:
            return self._enter([patches[i] for i in batch[0]], cache, batch[1])

        values = self.scored(batches, lambda suffix, batch: suffix.final(rows(batch)), what)
        ran = [i for batch, _ in batches(self.costs) for i in batch]
        return [value for _, value in sorted(zip(ran, values, strict=True), key=lambda pair: pair[0])]

    def scored(
        self,
        batches: Callable[[Costs], Sequence],
        end_of: Callable[[Suffix, object], Rows],
        what: str = "",
    ) -> list[Tensor]:
        """The metric of each row of each batch. end_of: a batch -> the end of its rows' streams."""
        try:
            return [*self._scored(progress(batches(self.costs), what), end_of)]
        except ReadMore:
            self.read = torch.ones_like(self.read)
            return [*self._scored(progress(batches(self.costs), what), end_of)]

    def _scored(self, batches, end_of) -> Iterator[Tensor]:
        suffix, scratch = Suffix(self.run, self.read), self.logits.clone()
        for batch in batches:
            pairs, logits = suffix.logits(end_of(suffix, batch))
            for row in logits:
                scratch[pairs] = row
                yield self.metric(ReadLogits.over(scratch, self.read))
            scratch[pairs] = self.logits[pairs]

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
            before = its["z"]
            its[place] = its[place].clone()
            for row, patch in enumerate(patches):
                pos = slice(None) if patch.pos is None else patch.pos
                its[place][:, pos, row] = new[:, pos, patch.head]
            z = its["z"][:, at]
            its["z"] = before
            if place != "z":
                z = arithmetic.attend(its["q"][:, at], its["k"], its["v"], at)
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
