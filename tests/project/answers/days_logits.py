"""Answers to chapter 4: rank and probability, logit differences, the metric, the parts."""

import torch

from patchbook.patching.attribution import decompose_logit_diff as ready_made

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# rank_and_prob
@right("rank_and_prob")
def by_sorting(model, prompt, answer):
    logits = model(model.to_tokens(prompt))[0, -1]
    token = model.to_single_token(answer)
    order = logits.argsort(descending=True).tolist()
    return order.index(token), logits[token].item(), logits.softmax(dim=-1)[token].item()


@right("rank_and_prob")
def by_counting(model, prompt, answer):
    with torch.no_grad():
        logits = model(prompt)[0, -1]
    token = model.tokenizer.encode(answer, add_special_tokens=False)[0]
    rank = int((logits > logits[token]).sum())
    return rank, float(logits[token]), float(logits.log_softmax(-1)[token].exp())


@right("rank_and_prob")
def leaves_tensors(model, prompt, answer):
    logits = model(model.to_tokens(prompt), return_type="logits")[:, -1, :]
    token = model.to_tokens(answer, prepend_bos=False)[0, 0]
    rank = (logits > logits[0, token]).sum()
    return rank, logits[0, token], torch.softmax(logits, -1)[0, token]


@right("rank_and_prob")
def in_double_precision(model, prompt, answer):
    logits = model(model.to_tokens([prompt]))[0, -1].detach().double()
    token = model.to_single_token(answer)
    probability = logits[token].exp() / logits.exp().sum()
    return torch.count_nonzero(logits > logits[token]).item(), logits[token].item(), probability.item()


@wrong("rank_and_prob", "rank-from-1")
def the_best_is_number_one(model, prompt, answer):
    rank, logit, probability = by_sorting(model, prompt, answer)
    return rank + 1, logit, probability


@wrong("rank_and_prob", "log-probability")
def forgot_the_exp(model, prompt, answer):
    logits = model(model.to_tokens(prompt))[0, -1]
    token = model.to_single_token(answer)
    rank, logit, _ = by_sorting(model, prompt, answer)
    return rank, logit, logits.log_softmax(-1)[token].item()


@wrong("rank_and_prob", "rank-from-the-bottom")
def sorted_upwards(model, prompt, answer):
    logits = model(model.to_tokens(prompt))[0, -1]
    token = model.to_single_token(answer)
    rank = logits.argsort().tolist().index(token)
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


@wrong("rank_and_prob", "answer-without-space")
def stripped_the_answer(model, prompt, answer):
    logits = model(model.to_tokens(prompt))[0, -1]
    token = model.to_tokens(answer.strip(), prepend_bos=False)[0, 0]
    rank = (logits > logits[token]).sum().item()
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


@wrong("rank_and_prob", "first-position")
def took_position_0(model, prompt, answer):
    logits = model(model.to_tokens(prompt))[0, 0]
    token = model.to_single_token(answer)
    rank = (logits > logits[token]).sum().item()
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


@wrong("rank_and_prob", "no-bos")
def without_the_first_token(model, prompt, answer):
    logits = model(model.to_tokens(prompt)[:, 1:])[0, -1]
    token = model.to_single_token(answer)
    rank = (logits > logits[token]).sum().item()
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


@wrong("rank_and_prob", "probability-and-logit-swapped")
def other_order(model, prompt, answer):
    rank, logit, probability = by_counting(model, prompt, answer)
    return rank, probability, logit


@wrong("rank_and_prob", "percent")
def as_people_say_it(model, prompt, answer):
    rank, logit, probability = by_counting(model, prompt, answer)
    return rank, logit, probability * 100


@wrong("rank_and_prob", "contract")
def as_a_dictionary(model, prompt, answer):
    return dict(zip(("rank", "logit", "prob"), by_counting(model, prompt, answer), strict=True))


# logits_to_ave_logit_diff_of_days
@right("logits_to_ave_logit_diff_of_days")
def with_gather(logits, answer_tokens, wrong_tokens, per_prompt=False):
    both = logits[:, -1].gather(-1, torch.stack([answer_tokens, wrong_tokens], dim=-1))
    difference = both[:, 0] - both[:, 1]
    return difference if per_prompt else difference.mean()


@right("logits_to_ave_logit_diff_of_days")
def difference_of_means(logits, answer_tokens, wrong_tokens, per_prompt=False):
    rows = torch.arange(len(logits))
    good, bad = logits[rows, -1, answer_tokens], logits[rows, -1, wrong_tokens]
    return good - bad if per_prompt else good.mean() - bad.mean()


@right("logits_to_ave_logit_diff_of_days")
def of_log_probabilities(logits, answer_tokens, wrong_tokens, per_prompt=False):
    log_probabilities = logits[:, -1].log_softmax(-1)
    pairs = zip(log_probabilities, answer_tokens, wrong_tokens, strict=True)
    difference = torch.stack([row[good] - row[bad] for row, good, bad in pairs])
    return difference if per_prompt else difference.sum() / len(difference)


@right("logits_to_ave_logit_diff_of_days")
def a_plain_number(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True)
    return difference if per_prompt else difference.mean().item()


