"""Answers to chapter 1: logit attribution, by head and in full."""

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# logit_attribution
def through_ln(cache, vectors, position):
    """(part, d_model) -> the same through the final LayerNorm."""
    return cache.apply_ln_to_stack(vectors[:, None], layer=-1, pos_slice=position)[:, 0]


@right("logit_attribution")
def with_apply_ln_to_stack(tokens, model, cache, token_position):
    z = torch.stack([cache["z", layer][0, token_position] for layer in range(model.cfg.n_layers)])
    written = einops.einsum(z, model.W_O, "layer head d, layer head d m -> layer head m")
    scaled = through_ln(cache, written.flatten(0, 1), token_position)
    return (scaled @ model.W_U[:, tokens[0, token_position + 1]]).view(z.shape[:2])


@right("logit_attribution")
def in_loops_with_items(tokens, model, cache, token_position):
    direction = model.W_U[:, tokens[0, token_position + 1].item()]
    scale = cache["ln_final.hook_scale"][0, token_position] if model.cfg.normalization_type else 1.0
    scores = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            z = cache[f"blocks.{layer}.attn.hook_z"][0, token_position, head]
            scores[layer, head] = ((z @ model.W_O[layer, head] / scale) @ direction).item()
    return scores


@right("logit_attribution")
def with_stack_head_results(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)  # (layer head) batch d_model
    scaled = cache.apply_ln_to_stack(heads, layer=-1, pos_slice=token_position)[:, 0]
    to_correct = scaled @ model.W_U[:, tokens[0, token_position + 1]]
    return einops.rearrange(to_correct, "(layer head) -> layer head", layer=model.cfg.n_layers)


@right("logit_attribution")
def direction_first(tokens, model, cache, token_position):
    with torch.no_grad():
        toward = model.W_O @ model.W_U[:, tokens[0, token_position + 1]]  # layer head d_head
        rows = [
            (cache["z", layer][0, token_position] * toward[layer]).sum(-1)
            for layer in range(model.cfg.n_layers)
        ]
        scores = torch.stack(rows)
        if not model.cfg.attn_only:
            scores = scores / cache["scale"][0, token_position]
    return scores


@right("logit_attribution")
def in_double_precision(tokens, model, cache, token_position):
    column = model.W_U[:, tokens[0, token_position + 1]].double()
    scores = []
    for layer in range(model.cfg.n_layers):
        written = torch.einsum("hd,hdm->hm", cache["z", layer][0, token_position], model.W_O[layer]).double()
        if model.cfg.normalization_type is not None:
            written = written - written.mean(-1, keepdim=True)
            written = written / cache["ln_final.hook_scale"][0, token_position].double()
        scores.append(written @ column)
    return torch.stack(scores)


@wrong("logit_attribution", "no-scale")
def forgot_the_layer_norm(tokens, model, cache, token_position):
    z = torch.stack([cache["z", layer][0, token_position] for layer in range(model.cfg.n_layers)])
    return einops.einsum(
        z,
        model.W_O,
        model.W_U[:, tokens[0, token_position + 1]],
        "layer head d, layer head d m, m -> layer head",
    )


@wrong("logit_attribution", "own-token")
def unembedded_the_token_itself(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)
    scaled = cache.apply_ln_to_stack(heads, layer=-1, pos_slice=token_position)[:, 0]
    return (scaled @ model.W_U[:, tokens[0, token_position]]).view(model.cfg.n_layers, -1)


@wrong("logit_attribution", "position-after")
def read_where_the_answer_stands(tokens, model, cache, token_position):
    answer_position = token_position + 1
    heads = cache.stack_head_results(layer=-1, pos_slice=answer_position)
    scaled = cache.apply_ln_to_stack(heads, layer=-1, pos_slice=answer_position)[:, 0]
    return (scaled @ model.W_U[:, tokens[0, answer_position]]).view(model.cfg.n_layers, -1)


@wrong("logit_attribution", "both-one-early")
def predicted_this_token(tokens, model, cache, token_position):
    return with_stack_head_results(tokens, model, cache, token_position - 1)


@wrong("logit_attribution", "b-U-per-head")
def added_the_bias(tokens, model, cache, token_position):
    b_U = model.b_U[tokens[0, token_position + 1]]
    return direction_first(tokens, model, cache, token_position) + b_U


@wrong("logit_attribution", "b-O-per-head")
def added_the_output_bias(tokens, model, cache, token_position):
    rows = []
    for layer in range(model.cfg.n_layers):
        written = torch.einsum("hd,hdm->hm", cache["z", layer][0, token_position], model.W_O[layer])
        vectors = through_ln(cache, written + model.b_O[layer], token_position)
        rows.append(vectors @ model.W_U[:, tokens[0, token_position + 1]])
    return torch.stack(rows)


@wrong("logit_attribution", "transposed")
def heads_first(tokens, model, cache, token_position):
    return in_loops_with_items(tokens, model, cache, token_position).T


@wrong("logit_attribution", "last-layer-only")
def returned_the_last_layer(tokens, model, cache, token_position):
    layer = model.cfg.n_layers - 1
    scores = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    scores[layer] = with_apply_ln_to_stack(tokens, model, cache, token_position)[layer]
    return scores


@wrong("logit_attribution", "residual-not-heads")
def read_the_stream(tokens, model, cache, token_position):
    stack = torch.stack(
        [cache["resid_post", layer][0, token_position] for layer in range(model.cfg.n_layers)]
    )
    return through_ln(cache, stack, token_position) @ model.W_U[:, tokens[0, token_position + 1]]


@wrong("logit_attribution", "normalised-alone")
def called_ln_final_on_each(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)[:, 0]
    normed = heads
    if model.cfg.normalization_type is not None:
        centred = heads - heads.mean(-1, keepdim=True)
        normed = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
    return (normed @ model.W_U[:, tokens[0, token_position + 1]]).view(model.cfg.n_layers, -1)


@wrong("logit_attribution", "scale-of-another-position")
def took_the_last_scale(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)
    scaled = cache.apply_ln_to_stack(heads, layer=-1, pos_slice=-1)[:, 0]
    return (scaled @ model.W_U[:, tokens[0, token_position + 1]]).view(model.cfg.n_layers, -1)


@wrong("logit_attribution", "contract")
def every_position(tokens, model, cache, token_position):
    heads = torch.stack([cache["z", layer][0] for layer in range(model.cfg.n_layers)])
    return einops.einsum(heads, model.W_O, "layer pos head d, layer head d m -> layer head pos")


@wrong("logit_attribution", "raised")
def rows_of_the_unembedding(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)[:, 0]
    return (heads @ model.W_U[tokens[0, token_position + 1] % 7]).view(model.cfg.n_layers, -1)


@wrong("logit_attribution", "ready-made")
def asked_the_cache(tokens, model, cache, token_position):
    heads = cache.stack_head_results(layer=-1, pos_slice=token_position)
    scores = cache.logit_attrs(heads, tokens=tokens[0, token_position + 1], pos_slice=token_position)
    return scores.view(model.cfg.n_layers, -1)


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
