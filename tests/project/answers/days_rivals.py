"""Answers to chapter 4: the strongest wrong answer."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# best_rivals
@right("best_rivals")
def with_a_mask(logits, answer_tokens, candidate_tokens):
    scores = logits[:, -1, candidate_tokens]
    scores = torch.where(candidate_tokens[None] == answer_tokens[:, None], float("-inf"), scores)
    return candidate_tokens[scores.argmax(dim=-1)]


@right("best_rivals")
def walking_down(logits, answer_tokens, candidate_tokens):
    rivals = []
    for row, answer in zip(logits[:, -1], answer_tokens, strict=True):
        order = candidate_tokens[row[candidate_tokens].argsort(descending=True)]
        rivals.append(order[0] if order[0] != answer else order[1])
    return torch.stack(rivals)


@right("best_rivals")
def plain_python(logits, answer_tokens, candidate_tokens):
    rivals = torch.zeros(len(logits), dtype=torch.int64)
    for i in range(len(logits)):
        best = None
        for token in candidate_tokens.tolist():
            if token == answer_tokens[i].item():
                continue
            if best is None or logits[i, -1, token] > logits[i, -1, best]:
                best = token
        rivals[i] = best
    return rivals


@right("best_rivals")
def hiding_in_the_vocabulary(logits, answer_tokens, candidate_tokens):
    last = logits[:, -1].clone()
    last[torch.arange(len(last)), answer_tokens] = -1e9
    hidden = torch.full_like(last, -1e9)
    hidden[:, candidate_tokens] = last[:, candidate_tokens]
    return hidden.softmax(-1).topk(1).indices.squeeze(-1)


@wrong("best_rivals", "answer-not-left-out")
def the_likeliest(logits, answer_tokens, candidate_tokens):
    return candidate_tokens[logits[:, -1].index_select(1, candidate_tokens).max(dim=1).indices]


@wrong("best_rivals", "second-best")
def runner_up(logits, answer_tokens, candidate_tokens):
    order = logits[:, -1, candidate_tokens].argsort(dim=-1, descending=True)
    return candidate_tokens[order[:, 1]]


@wrong("best_rivals", "all-tokens")
def whole_vocabulary(logits, answer_tokens, candidate_tokens):
    last = logits[:, -1].clone()
    last[torch.arange(len(last)), answer_tokens] = float("-inf")
    return last.argmax(-1)


@wrong("best_rivals", "place-for-token")
def forgot_to_look_it_up(logits, answer_tokens, candidate_tokens):
    scores = logits[:, -1, candidate_tokens].clone()
    scores[candidate_tokens == answer_tokens[:, None]] = float("-inf")
    return scores.argmax(-1)


@wrong("best_rivals", "all-answers-left-out")
def no_answers_at_all(logits, answer_tokens, candidate_tokens):
    others = torch.tensor([t for t in candidate_tokens.tolist() if t not in answer_tokens.tolist()])
    return others[logits[:, -1, others].argmax(-1)]


@wrong("best_rivals", "position-before-last")
def one_too_early(logits, answer_tokens, candidate_tokens):
    return with_a_mask(logits[:, :-1], answer_tokens, candidate_tokens)


@wrong("best_rivals", "weakest")
def sorted_upwards(logits, answer_tokens, candidate_tokens):
    return with_a_mask(-logits, answer_tokens, candidate_tokens)


@wrong("best_rivals", "contract")
def as_a_list_of_lists(logits, answer_tokens, candidate_tokens):
    return [[token] for token in with_a_mask(logits, answer_tokens, candidate_tokens).tolist()]
