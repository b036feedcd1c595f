"""Answers to chapter 4: the parts of a logit difference."""

import torch

from patchbook.patching.attribution import decompose_logit_diff as ready_made

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# decompose_logit_diff
def along(model, cache, answer_tokens, wrong_tokens):
    """A function from vectors at the last position, (..., batch, d_model), to shares, (..., batch)."""
    directions = model.W_U.T[answer_tokens] - model.W_U.T[wrong_tokens]
    scale = cache["ln_final.hook_scale"][:, -1, 0]
    return lambda x: ((x - x.mean(-1, keepdim=True)) * directions).sum(-1) / scale


@right("decompose_logit_diff")
def stacked(model, cache, answer_tokens, wrong_tokens):
    share, layers = along(model, cache, answer_tokens, wrong_tokens), range(model.cfg.n_layers)
    return {
        "embedding": share(cache["resid_pre", 0][:, -1]),
        "attention": share(torch.stack([cache["attn_out", layer][:, -1] for layer in layers])),
        "mlps": share(torch.stack([cache["mlp_out", layer][:, -1] for layer in layers])),
        "bias": model.b_U[answer_tokens] - model.b_U[wrong_tokens],
    }


@right("decompose_logit_diff")
def token_by_token(model, cache, answer_tokens, wrong_tokens):
    zero = torch.zeros_like(answer_tokens)

    def only(tokens):
        columns = model.W_U[:, tokens].T
        scale = cache["ln_final.hook_scale"][:, -1]
        return lambda x: torch.einsum("...bm,bm->...b", (x - x.mean(-1, keepdim=True)) / scale, columns)

    good, bad = only(answer_tokens), only(wrong_tokens)
    parts = stacked(model, cache, answer_tokens, zero)
    embedding = cache["hook_embed"][:, -1] + cache["hook_pos_embed"][:, -1]
    parts["embedding"] = good(embedding) - bad(embedding)
    for name, stored in (("attention", "attn_out"), ("mlps", "mlp_out")):
        vectors = torch.stack([cache[stored, layer][:, -1] for layer in range(model.cfg.n_layers)])
        parts[name] = good(vectors) - bad(vectors)
    parts["bias"] = torch.take(model.b_U, answer_tokens) - torch.take(model.b_U, wrong_tokens)
    return parts


@right("decompose_logit_diff")
def from_the_stream(model, cache, answer_tokens, wrong_tokens):
    share, L = along(model, cache, answer_tokens, wrong_tokens), model.cfg.n_layers
    before = torch.stack([share(cache["resid_pre", i][:, -1]) for i in range(L)])
    after = torch.stack([share(cache["resid_post", i][:, -1]) for i in range(L)])
    mlps = torch.stack([share(cache["mlp_out", i][:, -1]) for i in range(L)])
    bias = model.b_U[answer_tokens] - model.b_U[wrong_tokens]
    return {"embedding": before[0], "attention": after - before - mlps, "mlps": mlps, "bias": bias}


@right("decompose_logit_diff")
def without_centring(model, cache, answer_tokens, wrong_tokens):
    """What compatibility mode leaves has mean zero already."""
    directions = model.W_U[:, answer_tokens] - model.W_U[:, wrong_tokens]
    scaled = directions.T / cache["ln_final.hook_scale"][:, -1]
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    attention = [(cache["attn_out", i][:, -1] * scaled).sum(-1) for i in range(model.cfg.n_layers)]
    return parts | {"attention": torch.stack(attention)}


@wrong("decompose_logit_diff", "no-bias")
def as_everybody_does(model, cache, answer_tokens, wrong_tokens):
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return parts | {"bias": 0 * parts["bias"]}


@wrong("decompose_logit_diff", "no-scale")
def forgot_the_layernorm(model, cache, answer_tokens, wrong_tokens):
    directions = (model.W_U[:, answer_tokens] - model.W_U[:, wrong_tokens]).T
    names, layers = {"attention": "attn_out", "mlps": "mlp_out"}, range(model.cfg.n_layers)
    parts = {
        name: torch.stack([(cache[stored, i][:, -1] * directions).sum(-1) for i in layers])
        for name, stored in names.items()
    }
    embedding = (cache["resid_pre", 0][:, -1] * directions).sum(-1)
    centred = (
        cache["resid_pre", 0][:, -1] - cache["resid_pre", 0][:, -1].mean(-1, keepdim=True)
    ) * directions
    del embedding
    return {"embedding": centred.sum(-1), **parts, "bias": model.b_U[answer_tokens] - model.b_U[wrong_tokens]}


@wrong("decompose_logit_diff", "bias-over-scale")
def bias_through_the_layernorm(model, cache, answer_tokens, wrong_tokens):
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return parts | {"bias": parts["bias"] / cache["ln_final.hook_scale"][:, -1].squeeze(-1)}


@wrong("decompose_logit_diff", "bias-sign")
def bias_the_wrong_way(model, cache, answer_tokens, wrong_tokens):
    bias = model.b_U[wrong_tokens] - model.b_U[answer_tokens]
    return stacked(model, cache, answer_tokens, wrong_tokens) | {"bias": bias}


@wrong("decompose_logit_diff", "today-and-tomorrow-swapped")
def answers_turned_round(model, cache, answer_tokens, wrong_tokens):
    return stacked(model, cache, wrong_tokens, answer_tokens)


@wrong("decompose_logit_diff", "attention-and-mlps-swapped")
def mixed_up_the_names(model, cache, answer_tokens, wrong_tokens):
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return {**parts, "attention": parts["mlps"], "mlps": parts["attention"]}


@wrong("decompose_logit_diff", "averaged")
def took_the_mean(model, cache, answer_tokens, wrong_tokens):
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return {name: part.mean(dim=-1) for name, part in parts.items()}


@wrong("decompose_logit_diff", "embedding-left-out")
def only_some_names(model, cache, answer_tokens, wrong_tokens):
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return {name: parts[name] for name in ("attention", "mlps", "bias")}


@wrong("decompose_logit_diff", "positions-forgotten")
def tokens_only(model, cache, answer_tokens, wrong_tokens):
    share = along(model, cache, answer_tokens, wrong_tokens)
    parts = stacked(model, cache, answer_tokens, wrong_tokens)
    return parts | {"embedding": share(cache["hook_embed"][:, -1])}


@wrong("decompose_logit_diff", "ready-made")
def from_the_package(model, cache, answer_tokens, wrong_tokens):
    parts = ready_made(model, cache, torch.stack([answer_tokens, wrong_tokens], dim=1))
    return {
        "embedding": parts.embedding,
        "attention": parts.attention,
        "mlps": parts.mlps,
        "bias": parts.unembedding_bias,
    }
