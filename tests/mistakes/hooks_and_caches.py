"""The known wrong ways of chapter 0."""

import copy
import math

import torch

from patchbook.checking import Mistake


def _scores(q, k, scale=True, masked=True):
    """Attention scores: [batch head query key]."""
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
    if scale:
        scores = scores / math.sqrt(q.shape[-1])
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf) if masked else scores


attention_from_q_and_k = (
    Mistake(
        "no-scale",
        lambda q, k: _scores(q, k, scale=False).softmax(-1),
        "the scores are not divided by the square root of d_head.",
        "Divide the dot products by d_head ** 0.5 before the softmax.",
    ),
    Mistake(
        "scaled-by-d-head",
        lambda q, k: (_scores(q, k, scale=False) / q.shape[-1]).softmax(-1),
        "the scores are divided by d_head; wanted its square root.",
        "q.shape[-1] ** 0.5 is the scale.",
    ),
    Mistake(
        "no-mask",
        lambda q, k: _scores(q, k, masked=False).softmax(-1),
        "queries look at keys that come after them: the causal mask is missing.",
        "Set the scores with key > query to -inf before the softmax.",
    ),
    Mistake(
        "masked-after-softmax",
        lambda q, k: _scores(q, k, masked=False).softmax(-1).tril(),
        "the mask comes after the softmax, so the rows no longer sum to 1.",
        "Mask the scores with -inf first, then take the softmax.",
    ),
    Mistake(
        "masked-with-zero",
        lambda q, k: _scores(q, k, masked=False).tril().softmax(-1),
        "masked scores are 0, and softmax gives a score of 0 its share.",
        "Use -inf (or a very large negative number) for the masked scores.",
    ),
    Mistake(
        "mask-hides-self",
        lambda q, k: (
            _scores(q, k)
            .masked_fill(torch.eye(q.shape[1], dtype=torch.bool), -torch.inf)
            .softmax(-1)
            .nan_to_num()
        ),
        "the mask hides the query's own position too.",
        "Use triu(diagonal=1): key == query stays visible.",
    ),
    Mistake(
        "softmax-over-queries",
        lambda q, k: _scores(q, k).softmax(-2),
        "the softmax runs over the queries; each query's row must sum to 1 over the keys.",
        "Take the softmax along the key axis, the last one.",
    ),
    Mistake(
        "softmax-over-heads",
        lambda q, k: _scores(q, k, masked=False).softmax(1).tril(),
        "the softmax runs over the heads.",
        "Take the softmax along the key axis, the last one.",
    ),
    Mistake(
        "q-and-k-swapped",
        lambda q, k: _scores(k, q).softmax(-1),
        "q and k have changed places: queries are read from k.",
        "The query axis (the third of the result) comes from q.",
    ),
    Mistake(
        "no-softmax",
        lambda q, k: _scores(q, k, masked=False),
        "these are the scores: the mask and the softmax are missing.",
        "Mask the future, then take the softmax over the keys.",
    ),
    Mistake(
        "masked-scores",
        lambda q, k: _scores(q, k),
        "these are the masked scores: the softmax is missing.",
        "Take the softmax over the keys: .softmax(dim=-1).",
    ),
    Mistake(
        "log-probabilities",
        lambda q, k: _scores(q, k).log_softmax(-1),
        "these are the logarithms of the probabilities.",
        "Use softmax; log_softmax is for losses.",
    ),
    Mistake(
        "queries-twice",
        lambda q, k: _scores(q, q).softmax(-1),
        "queries are compared with queries: k is not used.",
        "The second tensor of the dot product is k.",
    ),
    Mistake(
        "keys-twice",
        lambda q, k: _scores(k, k).softmax(-1),
        "keys are compared with keys: q is not used.",
        "The first tensor of the dot product is q.",
    ),
    Mistake(
        "multiplied-by-scale",
        lambda q, k: (_scores(q, k, scale=False) * q.shape[-1] ** 0.5).softmax(-1),
        "the scores are multiplied by the square root of d_head; wanted divided.",
        "Divide the dot products by d_head ** 0.5.",
    ),
    Mistake(
        "scaled-by-heads",
        lambda q, k: (_scores(q, k, scale=False) / q.shape[-2] ** 0.5).softmax(-1),
        "the scores are divided by the square root of the number of heads; wanted that of d_head.",
        "d_head is the last axis of q: q.shape[-1].",
    ),
    Mistake(
        "one-key-ahead",
        lambda q, k: (
            _scores(q, k, masked=False)
            .masked_fill(torch.ones(q.shape[1], q.shape[1], dtype=torch.bool).triu(2), -torch.inf)
            .softmax(-1)
        ),
        "queries look one token ahead: the mask begins one key too late.",
        "Use triu(diagonal=1): the first key after the query is hidden, too.",
    ),
    Mistake(
        "mask-hides-self-nan",
        lambda q, k: (
            _scores(q, k).masked_fill(torch.eye(q.shape[1], dtype=torch.bool), -torch.inf).softmax(-1)
        ),
        "the mask hides the query's own position too, so the first query has no key left: its row is nan.",
        "Use triu(diagonal=1): key == query stays visible.",
    ),
)


