"""The known wrong ways of chapter 7: which edges other prompts would have chosen."""

import torch

from patchbook.checking import Mistake


def _shares(rank, draw_of=lambda draw: draw, weigh=lambda chosen, draws: chosen / len(draws)):
    """Shares of draws in which an edge is among the n largest of rank(scores of the draw)."""

    def wrong(scores, draws, n):
        chosen = torch.zeros(scores.shape[1])
        for draw in draws:
            chosen[rank(scores[draw_of(draw)]).topk(n).indices] += 1
        return weigh(chosen, draws)

    return wrong


def _size_of_mean(scores):
    return scores.mean(0).abs()


def _one_more(scores, draws, n):
    return _shares(_size_of_mean)(scores, draws, n + 1)


def _all_prompts(scores, draws, n):
    chosen = torch.zeros(scores.shape[1])
    chosen[_size_of_mean(scores).topk(n).indices] = 1.0
    return chosen


def _prompt_by_prompt(scores, draws, n):
    chosen = torch.zeros(scores.shape[1])
    drawn = scores[draws.flatten()]
    for row in drawn:
        chosen[row.abs().topk(n).indices] += 1
    return chosen / len(drawn)


def _mean_of_draws(scores, draws, n):
    return torch.stack([scores[draw].mean(0) for draw in draws]).mean(0)


bootstrap_circuits = (
    Mistake(
        "not-resampled",
        _all_prompts,
        "every draw gives the same circuit: the draws are not used.",
        "In each draw the mean runs over scores[draw], in which a prompt can come twice.",
    ),
    Mistake(
        "each-prompt-once",
        _shares(_size_of_mean, draw_of=torch.unique),
        "a prompt that was drawn twice counts once.",
        "scores[draw] repeats a row as often as it was drawn. Leave it so.",
    ),
    Mistake(
        "signed",
        _shares(lambda scores: scores.mean(0)),
        "edges with large negative scores are left out: an edge can matter by hurting.",
        "Rank by the absolute value of the mean.",
    ),
    Mistake(
        "most-negative",
        _shares(lambda scores: -scores.mean(0)),
        "the most negative edges are chosen.",
        "Rank by the absolute value of the mean, the largest first.",
    ),
    Mistake(
        "mean-of-sizes",
        _shares(lambda scores: scores.abs().mean(0)),
        "the absolute value is taken before the mean: an edge that pushes either way at random ranks high.",
        "First the mean over the draw's prompts, then .abs().",
    ),
    Mistake(
        "median",
        _shares(lambda scores: scores.median(0).values.abs()),
        "edges are ranked by their median over the draw's prompts.",
        "Use the mean.",
    ),
    Mistake(
        "smallest",
        _shares(lambda scores: -_size_of_mean(scores)),
        "the smallest edges are chosen.",
        "Take the n largest.",
    ),
    Mistake(
        "one-too-many",
        _one_more,
        "each draw's circuit has n + 1 edges.",
        "Take n.",
    ),
    Mistake(
        "counted",
        _shares(_size_of_mean, weigh=lambda chosen, draws: chosen),
        "this is the number of draws that choose an edge; wanted their share.",
        "Divide by the number of draws.",
    ),
    Mistake(
        "over-prompts",
        _shares(_size_of_mean, weigh=lambda chosen, draws: chosen / draws.shape[1]),
        "it is divided by the number of prompts in a draw.",
        "Divide by the number of draws.",
    ),
    Mistake(
        "prompt-by-prompt",
        _prompt_by_prompt,
        "each single prompt chooses a circuit of its own.",
        "Take the mean over the draw's prompts first: one circuit for each draw.",
    ),
    Mistake(
        "mean-score",
        _mean_of_draws,
        "this is each edge's mean score; wanted how often it is chosen.",
        "In each draw choose the n largest, and count.",
    ),
)
