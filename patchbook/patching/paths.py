"""Path patching: what one head tells the end of the stream, or some later heads, and nobody else.

Both sweeps have the arguments and the results of chapter 2's exercises. All other heads write what they wrote
on the original prompts; MLPs on the way answer to what they now read. So no position hears of another one on
the way, and a path to the end needs only the positions that the metric reads.
Source: Wang et al. 2022, arXiv 2211.00593.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.patching.costs import Entry
from patchbook.patching.labelled import Labelled
from patchbook.patching.patches import Bench
from patchbook.patching.reading import Metric
from patchbook.patching.suffix import Rows, Run, Suffix

Head = tuple[int, int]  # (layer, head)


def get_path_patch_head_to_final_resid_post(
    model: TransformerBridge,
    patching_metric: Metric,
    new_dataset: object,
    orig_dataset: object,
    new_cache: ActivationCache | None = None,
    orig_cache: ActivationCache | None = None,
    senders: Sequence[Head] | None = None,
) -> Float[Tensor, "layer head *prompt"]:
    """The metric when each head in turn writes what it wrote on the new prompts, unheard by later heads.

    new_dataset, orig_dataset: with their tokens as `toks`. orig_cache: not needed, and there for the sake of
    the exercise's signature. senders: run these alone; the other heads' entries are nan. A metric may give
    one number for each prompt.
    """
    with torch.inference_mode():
        bench = Bench(model, orig_dataset.toks, patching_metric)
        new_z = _z_of(bench, new_dataset, new_cache)
        senders = _senders(model, model.cfg.n_layers, senders)

        def end(suffix: Suffix, batch: list[Head]) -> list[Rows]:
            at = suffix.last
            *_, last = _on_the_way(bench.run, batch, new_z, at)
            return [Rows(model.cfg.n_layers, last, at)]

        entry = Entry(0, 0, len(Suffix(bench.run, bench.read.pairs).last))
        values = bench.scored(lambda costs: costs.alike(senders, entry), end, "paths to the end")
        return _by_head(bench, senders, values, model.cfg.n_layers)


def get_path_patch_head_to_heads(
    receiver_heads: list[Head],
    receiver_input: str,
    model: TransformerBridge,
    patching_metric: Metric,
    new_dataset: object,
    orig_dataset: object,
    new_cache: ActivationCache | None = None,
    orig_cache: ActivationCache | None = None,
    senders: Sequence[Head] | None = None,
) -> Float[Tensor, "layer head *prompt"]:
    """The metric when the receivers alone hear what each earlier head wrote on the new prompts.

    receiver_input: "q", "k" or "v". The other arguments are those of the path to the end. One row for each
    layer before the last receiver's.
    """
    if receiver_input not in ("q", "k", "v"):
        raise ValueError(f"receiver_input is {receiver_input!r}; wanted 'q', 'k' or 'v'.")
    layers = sorted({layer for layer, _ in receiver_heads})
    with torch.inference_mode():
        bench = Bench(model, orig_dataset.toks, patching_metric)
        run, arithmetic = bench.run, bench.arithmetic
        new_z = _z_of(bench, new_dataset, new_cache)

        def heard(batch: list[Head]) -> dict[int, dict]:
            found = {}
            for layer, stream in enumerate(_on_the_way(run, batch, new_z, run.positions, layers[-1])):
                if layer in layers:
                    heads = [head for its, head in receiver_heads if its == layer]
                    normed = arithmetic.layers[layer].norm1(stream)
                    read = arithmetic.read(layer, receiver_input, normed, run.positions)
                    found[layer] = {receiver_input: (heads, read[..., heads, :])}
            return found

        def end(suffix: Suffix, batch: list[Head]) -> list[Rows]:
            nothing = run.stream[layers[0]][:, :0].expand(len(batch), -1, -1, -1)
            return suffix.final([Rows(layers[0], nothing, run.positions[:0])], heard(batch))

        senders, entry = _senders(model, layers[-1], senders), Entry(layers[0], 0, run.length)
        values = bench.scored(lambda costs: costs.alike(senders, entry), end, "paths to heads")
        return _by_head(bench, senders, values, layers[-1])


def _on_the_way(
    run: Run, senders: Sequence[Head], new_z: Mapping[int, Tensor], at: Tensor, end: int | None = None
):
    """The stream before each layer and at the end, where only MLPs hear each row's sender.

    Each is (row batch pos d_model), at the positions `at`.
    end: the last layer that is asked for; None is the end of the stream.
    """
    arithmetic = run.arithmetic
    end = len(arithmetic.layers) if end is None else end
    changed = run.stream[0][:, at].new_zeros(len(senders), run.batch, len(at), run.stream[0].shape[-1])
    first = min(layer for layer, _ in senders)
    for layer in range(end):
        yield run.stream[layer][:, at] + changed
        if layer < first:
            continue
        for row, (its_layer, head) in enumerate(senders):
            if its_layer == layer:
                z = new_z[layer][:, at, head] - run.z[layer][:, at, head]
                changed[row] = z @ arithmetic.layers[layer].W_O[head]
        mid = run.mid[layer][:, at]
        changed = changed + (arithmetic.mlp_out(layer, mid + changed) - run.mlp_out(layer)[:, at])
    yield run.stream[end][:, at] + changed


def _z_of(bench: Bench, new_dataset: object, new_cache: ActivationCache | None) -> Mapping[int, Tensor]:
    """Each layer's z on the new prompts."""
    layers = range(len(bench.arithmetic.layers))
    if new_cache is not None:
        return {layer: new_cache[get_act_name("z", layer)] for layer in layers}
    return dict(enumerate(Run(bench.arithmetic, new_dataset.toks.to(bench.run.positions.device)).z))


def _senders(model: TransformerBridge, layers: int, asked: Sequence[Head] | None) -> list[Head]:
    everyone = [(layer, head) for layer in range(layers) for head in range(model.cfg.n_heads)]
    return everyone if asked is None else [head for head in everyone if head in asked]


def _by_head(bench: Bench, senders: Sequence[Head], values: Sequence[Tensor], layers: int) -> Labelled:
    """One value for each sender: (layer head), or (layer head prompt) if the metric keeps prompts apart."""
    heads, shape = bench.arithmetic.n_heads, torch.as_tensor(bench.metric(bench.logits)).shape
    rows = bench.logits.new_full((layers, heads, *shape), torch.nan)
    for (layer, head), value in zip(senders, values, strict=True):
        rows[layer, head] = value
    axes = {"layer": range(layers), "head": range(heads)}
    return Labelled.made(rows, axes | ({"prompt": range(shape[0])} if shape else {}))
