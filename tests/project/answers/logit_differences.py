"""Answers to chapter 2: logit differences, of prompts and along the residual stream."""

import einops
import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# logits_to_ave_logit_diff
@right("logits_to_ave_logit_diff")
def by_gather(logits, answer_tokens, per_prompt=False):
    final = logits[:, -1, :]
    answers = final.gather(dim=-1, index=answer_tokens)
    correct, incorrect = answers.unbind(dim=-1)
    difference = correct - incorrect
    return difference if per_prompt else difference.mean()


@right("logits_to_ave_logit_diff")
def by_indexing(logits, answer_tokens, per_prompt=False):
    rows = torch.arange(len(logits))
    difference = logits[rows, -1, answer_tokens[:, 0]] - logits[rows, -1, answer_tokens[:, 1]]
    if per_prompt:
        return difference
    return torch.mean(difference)


@right("logits_to_ave_logit_diff")
def in_a_loop_as_numbers(logits, answer_tokens, per_prompt=False):
    values = []
    for prompt, (correct, incorrect) in zip(logits, answer_tokens, strict=True):
        values.append((prompt[-1][correct] - prompt[-1][incorrect]).item())
    return torch.tensor(values) if per_prompt else sum(values) / len(values)


@right("logits_to_ave_logit_diff")
def of_log_probabilities(logits, answer_tokens, per_prompt=False):
    log_probs = logits.log_softmax(dim=-1)[:, -1]
    signs = torch.tensor([1.0, -1.0], dtype=logits.dtype)
    difference = einops.einsum(log_probs.gather(-1, answer_tokens), signs, "batch answer, answer -> batch")
    return difference if per_prompt else difference.mean()


@wrong("logits_to_ave_logit_diff", "answers-swapped")
def wrong_minus_right(logits, answer_tokens, per_prompt=False):
    incorrect, correct = logits[:, -1].gather(-1, answer_tokens).T
    difference = correct - incorrect
    return difference if per_prompt else difference.mean()


