"""Answers to chapter 3: the missing logits, the bias, padding, attribution by type."""

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def true_difference(logits, answer_tokens, position=-1):
    right_logits, wrong_logits = logits[:, position].gather(-1, answer_tokens).unbind(-1)
    return right_logits - wrong_logits


def directions(model, answer_tokens):
    return model.W_U.T[answer_tokens[:, 0]] - model.W_U.T[answer_tokens[:, 1]]


def scaled(model, cache, stack):
    """Through the final LayerNorm, where there is one."""
    if model.cfg.normalization_type is None:
        return stack
    return cache.apply_ln_to_stack(stack, layer=-1, pos_slice=-1)


# missing_logits
@right("missing_logits")
def by_apply_ln(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    stream = cache["resid_post", -1][:, -1][None]
    if model.cfg.normalization_type is not None:
        stream = cache.apply_ln_to_stack(stream, layer=-1, pos_slice=-1)
    attributed = einops.einsum(stream[0], directions(model, answer_tokens), "b d, b d -> b")
    return true_difference(logits, answer_tokens) - attributed


@right("missing_logits")
def from_the_unembeddings_input(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    without_bias = cache["unembed.hook_in"][:, -1] @ model.W_U
    return true_difference(logits - without_bias[:, None], answer_tokens)


@right("missing_logits")
def sum_of_components(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    total = cache["resid_pre", 0][:, -1]
    for layer in range(model.cfg.n_layers):
        total = total + cache["attn_out", layer][:, -1]
        total = total if model.cfg.attn_only else total + cache["mlp_out", layer][:, -1]
    if model.cfg.normalization_type is not None:
        total = (total - total.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1]
    shares = (total * directions(model, answer_tokens)).sum(-1)
    return true_difference(logits, answer_tokens) - shares


@wrong("missing_logits", "reversed")
def attributed_less_true(model, tokens, answer_tokens):
    return -by_apply_ln(model, tokens, answer_tokens)


@wrong("missing_logits", "true-difference")
def forgot_the_stream(model, tokens, answer_tokens):
    return true_difference(model(tokens), answer_tokens)


@wrong("missing_logits", "attributed-difference")
def forgot_the_truth(model, tokens, answer_tokens):
    logits = model(tokens)
    return true_difference(logits, answer_tokens) - by_apply_ln(model, tokens, answer_tokens)


@wrong("missing_logits", "no-scale")
def raw_stream(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    shares = (cache["resid_post", -1][:, -1] * directions(model, answer_tokens)).sum(-1)
    return true_difference(logits, answer_tokens) - shares


@wrong("missing_logits", "stream-before-the-last-layer")
def one_layer_short(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    stream = scaled(model, cache, cache["resid_pre", model.cfg.n_layers - 1][:, -1][None])[0]
    return true_difference(logits, answer_tokens) - (stream * directions(model, answer_tokens)).sum(-1)


@wrong("missing_logits", "bias-in-the-stream")
def unembedded_with_the_bias(model, tokens, answer_tokens):
    logits, cache = model.run_with_cache(tokens)
    again = cache["unembed.hook_in"] @ model.W_U + model.b_U
    return true_difference(logits - again, answer_tokens)


@wrong("missing_logits", "averaged")
def mean_gap(model, tokens, answer_tokens):
    return from_the_unembeddings_input(model, tokens, answer_tokens).mean()


@wrong("missing_logits", "absolute")
def size_of_the_gap(model, tokens, answer_tokens):
    return torch.abs(by_apply_ln(model, tokens, answer_tokens))


# logit_diff_from_bias
@right("logit_diff_from_bias")
def two_columns_of_biases(model, answer_tokens):
    biases = model.b_U[answer_tokens]
    return biases[:, 0] - biases[:, 1]


@right("logit_diff_from_bias")
def one_pair_at_a_time(model, answer_tokens):
    return torch.stack([model.b_U[c] - model.b_U[i] for c, i in answer_tokens])


@right("logit_diff_from_bias")
def with_a_one_hot_direction(model, answer_tokens):
    hot = torch.nn.functional.one_hot(answer_tokens, model.cfg.d_vocab).to(model.b_U.dtype)
    return (hot[:, 0] - hot[:, 1]) @ model.b_U


@wrong("logit_diff_from_bias", "answers-swapped")
def wrong_sign(model, answer_tokens):
    correct, incorrect = answer_tokens.T
    return model.b_U[incorrect] - model.b_U[correct]


@wrong("logit_diff_from_bias", "only-the-right-answer")
def bias_of_the_answer(model, answer_tokens):
    return model.b_U[answer_tokens[:, 0]]


@wrong("logit_diff_from_bias", "added")
def sum_of_biases(model, answer_tokens):
    return model.b_U[answer_tokens].sum(-1)


@wrong("logit_diff_from_bias", "averaged")
def one_mean(model, answer_tokens):
    return two_columns_of_biases(model, answer_tokens).mean()


@wrong("logit_diff_from_bias", "absolute")
def distance(model, answer_tokens):
    return torch.diff(model.b_U[answer_tokens], dim=-1)[:, 0].abs()


@wrong("logit_diff_from_bias", "weights-not-bias")
def columns_of_weights(model, answer_tokens):
    return directions(model, answer_tokens).sum(dim=-1)


@wrong("logit_diff_from_bias", "one-prompts-answers")
def the_first_pair(model, answer_tokens):
    correct, incorrect = answer_tokens[0]
    return (model.b_U[correct] - model.b_U[incorrect]).repeat(len(answer_tokens))


@wrong("logit_diff_from_bias", "zero")
def bias_of_the_layernorm(model, answer_tokens):
    if model.cfg.normalization_type is None:
        return torch.zeros_like(model.b_U[answer_tokens[:, 0]])
    return directions(model, answer_tokens) @ model.ln_final.bias


# left_padded_final_logits
@right("left_padded_final_logits")
def strings_on_the_left(model, prompts):
    return model(prompts, padding_side="left")[:, -1]


@right("left_padded_final_logits")
def one_at_a_time(model, prompts):
    return torch.stack([model(prompt)[0, -1] for prompt in prompts])


@right("left_padded_final_logits")
def right_padded_and_gathered(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="right")
    ends = [model.to_tokens(prompt).shape[1] - 1 for prompt in prompts]
    return model(tokens)[torch.arange(len(prompts)), ends]


@right("left_padded_final_logits")
def with_a_mask_by_length(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    mask = torch.zeros_like(tokens)
    for row, prompt in zip(mask, prompts, strict=True):
        row[-model.to_tokens(prompt).shape[1] :] = 1
    return model(tokens, attention_mask=mask)[:, -1]


@wrong("left_padded_final_logits", "no-mask")
def left_padded_tensor(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    return model(tokens)[:, -1]


@wrong("left_padded_final_logits", "tokens-without-a-mask")
def whatever_to_tokens_gives(model, prompts):
    return model(model.to_tokens(prompts))[:, -1]


@wrong("left_padded_final_logits", "padding-read")
def right_padded_tensor(model, prompts):
    return model(prompts, padding_side="right")[:, -1]


@wrong("left_padded_final_logits", "side-not-chosen")
def left_to_the_tokenizer(model, prompts):
    return model(prompts)[:, -1]


@wrong("left_padded_final_logits", "no-bos")
def mask_by_the_padding_token(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    mask = (tokens != model.tokenizer.eos_token_id).int()
    return model(tokens, attention_mask=mask)[:, -1]


@wrong("left_padded_final_logits", "no-bos")
def nothing_in_front(model, prompts):
    return torch.cat([model(prompt, prepend_bos=False)[:, -1] for prompt in prompts])


@wrong("left_padded_final_logits", "sorted-by-length")
def short_ones_first(model, prompts):
    return one_at_a_time(model, sorted(prompts, key=lambda p: len(model.to_str_tokens(p))))


@wrong("left_padded_final_logits", "probabilities")
def softmaxed(model, prompts):
    return strings_on_the_left(model, prompts).softmax(-1)


@wrong("left_padded_final_logits", "contract")
def all_positions(model, prompts):
    return model(prompts, padding_side="left")


# logit_attribution_by_type
def pair_of(answer_tokens, incorrect_idx):
    return torch.stack([answer_tokens[:, 0], answer_tokens[:, incorrect_idx]], dim=1)


def attributed(model, cache, stack, pair, *, scale=True):
    """(..., batch, d_model) -> (...)."""
    if scale and model.cfg.normalization_type is not None:
        stack = stack - stack.mean(-1, keepdim=True)
        stack = stack / cache["ln_final.hook_scale"][:, -1]
    return einops.einsum(stack, directions(model, pair), "... b d, b d -> ...") / len(pair)


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
