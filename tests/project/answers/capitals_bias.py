"""Answers to chapter 3: the missing logits, and where they are."""

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


@wrong("logit_diff_from_bias", "raised")
def from_a_run_on_nothing(model, answer_tokens):
    tokens = torch.zeros(len(answer_tokens), 1, dtype=torch.long)
    return by_apply_ln(model, tokens, answer_tokens)


@wrong("logit_diff_from_bias", "zero")
def bias_of_the_layernorm(model, answer_tokens):
    if model.cfg.normalization_type is None:
        return torch.zeros_like(model.b_U[answer_tokens[:, 0]])
    return directions(model, answer_tokens) @ model.ln_final.bias


def attributed(model, cache, stack, pair, *, scale=True):
    """(..., batch, d_model) -> (...)."""
    if scale and model.cfg.normalization_type is not None:
        stack = stack - stack.mean(-1, keepdim=True)
        stack = stack / cache["ln_final.hook_scale"][:, -1]
    return einops.einsum(stack, directions(model, pair), "... b d, b d -> ...") / len(pair)
