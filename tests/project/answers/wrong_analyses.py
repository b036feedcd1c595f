"""Answers to chapter 3: wrong analyses, mended."""

import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# mend_second_best
def likeliest(model, prompt):
    return model(model.to_tokens(prompt))[0, -1].argmax().item()


@right("mend_second_best")
def one_prompt_after_another(model, prompts):
    return [model.to_single_str_token(likeliest(model, prompt)) for prompt in prompts]


@right("mend_second_best")
def padded_on_the_left(model, prompts):
    best = model(prompts, padding_side="left")[:, -1].topk(1).indices[:, 0]
    return [model.tokenizer.decode([token]) for token in best]


@right("mend_second_best")
def sorted_and_first(model, prompts):
    words = []
    for prompt in prompts:
        ranks = sorted(enumerate(model(model.to_tokens(prompt))[0, -1].tolist()), key=lambda pair: -pair[1])
        words.append(model.to_string(torch.tensor([ranks[0][0]])))
    return words


@wrong("mend_second_best", "second-best")
def rank_from_one(model, prompts):
    ranked = [model(model.to_tokens(p))[0, -1].topk(2).indices.tolist() for p in prompts]
    return [model.tokenizer.decode([ranks[1]]) for ranks in ranked]


@wrong("mend_second_best", "least-likely")
def sorted_upwards(model, prompts):
    return [model.tokenizer.decode([model(model.to_tokens(p))[0, -1].argsort()[0].item()]) for p in prompts]


@wrong("mend_second_best", "position-before-last")
def one_too_early(model, prompts):
    logits = [model(model.to_tokens(prompt))[0, -2] for prompt in prompts]
    return [model.to_single_str_token(row.argmax().item()) for row in logits]


@wrong("mend_second_best", "space-lost")
def stripped(model, prompts):
    return [word.strip() for word in one_prompt_after_another(model, prompts)]


@wrong("mend_second_best", "ids")
def numbers(model, prompts):
    return [likeliest(model, prompt) for prompt in prompts]


@wrong("mend_second_best", "padding-read")
def as_one_tensor(model, prompts):
    best = model(model.to_tokens(prompts))[:, -1].argmax(-1)
    return [model.to_single_str_token(token.item()) for token in best]


@wrong("mend_second_best", "bos-missing")
def without_bos(model, prompts):
    rows = [model.to_tokens(prompt, prepend_bos=False) for prompt in prompts]
    return [model.to_single_str_token(model(row)[0, -1].argmax().item()) for row in rows]


# mend_model_on_answers
def two_ids(model, pair):
    return [model.to_single_token(word) for word in pair]


@right("mend_model_on_answers")
def prompt_by_prompt_difference(model, prompts, answers):
    values = []
    for prompt, pair in zip(prompts, answers, strict=True):
        final = model(model.to_tokens(prompt))[0, -1]
        correct, incorrect = two_ids(model, pair)
        values.append(final[correct] - final[incorrect])
    return torch.stack(values)


@right("mend_model_on_answers")
def left_padded(model, prompts, answers):
    ids = torch.tensor([two_ids(model, pair) for pair in answers])
    correct, incorrect = model(prompts, padding_side="left")[:, -1].gather(1, ids).T
    return correct - incorrect


@right("mend_model_on_answers")
def by_log_probabilities(model, prompts, answers):
    rows = [model(prompt)[0, -1].log_softmax(-1) for prompt in prompts]
    ids = [two_ids(model, pair) for pair in answers]
    return torch.stack([row[a] - row[b] for row, (a, b) in zip(rows, ids, strict=True)])


@wrong("mend_model_on_answers", "model-on-answers")
def ran_the_answers(model, prompts, answers):
    return prompt_by_prompt_difference(model, [correct for correct, _ in answers], answers)


@wrong("mend_model_on_answers", "model-on-wrong-answers")
def ran_the_other_answers(model, prompts, answers):
    return prompt_by_prompt_difference(model, [incorrect for _, incorrect in answers], answers)


@wrong("mend_model_on_answers", "prompt-and-answer")
def glued(model, prompts, answers):
    texts = [prompt + pair[0] for prompt, pair in zip(prompts, answers, strict=True)]
    return prompt_by_prompt_difference(model, texts, answers)


@wrong("mend_model_on_answers", "answers-swapped")
def other_way_round(model, prompts, answers):
    return prompt_by_prompt_difference(model, prompts, [pair[::-1] for pair in answers])


