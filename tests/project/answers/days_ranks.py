"""Answers to chapter 4: rank and probability."""

import torch

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
