"""What cases of chapter 2 are held against: right and wrong functions logit_diff."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from patchbook.checking import Bench, Mistake


def logit_diff(logits: Float[Tensor, "batch seq d_vocab"], answer_tokens: Int[Tensor, "batch 2"]) -> float:
    pairs = zip(logits[:, -1].tolist(), answer_tokens.tolist(), strict=True)
    differences = [last[right] - last[wrong] for last, (right, wrong) in pairs]
    return sum(differences) / len(differences)


def _of_both(logits, answer_tokens):
    """The logits of the right and the wrong answers at the last position, (batch, 2)."""
    return logits[:, -1].gather(-1, answer_tokens)


def _by_gathering(logits, answer_tokens):
    right, wrong = _of_both(logits, answer_tokens).unbind(-1)
    return (right - wrong).mean().item()


def _of_log_probs(logits, answer_tokens):
    """The normaliser is the same for both: it cancels."""
    return _by_gathering(logits.log_softmax(-1), answer_tokens)


def _of_means(logits, answer_tokens):
    right, wrong = _of_both(logits, answer_tokens).mean(0).tolist()
    return right - wrong


def _best_other(logits, answer_tokens):
    right = answer_tokens[:, :1]
    others = logits[:, -1].scatter(-1, right, -torch.inf).max(-1).values
    return (logits[:, -1].gather(-1, right)[:, 0] - others).mean().item()


def _outside(logits, answer_tokens):
    if (answer_tokens < 0).any() or (answer_tokens >= logits.shape[-1]).any():
        return f"answer tokens are between 0 and {logits.shape[-1] - 1} here"
    if (answer_tokens[:, 0] == answer_tokens[:, 1]).any():
        return "the right and the wrong answer of a prompt are two tokens"
    return "logits between -100 and 100 are enough" if logits.abs().max() > 100 else ""


cases_for_logit_diff = Bench(
    right=(logit_diff, _by_gathering, _of_log_probs, _of_means),
    wrong=(
        Mistake(
            "wrong-less-right",
            lambda logits, answer_tokens: -_by_gathering(logits, answer_tokens),
            "it takes the right answer's logit from the wrong one's.",
            "Any prompt on which the two differ shows it.",
        ),
        Mistake(
            "first-position",
            lambda logits, answer_tokens: _by_gathering(logits[:, :1], answer_tokens),
            "it reads the logits after the first token.",
            "With one position, the first and the last are the same.",
        ),
        Mistake(
            "first-prompts-answers",
            lambda logits, answer_tokens: _by_gathering(logits, answer_tokens[:1].expand_as(answer_tokens)),
            "it uses the first prompt's answers for every prompt.",
            "How many prompts has your batch, and do their answers differ?",
        ),
        Mistake(
            "always-a-lead",
            lambda logits, answer_tokens: _of_both(logits, answer_tokens).diff(dim=-1).abs().mean().item(),
            "a prompt that the model gets wrong adds to the lead: every difference counts as positive.",
            "What if the model prefers the wrong answer on one prompt?",
        ),
        Mistake(
            "best-other",
            _best_other,
            "it takes off the largest logit of all other tokens, whichever token that is.",
            "Is your wrong answer always the runner-up?",
        ),
        Mistake(
            "probabilities",
            lambda logits, answer_tokens: _by_gathering(logits.softmax(-1), answer_tokens),
            "it subtracts probabilities.",
            "A difference of probabilities is never larger than 1.",
        ),
    ),
    enough=6,
    outside=_outside,
)