def _at(axis):
    """Zero the entry `head_index` of another axis."""

    def wrong(z, hook, head_index):
        z = z.clone()
        z.select(axis, min(head_index, z.shape[axis] - 1)).zero_()
        return z

    return wrong


def _ablate(z, where, value=0.0):
    z = z.clone()
    z[:, :, where] = value
    return z


zero_ablate_head_hook = (
    Mistake(
        "ablated-position",
        _at(1),
        "it zeroes one position of every head instead of one head.",
        "z has axes (batch, pos, head, d_head): the head is the third.",
    ),
    Mistake(
        "ablated-dimension",
        _at(3),
        "it zeroes one dimension of every head instead of one head.",
        "z has axes (batch, pos, head, d_head): write z[:, :, head_index].",
    ),
    Mistake(
        "ablated-batch",
        _at(0),
        "it zeroes one prompt of the batch instead of one head.",
        "z has axes (batch, pos, head, d_head): write z[:, :, head_index].",
    ),
    Mistake(
        "ablated-the-others",
        lambda z, hook, head_index: z - _ablate(z, head_index),
        "it keeps that head and zeroes all the others.",
        "Set z[:, :, head_index] to zero and leave the rest alone.",
    ),
    Mistake(
        "ablated-all",
        lambda z, hook, head_index: torch.zeros_like(z),
        "it zeroes every head.",
        "Set z[:, :, head_index] to zero and leave the rest alone.",
    ),
    Mistake(
        "unchanged",
        lambda z, hook, head_index: z,
        "z comes back unchanged.",
        "Assigning to a slice of a copy changes only the copy: return the tensor you edited.",
    ),
    Mistake(
        "always-head-0",
        lambda z, hook, head_index: _ablate(z, 0),
        "it zeroes head 0 whatever head_index says.",
        "Use the argument head_index.",
    ),
    Mistake(
        "next-head",
        lambda z, hook, head_index: _ablate(z, (head_index + 1) % z.shape[2]),
        "it zeroes the head after the one asked for.",
        "Heads are counted from 0, as indices are.",
    ),
    Mistake(
        "ablated-with-mean",
        lambda z, hook, head_index: _ablate(z, head_index, z[:, :, head_index].mean().item()),
        "the head is set to its mean; this exercise sets it to zero.",
        "z[:, :, head_index] = 0.0",
    ),
)


cache_without_aliases = (
    Mistake(
        "aliases",
        lambda cache: dict(cache.items()),
        "the tensors still share memory with the cache: editing one edits others.",
        "A new dictionary holds the same tensors. Give each a copy of its own with .clone().",
    ),
    Mistake(
        "aliases-kept-by-deepcopy",
        lambda cache: copy.deepcopy({name: t.detach() for name, t in cache.items()}),
        "copies of entries that shared memory share memory again: copy.deepcopy keeps the sharing.",
        "Copy each tensor by itself, with .clone().",
    ),
    Mistake(
        "first-batch-only",
        lambda cache: {name: t[:1].clone() for name, t in cache.items()},
        "only the first prompt of the batch is there.",
        "Copy the whole tensor.",
    ),
    Mistake(
        "last-layer-only",
        lambda cache: {
            n: t.clone() for n, t in cache.items() if f"blocks.{cache.model.cfg.n_layers - 1}" in n
        },
        "only the last layer's activations are there.",
        "Keep every name the cache has.",
    ),
    Mistake(
        "zeros",
        lambda cache: {name: torch.zeros_like(t) for name, t in cache.items()},
        "the tensors have the right shapes but hold zeros.",
        "zeros_like makes a new tensor; .clone() makes one with the same values.",
    ),
    Mistake(
        "duplicates-dropped",
        lambda cache: {
            name: t.clone()
            for i, (name, t) in enumerate(cache.items())
            if all(t.data_ptr() != other.data_ptr() for other in list(cache.values())[:i])
        },
        "names that share memory with an earlier one are gone.",
        "Keep every name, and give each its own copy.",
    ),
)


