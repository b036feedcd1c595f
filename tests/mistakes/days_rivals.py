"""The known wrong ways of chapter 4: the strongest wrong answer."""

import torch

from patchbook.checking import Mistake


def _among(x, a, c, position=-1):
    """Logits of the candidates, the answers' own hidden: (batch, candidate)."""
    return x[:, position][:, c].masked_fill(c == a[:, None], -torch.inf)


def _over_all_positions(x, a, c):
    return c[x.mean(1)[:, c].masked_fill(c == a[:, None], -torch.inf).argmax(-1)]


def _without_any_answer(x, a, c):
    return c[x[:, -1][:, c].masked_fill(torch.isin(c, a), -torch.inf).argmax(-1)]


def _first_prompts_rival(x, a, c):
    return c[_among(x, a, c).argmax(-1)][:1].expand(len(a))


def _next_to_the_answer(x, a, c):
    """The candidate that comes next below the answer."""
    at = x[:, -1][:, c]
    own = x[torch.arange(len(a)), -1, a][:, None]
    return c[at.masked_fill(at >= own, -torch.inf).argmax(-1)]


best_rivals = (
    Mistake(
        "answer-not-left-out",
        lambda x, a, c: c[x[:, -1][:, c].argmax(-1)],
        "the answer itself is returned where it is the likeliest candidate.",
        "Hide each prompt's own answer first: its logit becomes minus infinity.",
    ),
    Mistake(
        "second-best",
        lambda x, a, c: c[x[:, -1][:, c].topk(2).indices[:, 1]],
        "it is always the second of the candidates, also where the first is not the answer.",
        "Hide each prompt's own answer, then take the largest.",
    ),
    Mistake(
        "all-tokens",
        lambda x, a, c: x[:, -1].scatter(1, a[:, None], -torch.inf).argmax(-1),
        "it looks among all tokens of the vocabulary.",
        "Only candidate_tokens are asked for: logits[:, -1][:, candidate_tokens].",
    ),
    Mistake(
        "place-for-token",
        lambda x, a, c: _among(x, a, c).argmax(-1),
        "these are places in candidate_tokens; wanted tokens.",
        "argmax gives a place: candidate_tokens[place] is the token.",
    ),
    Mistake(
        "weakest",
        lambda x, a, c: c[x[:, -1][:, c].masked_fill(c == a[:, None], torch.inf).argmin(-1)],
        "this is the least likely candidate.",
        "The strongest rival has the largest logit: argmax.",
    ),
    Mistake(
        "first-position",
        lambda x, a, c: c[_among(x, a, c, 0).argmax(-1)],
        "the logits are read at the first position.",
        "The answer is predicted at the last position: logits[:, -1].",
    ),
    Mistake(
        "position-before-last",
        lambda x, a, c: c[_among(x, a, c, -2).argmax(-1)],
        "the logits are read one position before the last.",
        "The last position predicts what comes after the prompt: logits[:, -1].",
    ),
    Mistake(
        "mean-over-positions",
        _over_all_positions,
        "the logits are averaged over all positions.",
        "Only the last position predicts the answer: logits[:, -1].",
    ),
    Mistake(
        "all-answers-left-out",
        _without_any_answer,
        "the answers of other prompts are left out, too; they may be rivals here.",
        "Hide in each row only that prompt's own answer: candidate_tokens == answer_tokens[:, None].",
    ),
    Mistake(
        "one-rival-for-all",
        lambda x, a, c: c[_among(x.mean(0, keepdim=True).expand_as(x), a, c).argmax(-1)],
        "the logits are averaged over the prompts before the rivals are chosen.",
        "Each prompt has a rival of its own.",
    ),
    Mistake(
        "first-prompts-rival",
        _first_prompts_rival,
        "every prompt gets the first prompt's rival.",
        "Each prompt has a rival of its own.",
    ),
    Mistake(
        "next-below-the-answer",
        _next_to_the_answer,
        "it is the next candidate below the answer. A rival may be above it.",
        "Hide each prompt's own answer, then take the largest of what is left.",
    ),
)