@wrong("mend_model_on_answers", "padding-read")
def one_padded_tensor(model, prompts, answers):
    ids = torch.tensor([two_ids(model, pair) for pair in answers])
    correct, incorrect = model(model.to_tokens(prompts))[:, -1].gather(1, ids).T
    return correct - incorrect


@wrong("mend_model_on_answers", "averaged")
def one_number(model, prompts, answers):
    return prompt_by_prompt_difference(model, prompts, answers).mean()


@wrong("mend_model_on_answers", "only-the-right-answer")
def how_high_the_right_one_is(model, prompts, answers):
    rows = [model(model.to_tokens(prompt))[0, -1] for prompt in prompts]
    return torch.stack([row[two_ids(model, pair)[0]] for row, pair in zip(rows, answers, strict=True)])


# mend_stale_cache
def direction_of(model, answer_tokens):
    return model.W_U.T[answer_tokens[:, 0]] - model.W_U.T[answer_tokens[:, 1]]


def outputs_of(model, cache, name="attn_out"):
    return torch.stack([cache[name, layer] for layer in range(model.cfg.n_layers)])[:, :, -1]


def shares(cache, outputs, direction):
    scaled = cache.apply_ln_to_stack(outputs, layer=-1, pos_slice=-1)
    return torch.einsum("lbd,bd->l", scaled, direction) / len(direction)


@right("mend_stale_cache")
def fresh_cache_for_each(model, prompt_sets, answer_tokens):
    direction, rows = direction_of(model, answer_tokens), []
    for tokens in prompt_sets:
        _, cache = model.run_with_cache(tokens)
        rows.append(shares(cache, outputs_of(model, cache), direction))
    return torch.stack(rows)


@right("mend_stale_cache")
def all_caches_first(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction = direction_of(model, answer_tokens)
    return torch.stack([shares(c, outputs_of(model, c), direction) for c in caches])


@right("mend_stale_cache")
def layer_by_layer(model, prompt_sets, answer_tokens):
    result = model.W_U.new_zeros(len(prompt_sets), model.cfg.n_layers)
    for i, tokens in enumerate(prompt_sets):
        cache = model.run_with_cache(tokens)[1]
        scale = cache["ln_final.hook_scale"][:, -1]
        for layer in range(model.cfg.n_layers):
            out = cache["attn_out", layer][:, -1]
            out = (out - out.mean(-1, keepdim=True)) / scale
            result[i, layer] = (out * direction_of(model, answer_tokens)).sum(-1).mean()
    return result


@wrong("mend_stale_cache", "stale-cache")
def cached_before_the_loop(model, prompt_sets, answer_tokens):
    _, cache = model.run_with_cache(prompt_sets[0])
    row = shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens))
    return torch.stack([row for _ in prompt_sets])


@wrong("mend_stale_cache", "last-cache")
def only_the_last_cache_is_left(model, prompt_sets, answer_tokens):
    for tokens in prompt_sets:
        _, cache = model.run_with_cache(tokens)
    row = shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens))
    return row.repeat(len(prompt_sets), 1)


@wrong("mend_stale_cache", "cache-before")
def read_then_run(model, prompt_sets, answer_tokens):
    _, cache = model.run_with_cache(prompt_sets[0])
    rows = []
    for tokens in prompt_sets:
        rows.append(shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens)))
        _, cache = model.run_with_cache(tokens)
    return torch.stack(rows)


@wrong("mend_stale_cache", "stale-scale")
def old_scale(model, prompt_sets, answer_tokens):
    _, first = model.run_with_cache(prompt_sets[0])
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction = direction_of(model, answer_tokens)
    return torch.stack([shares(first, outputs_of(model, c), direction) for c in caches])


@wrong("mend_stale_cache", "no-scale")
def unscaled(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    outputs = torch.stack([outputs_of(model, cache) for cache in caches])
    return torch.einsum("slbd,bd->sl", outputs, direction_of(model, answer_tokens)) / len(answer_tokens)


@wrong("mend_stale_cache", "transposed")
def layers_first(model, prompt_sets, answer_tokens):
    return fresh_cache_for_each(model, prompt_sets, answer_tokens).T


@wrong("mend_stale_cache", "whole-blocks")
def attention_and_mlps(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction, rows = direction_of(model, answer_tokens), []
    for cache in caches:
        both = outputs_of(model, cache) + outputs_of(model, cache, "mlp_out")
        rows.append(shares(cache, both, direction))
    return torch.stack(rows)