fold_layer_norm = (
    Mistake(
        "bias-left-behind",
        lambda weight, bias, W, b: (weight[:, None] * W, b),
        "LayerNorm's bias is lost: the new bias is the old one.",
        "What LayerNorm adds passes through W, too: bias @ W belongs into the new bias.",
    ),
    Mistake(
        "weight-left-behind",
        lambda weight, bias, W, b: (W, b + bias @ W),
        "LayerNorm's weight is lost: the new matrix is the old one.",
        "Coordinate i is multiplied by weight[i] before it meets row i of W.",
    ),
    Mistake(
        "old-bias-lost",
        lambda weight, bias, W, b: (weight[:, None] * W, bias @ W),
        "the layer's own bias b is lost.",
        "Add what comes from LayerNorm to b.",
    ),
    Mistake(
        "bias-multiplied-by-weight",
        lambda weight, bias, W, b: (weight[:, None] * W, b + bias @ (weight[:, None] * W)),
        "LayerNorm's bias is multiplied by its weight. It is added after that multiplication.",
        "Send the bias through the old W: bias @ W.",
    ),
    Mistake(
        "bias-subtracted",
        lambda weight, bias, W, b: (weight[:, None] * W, b - bias @ W),
        "what LayerNorm adds is subtracted.",
        "The new bias is b + bias @ W.",
    ),
    Mistake(
        "divided-by-weight",
        lambda weight, bias, W, b: (W / weight[:, None], b + bias @ W),
        "the rows of W are divided by LayerNorm's weight.",
        "LayerNorm multiplies by its weight, so W is multiplied, too.",
    ),
    Mistake(
        "weight-and-bias-swapped",
        lambda weight, bias, W, b: (bias[:, None] * W, b + weight @ W),
        "LayerNorm's weight and bias have changed places.",
        "The weight multiplies the rows of W, the bias passes through W.",
    ),
    Mistake(
        "bias-in-the-matrix",
        lambda weight, bias, W, b: (weight[:, None] * W + bias[:, None], b),
        "LayerNorm's bias is added to the entries of W.",
        "A constant that is added belongs into the new bias: bias @ W.",
    ),
    Mistake(
        "weight-squared",
        lambda weight, bias, W, b: (weight[:, None] ** 2 * W, b + bias @ W),
        "the rows of W are multiplied by the weight twice.",
        "Multiply once: weight[:, None] * W.",
    ),
    Mistake(
        "nothing-folded",
        lambda weight, bias, W, b: (W.clone(), b.clone()),
        "matrix and bias come back as they were.",
        "Return new ones that do LayerNorm's last two steps as well.",
    ),
)


center_writing_weights = (
    Mistake(
        "over-rows",
        lambda W: W - W.mean(dim=0, keepdim=True),
        "the mean runs over the first axis.",
        "What is written is a row, along d_model: the last axis.",
    ),
    Mistake(
        "one-mean-for-all",
        lambda W: W - W.mean(),
        "one mean of all entries is subtracted.",
        "Each row has a mean of its own: .mean(dim=-1, keepdim=True).",
    ),
    Mistake(
        "means",
        lambda W: W.mean(dim=-1, keepdim=True).expand(W.shape),
        "these are the means themselves.",
        "Subtract them from W.",
    ),
    Mistake(
        "standardised",
        lambda W: (W - W.mean(dim=-1, keepdim=True)) / W.std(dim=-1, keepdim=True),
        "the rows are divided by their standard deviation, too.",
        "Only the mean goes. How large a row is must stay.",
    ),
    Mistake(
        "added",
        lambda W: W + W.mean(dim=-1, keepdim=True),
        "the mean is added.",
        "Subtract it.",
    ),
    Mistake(
        "sum-subtracted",
        lambda W: W - W.sum(dim=-1, keepdim=True),
        "the sum of each row is subtracted.",
        "Subtract the mean: the sum over the number of entries.",
    ),
    Mistake(
        "median-subtracted",
        lambda W: W - W.median(dim=-1, keepdim=True).values,
        "the median of each row is subtracted.",
        "LayerNorm takes the mean away.",
    ),
    Mistake(
        "unchanged",
        lambda W: W.clone(),
        "the matrix comes back as it was.",
        "Subtract from each row its mean.",
    ),
    Mistake(
        "both-ways",
        lambda W: W - W.mean(dim=-1, keepdim=True) - W.mean(dim=0, keepdim=True) + W.mean(),
        "the columns are centred, too.",
        "One subtraction is enough: the mean along the last axis.",
    ),
    Mistake(
        "unit-rows",
        lambda W: W / W.norm(dim=-1, keepdim=True),
        "the rows are divided by their length.",
        "Subtract the mean. How long a row is must stay.",
    ),
)
