"""The known wrong ways of induction_score_hook. They write into the store that the check lends them."""

from collections.abc import Callable

import einops

from patchbook.checking import Mistake


def _scores(pattern, offset: Callable = lambda seq_len: 1 - seq_len):
    """Per head, the mean of a diagonal: (head,)."""
    diagonal = pattern.diagonal(dim1=-2, dim2=-1, offset=offset((pattern.shape[-1] - 1) // 2))
    return einops.reduce(diagonal, "batch head position -> head", "mean")


def _storing(score: Callable, row: Callable = lambda hook: hook.layer()) -> Callable:
    """A wrong way: score(pattern) goes to the row that `row` says."""

    def wrong(pattern, hook):
        induction_score_store[row(hook)] = score(pattern)

    return wrong


def _sum(pattern):
    seq_len = (pattern.shape[-1] - 1) // 2
    return pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len).sum((0, -1))


def _sum_then_batch(pattern):
    return _sum(pattern) / len(pattern)


def _second_half(pattern):
    seq_len = (pattern.shape[-1] - 1) // 2
    return pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len)[..., 2:].mean((0, -1))


def _adding(pattern, hook):
    induction_score_store[hook.layer()] += _scores(pattern)


induction_score_hook = (
    Mistake(
        "at-the-copy",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: -seq_len)),
        "the diagonal is seq_len back: that is the earlier copy itself, the place of duplicate-token heads.",
        "The token after the copy is seq_len - 1 back: offset = 1 - seq_len.",
    ),
    Mistake(
        "one-too-late",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: 2 - seq_len)),
        "the diagonal is seq_len - 2 back: two tokens after the earlier copy.",
        "The token after the copy is seq_len - 1 back: offset = 1 - seq_len.",
    ),
    Mistake(
        "one-too-early",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: -seq_len - 1)),
        "the diagonal is seq_len + 1 back: the token before the earlier copy.",
        "The token after the copy is seq_len - 1 back: offset = 1 - seq_len.",
    ),
    Mistake(
        "above-the-diagonal",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: seq_len - 1)),
        "the diagonal lies above the main one, where keys come after queries and attention is 0.",
        "Below the main diagonal the offset is negative: offset = 1 - seq_len.",
    ),
    Mistake(
        "main-diagonal",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: 0)),
        "this is the main diagonal: how much each token looks at itself.",
        "Give .diagonal() the offset 1 - seq_len.",
    ),
    Mistake(
        "sum-not-mean",
        _storing(_sum),
        "the score is a sum over batch and positions; wanted the mean.",
        "Use .mean() over both axes.",
    ),
    Mistake(
        "sum-over-positions",
        _storing(_sum_then_batch),
        "the score is summed over positions; wanted the mean over batch and positions.",
        "Use .mean() over both axes.",
    ),
    Mistake(
        "whole-pattern",
        _storing(lambda pattern: pattern.mean((0, 2, 3))),
        "the mean runs over the whole pattern; wanted one diagonal.",
        "Take pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len) first.",
    ),
    Mistake(
        "first-prompt-only",
        _storing(lambda pattern: _scores(pattern[:1])),
        "only the first prompt of the batch counts.",
        "Take the mean over the batch as well.",
    ),
    Mistake(
        "heads-averaged",
        _storing(lambda pattern: _scores(pattern).mean()),
        "all heads of a layer get the same score: the mean runs over the heads too.",
        "Keep the head axis: reduce (batch, head, position) to (head).",
    ),
    Mistake(
        "second-half-only",
        _storing(_second_half),
        "only the second half's queries count; the usual score takes the whole diagonal.",
        "Take the mean of all of .diagonal(..., offset=1 - seq_len).",
    ),
    Mistake(
        "one-seq-len-for-all",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: 1 - 20)),
        "seq_len is always 20: it comes from the notebook, not from this pattern.",
        "Work it out inside the hook: (pattern.shape[-1] - 1) // 2.",
    ),
    Mistake(
        "bos-forgotten",
        _storing(lambda pattern: _scores(pattern, lambda seq_len: -2 * seq_len)),
        "seq_len is taken to be the length of the whole prompt.",
        "The prompt is [BOS, half, half]: seq_len is (pattern.shape[-1] - 1) // 2.",
    ),
    Mistake(
        "always-row-0",
        _storing(_scores, lambda hook: 0),
        "every layer writes into row 0.",
        "Write into induction_score_store[hook.layer()].",
    ),
    Mistake(
        "all-rows",
        _storing(_scores, lambda hook: slice(None)),
        "every layer writes into all rows, so the last call is the only one left.",
        "Write into induction_score_store[hook.layer()].",
    ),
    Mistake(
        "next-row",
        _storing(_scores, lambda hook: hook.layer() - 1),
        "the scores go into the row of the layer before.",
        "hook.layer() counts from 0, as rows do.",
    ),
    Mistake(
        "not-stored",
        lambda pattern, hook: None,
        "nothing is written into induction_score_store.",
        "Assign to a row of it: induction_score_store[hook.layer()] = ...",
    ),
    Mistake(
        "returned",
        lambda pattern, hook: _scores(pattern),
        "it returns the scores: TransformerLens would put them in the pattern's place.",
        "Write them into induction_score_store[hook.layer()] and return nothing.",
    ),
    Mistake(
        "added",
        _adding,
        "the scores are added to what stands in the store; a second run would count them twice.",
        "Assign with =, not with +=.",
    ),
)
