"""`transformer_lens.patching`'s sweeps by the same names, with the same arguments and results, in less time.

    from patchbook.patching import sweeps
    sweeps.get_act_patch_resid_pre(model, corrupted_tokens, clean_cache, metric)        # (layer, pos)

Results are tensors that know what their axes are: `.draw(title)` draws them. With `reduce="none"`, `baseline`
or several metrics a sweep gives TransformerLens's PatchingResult, as theirs do.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.patching import PatchingResult, make_df_from_ranges

from patchbook.patching.labelled import Labelled, position_labels
from patchbook.patching.patches import Bench, Patch
from patchbook.patching.reading import Metric

PATCHED = {
    "layer": "layer",
    "head": "head",
    "head_index": "head",
    "pos": "pos",
    "dest_pos": "pos",
    "src_pos": "key",
}
REDUCE = ("scalar", "mean", "none")


def sweep(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric | Mapping[str, Metric],
    *,
    places: Mapping[str, str],
    axes: Sequence[str],
    reduce: str = "scalar",
    baseline: bool = False,
) -> Float[Tensor, "*axes"] | PatchingResult:
    """The metric on the corrupted tokens, with one activation at a time from the clean run.

    Args:
        patching_metric: gives one number for the logits of all prompts; one for each prompt unless `reduce`
            is "scalar". Or several metrics by name.
        places: what is patched, by TransformerLens's name, with a label each; several make a first axis.
        axes: what is swept, such as ("layer", "pos").
        reduce: "scalar"; "mean" over the prompts; "none" keeps them, and gives a PatchingResult.
        baseline: also score the unpatched run, and give a PatchingResult.
    Raises:
        ValueError: as `Bench` does; for another `reduce`, or a metric of another shape.
    """
    if reduce not in REDUCE:
        raise ValueError(f"reduce is {reduce!r}; wanted one of {', '.join(REDUCE)}.")
    several = isinstance(patching_metric, Mapping)
    metrics = dict(patching_metric) if several else {"metric": patching_metric}
    if not metrics:
        raise ValueError("wanted at least one metric, but the mapping is empty.")
    batch, length = corrupted_tokens.shape

    def score(logits: Tensor) -> Float[Tensor, "metric *batch"]:
        return torch.stack(
            [_checked(name, metric(logits), reduce, batch) for name, metric in metrics.items()]
        )

    sizes = {"layer": model.cfg.n_layers, "head": model.cfg.n_heads, "pos": length, "key": length}
    shape = [sizes[PATCHED[axis]] for axis in axes]
    patches = [
        Patch(place, **{PATCHED[axis]: i for axis, i in zip(axes, cell, strict=True)})
        for place in places
        for cell in itertools.product(*(range(size) for size in shape))
    ]
    with torch.inference_mode():
        bench = Bench(model, corrupted_tokens, score)
        values = torch.stack(bench.patched(patches, clean_cache, what=", ".join(places)), dim=1)
        unpatched = score(bench.logits)
        if reduce == "mean":
            values, unpatched = values.mean(-1), unpatched.mean(-1)
    if len(places) > 1:
        axes, shape = ("patch_type", *axes), [len(places), *shape]
    values = values.clone().unflatten(1, shape)  # an ordinary tensor again
    if not (several or reduce == "none" or baseline):
        positions = position_labels(model, corrupted_tokens)
        labels = {
            "patch_type": [*places.values()],
            "pos": positions,
            "dest_pos": positions,
            "src_pos": positions,
        }
        return Labelled.made(
            values[0], {a: labels.get(a, range(n)) for a, n in zip(axes, shape, strict=True)}
        )
    return PatchingResult(
        values=values if several else values[0],
        axis_names=[*axes],
        index_df=make_df_from_ranges(shape, axes),
        metric_names=[*metrics],
        reduced=reduce != "none",
        baseline=(unpatched.clone() if several else unpatched[0].clone()) if baseline else None,
        has_metric_axis=several,
        patch_type_names=[*places.values()] if len(places) > 1 else None,
    )


def _checked(name: str, value: Tensor, reduce: str, batch: int) -> Tensor:
    value = torch.as_tensor(value).detach()
    wanted = () if reduce == "scalar" else (batch,)
    if value.shape != wanted:
        said = (
            "one number; or pass reduce='mean'"
            if reduce == "scalar"
            else f"one number for each of {batch} prompts"
        )
        raise ValueError(f"wanted {said}, but the metric {name!r} gives the shape {tuple(value.shape)}.")
    return value


def _named(places: Mapping[str, str], *axes: str) -> Callable:
    return partial(sweep, places=places, axes=axes)


BLOCK = {"resid_pre": "resid_pre", "attn_out": "attn_out", "mlp_out": "mlp_out"}
HEAD = {"z": "out", "q": "q", "k": "k", "v": "v", "pattern": "pattern"}
RESID_PRE, RESID_MID, ATTN_OUT, MLP_OUT, Z, Q, K, V, PATTERN = (
    {place: place}
    for place in ("resid_pre", "resid_mid", "attn_out", "mlp_out", "z", "q", "k", "v", "pattern")
)

get_act_patch_resid_pre = _named(RESID_PRE, "layer", "pos")
get_act_patch_resid_mid = _named(RESID_MID, "layer", "pos")
get_act_patch_attn_out = _named(ATTN_OUT, "layer", "pos")
get_act_patch_mlp_out = _named(MLP_OUT, "layer", "pos")
get_act_patch_block_every = _named(BLOCK, "layer", "pos")
get_act_patch_attn_head_out_by_pos = _named(Z, "layer", "pos", "head")
get_act_patch_attn_head_q_by_pos = _named(Q, "layer", "pos", "head")
get_act_patch_attn_head_k_by_pos = _named(K, "layer", "pos", "head")
get_act_patch_attn_head_v_by_pos = _named(V, "layer", "pos", "head")
get_act_patch_attn_head_pattern_by_pos = _named(PATTERN, "layer", "head_index", "dest_pos")
get_act_patch_attn_head_pattern_dest_src_pos = _named(PATTERN, "layer", "head_index", "dest_pos", "src_pos")
get_act_patch_attn_head_by_pos_every = _named(HEAD, "layer", "pos", "head")
get_act_patch_attn_head_out_all_pos = _named(Z, "layer", "head")
get_act_patch_attn_head_q_all_pos = _named(Q, "layer", "head")
get_act_patch_attn_head_k_all_pos = _named(K, "layer", "head")
get_act_patch_attn_head_v_all_pos = _named(V, "layer", "head")
get_act_patch_attn_head_pattern_all_pos = _named(PATTERN, "layer", "head_index")
get_act_patch_attn_head_all_pos_every = _named(HEAD, "layer", "head")