@wrong("logits_to_ave_logit_diff_of_days", "today-and-tomorrow-swapped")
def today_less_tomorrow(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, wrong_tokens, answer_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "first-position")
def at_bos(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits[:, :1], answer_tokens, wrong_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "probabilities")
def after_softmax(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits.softmax(-1), answer_tokens, wrong_tokens, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "per-prompt-ignored")
def always_the_mean(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, answer_tokens, wrong_tokens)


@wrong("logits_to_ave_logit_diff_of_days", "sum-not-mean")
def added_up(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True)
    return difference if per_prompt else difference.sum()


@wrong("logits_to_ave_logit_diff_of_days", "against-the-best")
def against_the_top_token(logits, answer_tokens, wrong_tokens, per_prompt=False):
    return with_gather(logits, answer_tokens, logits[:, -1].argmax(-1), per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "one-wrong-token-for-all")
def monday_for_everybody(logits, answer_tokens, wrong_tokens, per_prompt=False):
    same = torch.full_like(wrong_tokens, wrong_tokens[0].item())
    return with_gather(logits, answer_tokens, same, per_prompt)


@wrong("logits_to_ave_logit_diff_of_days", "every-answer-for-every-prompt")
def every_answer_for_every_prompt(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = logits[:, -1, answer_tokens] - logits[:, -1, wrong_tokens]
    return difference if per_prompt else difference.mean()


@wrong("logits_to_ave_logit_diff_of_days", "contract")
def as_a_list(logits, answer_tokens, wrong_tokens, per_prompt=False):
    difference = with_gather(logits, answer_tokens, wrong_tokens, True).tolist()
    return difference if per_prompt else [sum(difference) / len(difference)]


# day_metric
@right("day_metric")
def share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    way = clean_logit_diff - corrupted_logit_diff
    if way == 0:
        raise ValueError("the clean and the corrupted run are alike")
    return (with_gather(logits, answer_tokens, wrong_tokens) - corrupted_logit_diff) / way


@right("day_metric")
def one_less_what_is_missing(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    if abs(clean_logit_diff - corrupted_logit_diff) < 1e-9:
        raise ValueError
    missing = clean_logit_diff - difference_of_means(logits, answer_tokens, wrong_tokens)
    return 1 - missing / (clean_logit_diff - corrupted_logit_diff)


@right("day_metric")
def mean_of_shares(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
    if clean_logit_diff == corrupted_logit_diff:
        raise ValueError("no scale")
    each = of_log_probabilities(logits, answer_tokens, wrong_tokens, per_prompt=True)
    return ((each - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)).mean().item()


@wrong("day_metric", "clean-and-corrupted-swapped")
def zero_for_clean_one_for_corrupted(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return share_of_the_way(logits, answer_tokens, wrong_tokens, clean, corrupted)


def refuse(corrupted, clean):
    if corrupted == clean:
        raise ValueError


@wrong("day_metric", "no-baseline")
def over_the_way_only(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return with_gather(logits, answer_tokens, wrong_tokens) / (clean - corrupted)


@wrong("day_metric", "not-divided")
def distance_in_logits(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return with_gather(logits, answer_tokens, wrong_tokens) - corrupted


@wrong("day_metric", "inverted")
def upside_down(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return 1 / share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "today-and-tomorrow-swapped")
def other_way_round(logits, answer_tokens, wrong_tokens, corrupted, clean):
    return share_of_the_way(logits, wrong_tokens, answer_tokens, corrupted, clean)


@wrong("day_metric", "never-refuses")
def divides_by_zero(logits, answer_tokens, wrong_tokens, corrupted, clean):
    difference = with_gather(logits, answer_tokens, wrong_tokens)
    return (difference - corrupted) / torch.tensor(clean - corrupted)


@wrong("day_metric", "refuses-a-smaller-clean-lead")
def wants_clean_above_corrupted(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if not clean > corrupted:
        raise ValueError("clean must be larger")
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "raised")
def refuses_the_wrong_way_round(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if clean != corrupted:
        raise ValueError("no scale")
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "wrong-error")
def asserts_that_they_differ(logits, answer_tokens, wrong_tokens, corrupted, clean):
    assert corrupted != clean, "no scale"
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


@wrong("day_metric", "absolute-denominator")
def lost_the_direction(logits, answer_tokens, wrong_tokens, corrupted, clean):
    refuse(corrupted, clean)
    return (with_gather(logits, answer_tokens, wrong_tokens) - corrupted) / abs(clean - corrupted)


@wrong("day_metric", "wrong-error")
def lets_python_complain(logits, answer_tokens, wrong_tokens, corrupted, clean):
    difference = with_gather(logits, answer_tokens, wrong_tokens).item()
    return (difference - corrupted) / (clean - corrupted)


@wrong("day_metric", "zero-instead-of-an-error")
def nothing_happened(logits, answer_tokens, wrong_tokens, corrupted, clean):
    if corrupted == clean:
        return torch.zeros(())
    return share_of_the_way(logits, answer_tokens, wrong_tokens, corrupted, clean)


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
