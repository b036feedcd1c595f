"""Answers to chapter 3: all parts of the logit difference for one type of wrong answer."""

import einops
import torch

from . import Bank
from .capitals_bias import attributed

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# logit_attribution_by_type
def pair_of(answer_tokens, incorrect_idx):
    return torch.stack([answer_tokens[:, 0], answer_tokens[:, incorrect_idx]], dim=1)


def everything(model, cache, answer_tokens, incorrect_idx, *, scale=True, b_U=1.0, b_O=1.0):
    pair = pair_of(answer_tokens, incorrect_idx)
    z = torch.stack([cache["z", layer][:, -1] for layer in range(model.cfg.n_layers)])
    written = einops.einsum(z, model.W_O, "layer b head h, layer head h d -> layer head b d")
    mlps = model.W_U.new_zeros(model.cfg.n_layers)
    if not model.cfg.attn_only:
        outputs = torch.stack([cache["mlp_out", layer][:, -1] for layer in range(model.cfg.n_layers)])
        mlps = attributed(model, cache, outputs, pair, scale=scale)
    of_b_O = attributed(model, cache, model.b_O.sum(0).repeat(len(pair), 1), pair, scale=scale)
    of_b_U = (model.b_U[pair[:, 0]] - model.b_U[pair[:, 1]]).mean()
    return {
        "embedding": attributed(model, cache, cache["resid_pre", 0][:, -1], pair, scale=scale),
        "heads": attributed(model, cache, written, pair, scale=scale),
        "mlps": mlps,
        "biases": b_O * of_b_O + b_U * of_b_U,
    }


@right("logit_attribution_by_type")
def all_with_einsum(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, incorrect_idx)


@right("logit_attribution_by_type")
def with_apply_ln_to_stack(model, cache, answer_tokens, incorrect_idx):
    pair = pair_of(answer_tokens, incorrect_idx)
    directions = (model.W_U[:, pair[:, 0]] - model.W_U[:, pair[:, 1]]).T  # (batch, d_model)

    def share(stack):  # (part, batch, d_model) -> (part,)
        return (cache.apply_ln_to_stack(stack, layer=-1, pos_slice=-1) * directions).sum(-1).mean(-1)

    layers = range(model.cfg.n_layers)
    written = [cache["z", i][:, -1, :, None] @ model.W_O[i] for i in layers]  # each (batch, head, 1, d_model)
    heads = torch.cat([one[:, :, 0].transpose(0, 1) for one in written])
    mlps = model.W_U.new_zeros(len(layers))
    if not model.cfg.attn_only:
        mlps = share(torch.stack([cache["mlp_out", i][:, -1] for i in layers]))
    b_O = model.b_O.sum(0).expand(1, len(pair), -1)
    return {
        "embedding": share(cache["resid_pre", 0][None, :, -1])[0],
        "heads": share(heads).view(model.cfg.n_layers, -1),
        "mlps": mlps,
        "biases": share(b_O)[0] + (model.b_U[pair[:, 0]] - model.b_U[pair[:, 1]]).mean(),
    }


@right("logit_attribution_by_type")
def loops_over_layers_and_heads(model, cache, answer_tokens, incorrect_idx):
    pair = pair_of(answer_tokens, incorrect_idx)
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    heads, mlps = model.W_U.new_zeros(n_layers, n_heads), model.W_U.new_zeros(n_layers)
    biases = (model.b_U[pair[:, 0]] - model.b_U[pair[:, 1]]).mean()
    for layer in range(n_layers):
        for head in range(n_heads):
            written = cache["z", layer][:, -1, head] @ model.W_O[layer, head]
            heads[layer, head] = attributed(model, cache, written, pair)
        if not model.cfg.attn_only:
            mlps[layer] = attributed(model, cache, cache["mlp_out", layer][:, -1], pair)
        biases = biases + attributed(model, cache, model.b_O[layer].expand(len(pair), -1), pair)
    embedding = attributed(model, cache, cache["resid_pre", 0][:, -1], pair)
    return {"biases": biases, "embedding": embedding, "heads": heads, "mlps": mlps}


@right("logit_attribution_by_type")
def biases_as_what_is_left(model, cache, answer_tokens, incorrect_idx):
    pair = pair_of(answer_tokens, incorrect_idx)
    parts = everything(model, cache, answer_tokens, incorrect_idx)
    final = attributed(model, cache, cache["resid_post", -1][:, -1], pair)
    written = parts["embedding"] + parts["heads"].sum() + parts["mlps"].sum()
    return parts | {
        "biases": final - written + (model.b_U[pair] @ torch.tensor([1.0, -1.0]).to(final)).mean()
    }


@wrong("logit_attribution_by_type", "b-U-forgotten")
def as_everybody_does(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, incorrect_idx, b_U=0.0)


@wrong("logit_attribution_by_type", "b-U-sign")
def bias_of_wrong_less_right(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, incorrect_idx, b_U=-1.0)


@wrong("logit_attribution_by_type", "b-O-forgotten")
def unembedding_bias_only(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, incorrect_idx, b_O=0.0)


@wrong("logit_attribution_by_type", "no-scale")
def no_layernorm(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, incorrect_idx, scale=False)


@wrong("logit_attribution_by_type", "incorrect-idx-ignored")
def always_the_small_letter(model, cache, answer_tokens, incorrect_idx):
    return everything(model, cache, answer_tokens, 1)


@wrong("logit_attribution_by_type", "wrong-sign")
def wrong_less_right(model, cache, answer_tokens, incorrect_idx):
    return {k: -v for k, v in everything(model, cache, answer_tokens, incorrect_idx).items()}


@wrong("logit_attribution_by_type", "transposed")
def heads_by_layers(model, cache, answer_tokens, incorrect_idx):
    parts = everything(model, cache, answer_tokens, incorrect_idx)
    return parts | {"heads": parts["heads"].mT}


@wrong("logit_attribution_by_type", "sum-not-mean")
def not_averaged(model, cache, answer_tokens, incorrect_idx):
    parts = everything(model, cache, answer_tokens, incorrect_idx)
    return {name: value * len(answer_tokens) for name, value in parts.items()}


@wrong("logit_attribution_by_type", "positions-forgotten")
def token_embedding_alone(model, cache, answer_tokens, incorrect_idx):
    parts = everything(model, cache, answer_tokens, incorrect_idx)
    pair = pair_of(answer_tokens, incorrect_idx)
    return parts | {"embedding": attributed(model, cache, cache["embed"][:, -1], pair)}
