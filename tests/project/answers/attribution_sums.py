"""Answers to chapter 1: everything that adds to the logit of the next token."""

import torch

from . import Bank
from .attribution import (
    direction_first,
    forgot_the_layer_norm,
    through_ln,
    unembedded_the_token_itself,
    with_apply_ln_to_stack,
)

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# full_logit_attribution
@right("full_logit_attribution")
def reusing_the_heads(tokens, model, cache, token_position):
    correct = tokens[0, token_position + 1]

    def to_logit(vectors):
        return through_ln(cache, vectors, token_position) @ model.W_U[:, correct]

    layers = range(model.cfg.n_layers)
    mlps = torch.zeros(model.cfg.n_layers, dtype=model.W_U.dtype)
    if not model.cfg.attn_only:
        mlps = to_logit(torch.stack([cache["mlp_out", layer][0, token_position] for layer in layers]))
    return {
        "embedding": to_logit(cache["resid_pre", 0][:, token_position])[0],
        "heads": with_apply_ln_to_stack(tokens, model, cache, token_position),
        "mlps": mlps,
        "biases": to_logit(model.b_O).sum() + model.b_U[correct],
    }


@right("full_logit_attribution")
def embeddings_one_by_one(tokens, model, cache, token_position):
    correct = tokens[0, token_position + 1]
    scale = cache["ln_final.hook_scale"][0, token_position] if "ln_final.hook_scale" in cache else 1
    column = model.W_U[:, correct] / scale
    embedded = model.W_E[tokens[0, token_position]] @ column
    if model.cfg.positional_embedding_type == "standard":
        embedded = embedded + model.W_pos[token_position] @ column
    mlps, biases = [], model.b_U[correct]
    for layer in range(model.cfg.n_layers):
        biases = biases + model.b_O[layer] @ column
        mlps.append(
            0.0 if model.cfg.attn_only else (cache["mlp_out", layer][0, token_position] @ column).item()
        )
    return {
        "heads": direction_first(tokens, model, cache, token_position),
        "mlps": torch.tensor(mlps),
        "biases": biases,
        "embedding": embedded,
    }


@right("full_logit_attribution")
def biases_as_the_rest(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    logit = (cache["ln_final.hook_out"][0, token_position] @ model.W_U + model.b_U)[
        tokens[0, token_position + 1]
    ]
    rest = sum(parts[name].sum() for name in ("embedding", "heads", "mlps"))
    return parts | {"biases": logit - rest}


@right("full_logit_attribution")
def numbers_with_an_axis(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    return parts | {name: parts[name][None] for name in ("embedding", "biases")}


@wrong("full_logit_attribution", "mlps-forgotten")
def thought_of_attention_only(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    return parts | {"mlps": torch.zeros(model.cfg.n_layers)}


@wrong("full_logit_attribution", "positions-forgotten")
def token_embedding_alone(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    vector = model.W_E[tokens[:, token_position]]
    logit = through_ln(cache, vector, token_position) @ model.W_U[:, tokens[0, token_position + 1]]
    return parts | {"embedding": logit[0]}


@wrong("full_logit_attribution", "b-O-forgotten")
def unembedding_bias_alone(tokens, model, cache, token_position):
    parts = embeddings_one_by_one(tokens, model, cache, token_position)
    parts["biases"] = model.b_U[tokens[0, token_position + 1]]
    return parts


@wrong("full_logit_attribution", "b-U-forgotten")
def output_biases_alone(tokens, model, cache, token_position):
    parts = embeddings_one_by_one(tokens, model, cache, token_position)
    parts["biases"] = parts["biases"] - model.b_U[tokens[0, token_position + 1]]
    return parts


@wrong("full_logit_attribution", "b-U-scaled")
def all_biases_scaled(tokens, model, cache, token_position):
    parts = embeddings_one_by_one(tokens, model, cache, token_position)
    b_U = model.b_U[tokens[0, token_position + 1]]
    scale = cache["scale"][0, token_position, 0] if not model.cfg.attn_only else 1
    parts["biases"] = parts["biases"] - b_U + b_U / scale
    return parts


@wrong("full_logit_attribution", "no-scale")
def no_layer_norm_at_all(tokens, model, cache, token_position):
    column = model.W_U[:, tokens[0, token_position + 1]]
    layers = range(model.cfg.n_layers)
    mlps = torch.zeros(model.cfg.n_layers)
    if not model.cfg.attn_only:
        mlps = torch.stack([cache["mlp_out", layer][0, token_position] for layer in layers]) @ column
    return {
        "embedding": cache["resid_pre", 0][0, token_position] @ column,
        "heads": forgot_the_layer_norm(tokens, model, cache, token_position),
        "mlps": mlps,
        "biases": (model.b_O @ column).sum() + model.b_U[tokens[0, token_position + 1]],
    }


@wrong("full_logit_attribution", "no-mlps-key")
def left_the_key_out(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    if model.cfg.attn_only:
        del parts["mlps"]
    return parts


@wrong("full_logit_attribution", "own-token")
def logit_of_this_token(tokens, model, cache, token_position):
    column = model.W_U[:, tokens[0, token_position]]
    layers = range(model.cfg.n_layers)

    def to_logit(vectors):
        return through_ln(cache, vectors, token_position) @ column

    mlps = torch.zeros(model.cfg.n_layers)
    if not model.cfg.attn_only:
        mlps = to_logit(torch.stack([cache["mlp_out", layer][0, token_position] for layer in layers]))
    return {
        "embedding": to_logit(cache["resid_pre", 0][:, token_position])[0],
        "heads": unembedded_the_token_itself(tokens, model, cache, token_position),
        "mlps": mlps,
        "biases": to_logit(model.b_O).sum() + model.b_U[tokens[0, token_position]],
    }


@wrong("full_logit_attribution", "raised")
def asked_for_mlps_that_are_not_there(tokens, model, cache, token_position):
    mlps = [cache["mlp_out", layer][0, token_position] for layer in range(model.cfg.n_layers)]
    return {"mlps": torch.stack(mlps)}


@wrong("full_logit_attribution", "first-difference")
def plain_numbers(tokens, model, cache, token_position):
    return {n: v.sum().item() for n, v in reusing_the_heads(tokens, model, cache, token_position).items()}


@wrong("full_logit_attribution", "first-difference")
def summed_the_heads(tokens, model, cache, token_position):
    parts = reusing_the_heads(tokens, model, cache, token_position)
    return parts | {"heads": parts["heads"].sum()}