@wrong("logits_to_ave_logit_diff", "first-position")
def read_at_the_start(logits, answer_tokens, per_prompt=False):
    return by_gather(logits[:, :1], answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff", "position-before-last")
def one_too_early(logits, answer_tokens, per_prompt=False):
    return by_gather(logits[:, :-1], answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff", "mean-over-positions")
def averaged_the_sequence(logits, answer_tokens, per_prompt=False):
    return by_gather(logits.mean(dim=1, keepdim=True), answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff", "sum-not-mean")
def summed_the_prompts(logits, answer_tokens, per_prompt=False):
    difference = by_indexing(logits, answer_tokens, per_prompt=True)
    return difference if per_prompt else difference.sum()


@wrong("logits_to_ave_logit_diff", "per-prompt-ignored")
def always_the_mean(logits, answer_tokens, per_prompt=False):
    return by_indexing(logits, answer_tokens)


@wrong("logits_to_ave_logit_diff", "never-averaged")
def always_all_prompts(logits, answer_tokens, per_prompt=False):
    return by_indexing(logits, answer_tokens, True)


@wrong("logits_to_ave_logit_diff", "all-pairs")
def picked_columns_for_all_rows(logits, answer_tokens, per_prompt=False):
    final = logits[:, -1]
    difference = final[:, answer_tokens[:, 0]] - final[:, answer_tokens[:, 1]]
    return difference if per_prompt else difference.mean()


@wrong("logits_to_ave_logit_diff", "probabilities")
def of_probabilities(logits, answer_tokens, per_prompt=False):
    return by_gather(torch.softmax(logits, dim=-1), answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff", "one-prompts-answers")
def answers_of_prompt_0(logits, answer_tokens, per_prompt=False):
    correct, incorrect = answer_tokens[0]
    difference = logits[:, -1, correct] - logits[:, -1, incorrect]
    return difference if per_prompt else difference.mean()


# residual_stack_to_logit_diff
@right("residual_stack_to_logit_diff")
def with_apply_ln_to_stack(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=-1)
    products = einops.einsum(scaled, logit_diff_directions, "... batch d_model, batch d_model -> ...")
    return products / residual_stack.size(-2)


@right("residual_stack_to_logit_diff")
def by_the_cached_scale(residual_stack, cache, logit_diff_directions):
    scale = cache["ln_final.hook_scale"][:, -1]
    return (residual_stack / scale * logit_diff_directions).sum(dim=-1).mean(dim=-1)


@right("residual_stack_to_logit_diff")
def one_prompt_after_another(residual_stack, cache, logit_diff_directions):
    total = 0
    for prompt, direction in enumerate(logit_diff_directions):
        total = total + residual_stack[..., prompt, :] @ direction / cache["scale"][prompt, -1, 0]
    return total / len(logit_diff_directions)


@right("residual_stack_to_logit_diff")
def scale_worked_out_again(residual_stack, cache, logit_diff_directions):
    final = cache["resid_post", cache.model.cfg.n_layers - 1][:, -1]
    centred = final - final.mean(-1, keepdim=True)
    scale = (centred**2).mean(-1, keepdim=True).add(cache.model.cfg.eps).sqrt()
    return torch.einsum("...bm,bm->...b", residual_stack, logit_diff_directions / scale).mean(-1)


@wrong("residual_stack_to_logit_diff", "no-scale")
def forgot_the_layer_norm(residual_stack, cache, logit_diff_directions):
    products = einops.einsum(residual_stack, logit_diff_directions, "... batch d, batch d -> ... batch")
    return products.mean(-1)


@wrong("residual_stack_to_logit_diff", "scale-of-the-first-position")
def pos_slice_0(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=0)
    return (scaled * logit_diff_directions).sum(-1).mean(-1)


@wrong("residual_stack_to_logit_diff", "scale-of-layer-0")
def layer_0(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=0, pos_slice=-1)
    return (scaled * logit_diff_directions).sum(-1).mean(-1)


@wrong("residual_stack_to_logit_diff", "normalised-alone")
def normalised_each_component(residual_stack, cache, logit_diff_directions):
    centred = residual_stack - residual_stack.mean(-1, keepdim=True)
    normal = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
    return (normal * logit_diff_directions).sum(-1).mean(-1)


@wrong("residual_stack_to_logit_diff", "mean-direction")
def all_pairs_of_prompts(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=-1)
    return (scaled @ logit_diff_directions.T).mean((-1, -2))


@wrong("residual_stack_to_logit_diff", "summed-over-batch")
def forgot_to_divide(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=-1)
    return einops.einsum(scaled, logit_diff_directions, "... batch d, batch d -> ...")


@wrong("residual_stack_to_logit_diff", "not-averaged")
def kept_the_prompts(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=-1)
    return einops.einsum(scaled, logit_diff_directions, "... batch d, batch d -> ... batch")


@wrong("residual_stack_to_logit_diff", "mean-over-d-model")
def mean_of_everything_but_components(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1, pos_slice=-1)
    return (scaled * logit_diff_directions).mean(dim=(-2, -1))


@wrong("residual_stack_to_logit_diff", "changed-input")
def divided_in_place(residual_stack, cache, logit_diff_directions):
    residual_stack /= cache["ln_final.hook_scale"][:, -1]
    return (residual_stack * logit_diff_directions).sum(-1).mean(-1)


@wrong("residual_stack_to_logit_diff", "raised")
def forgot_pos_slice(residual_stack, cache, logit_diff_directions):
    scaled = cache.apply_ln_to_stack(residual_stack, layer=-1)
    return (scaled * logit_diff_directions).sum(-1).mean(-1)


# ioi_metric
@right("ioi_metric")
def in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    difference = by_gather(logits, answer_tokens)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@right("ioi_metric")
def prompts_first_mean_last(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    way = clean_logit_diff - corrupted_logit_diff
    each = (of_log_probabilities(logits, answer_tokens, per_prompt=True) - corrupted_logit_diff) / way
    return each.mean()


@right("ioi_metric")
def one_less_the_rest(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    rest = clean_logit_diff - by_indexing(logits, answer_tokens)
    return 1 - rest / (clean_logit_diff - corrupted_logit_diff)


@right("ioi_metric")
def as_a_number(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff).item()


@wrong("ioi_metric", "reversed")
def arguments_in_the_other_order(logits, answer_tokens, clean_logit_diff, corrupted_logit_diff):
    return in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff)


@wrong("ioi_metric", "inverted")
def upside_down(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return 1 / in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff)


@wrong("ioi_metric", "no-baseline")
def only_divided(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return by_gather(logits, answer_tokens) / (clean_logit_diff - corrupted_logit_diff)


@wrong("ioi_metric", "divided-by-clean")
def as_a_share_of_the_clean_one(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return (by_gather(logits, answer_tokens) - corrupted_logit_diff) / clean_logit_diff


@wrong("ioi_metric", "not-divided")
def only_subtracted(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return by_gather(logits, answer_tokens) - corrupted_logit_diff


@wrong("ioi_metric", "zero-is-clean")
def the_noising_metric(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff) - 1


@wrong("ioi_metric", "answers-swapped")
def the_wrong_one_first(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return in_one_line(logits, answer_tokens[:, [1, 0]], corrupted_logit_diff, clean_logit_diff)


@wrong("ioi_metric", "first-position")
def read_at_position_0(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return in_one_line(logits[:, [0]], answer_tokens, corrupted_logit_diff, clean_logit_diff)


@wrong("ioi_metric", "per-prompt")
def one_for_each_prompt(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    difference = by_gather(logits, answer_tokens, per_prompt=True)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@wrong("ioi_metric", "clamped")
def between_0_and_1(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
    return in_one_line(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff).clip(0.0, 1.0)
