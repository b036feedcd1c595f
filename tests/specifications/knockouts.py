"""What chapter 2's exercises must compute: incompleteness, and what heads write once others are gone.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593, sections 3.4 and 4.1. A direct effect
is what a head writes along the logit difference, under the whole model's LayerNorm (there: a path patch).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.forward_pass import forward
from patchbook.tests.specifications.ioi_circuit import (
    Head,
    add_knockout_hook,
    add_mean_ablation_hook,
    knocking_out,
)
from patchbook.tests.specifications.path_metrics import logits_to_ave_logit_diff_2


def get_incompleteness_score(
    model: TransformerBridge,
    ioi_dataset: object,
    abc_dataset: object,
    circuit: dict[str, list[Head]],
    seq_pos_to_keep: dict[str, str],
    K: list[Head],
) -> float:
    """How far circuit and model are apart once K is gone from both: |F(C without K) - F(M without K)|.

    F is the mean logit difference on ioi_dataset. C without K: all but the rest of the circuit is
    mean-ablated; M without K: K alone is, at the positions of its roles.
    """
    rest = {role: [head for head in heads if head not in K] for role, heads in circuit.items()}
    gone = {role: [head for head in heads if head in K] for role, heads in circuit.items()}
    runs = (
        add_mean_ablation_hook(model, abc_dataset, rest, seq_pos_to_keep),
        add_knockout_hook(model, abc_dataset, gone, seq_pos_to_keep),
    )
    of_circuit, of_model = (logits_to_ave_logit_diff_2(run(ioi_dataset.toks), ioi_dataset) for run in runs)
    return abs(of_circuit - of_model).item()


def get_direct_effects_after_knockout(
    model: TransformerBridge, ioi_dataset: object, abc_dataset: object, knocked_out: list[Head]
) -> Float[Tensor, "2 layer head batch"]:
    """Each head's share of each prompt's logit difference, before and after these heads are knocked out.

    They are mean-ablated at the end; all that comes later reacts. The final LayerNorm's scale is that of the
    run before.
    """
    untouched, final = _activations(model, ioi_dataset, abc_dataset, [])
    after, _ = _activations(model, ioi_dataset, abc_dataset, knocked_out)
    effects = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, len(ioi_dataset.toks), dtype=final.dtype)
    answers = zip(
        ioi_dataset.word_idx["end"].tolist(), ioi_dataset.io_tokenIDs, ioi_dataset.s_tokenIDs, strict=True
    )
    for prompt, (end, io, s) in enumerate(answers):
        stream = final[prompt, end] - final[prompt, end].mean()
        direction = (model.W_U[:, io] - model.W_U[:, s]) / (stream.pow(2).mean() + model.cfg.eps).sqrt()
        for row, z in enumerate((untouched, after)):
            for layer in range(model.cfg.n_layers):
                for head in range(model.cfg.n_heads):
                    written = z[layer][prompt, end, head] @ model.blocks[layer].attn.W_O[head]
                    effects[row, layer, head, prompt] = (written - written.mean()) @ direction
    return effects


def _activations(
    model: TransformerBridge, ioi_dataset: object, abc_dataset: object, knocked_out: list[Head]
) -> tuple[list[Tensor], Tensor]:
    """Every layer's z, and the stream after the last layer, with these heads mean-ablated at the end."""
    knock_out = knocking_out(model, abc_dataset, {"out": knocked_out}, {"out": "end"})
    seen: dict[tuple[str, int], Tensor] = {}

    def edit(name, layer, activation):
        seen[name, layer] = knock_out(name, layer, activation)
        return seen[name, layer]

    forward(model, ioi_dataset.toks, edit)
    layers = range(model.cfg.n_layers)
    return [seen["z", layer] for layer in layers], seen["resid_post", layers[-1]]
