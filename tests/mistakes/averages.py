"""The known wrong ways of heads_with_high_average_pattern and the detectors built on it."""

from patchbook.checking import Mistake
from patchbook.tests.mistakes.head_labels import FINDS_NOTHING, LABEL_ROWS, LISTS_ALL, detect, found, pairs_of

heads_with_high_average_pattern = tuple(
    Mistake(*row)
    for row in (
        *LABEL_ROWS,
        (
            "strictly-above",
            lambda cache, condition, threshold: found(
                cache, lambda p: p[pairs_of(p, condition)].mean() > threshold
            ),
            "a head whose average is exactly the threshold is left out.",
            "`threshold` is the smallest average that counts: compare with >=.",
        ),
        (
            "query-and-key-swapped",
            lambda cache, condition, threshold: detect(cache, lambda q, k: condition(k, q), threshold),
            "query and key have changed places.",
            "The condition is called as condition(query, key); patterns have axes (head, query, key).",
        ),
        (
            "causal-only",
            lambda cache, condition, threshold: detect(
                cache, lambda q, k: k <= q and condition(q, k), threshold
            ),
            "pairs whose key comes after the query are left out of the average.",
            "The condition alone decides which pairs count.",
        ),
        (
            "condition-ignored",
            lambda cache, condition, threshold: detect(cache, lambda q, k: k <= q, threshold),
            "the average does not depend on the condition.",
            "Hand `condition` on to average_over_condition.",
        ),
        FINDS_NOTHING,
        LISTS_ALL,
    )
)


def _mean_where(tensor, chosen):
    return tensor[:, chosen].mean(-1)


def _mean_of_row_means(tensor, condition):
    chosen = pairs_of(tensor, condition)
    rows = chosen.any(-1)
    return ((tensor * chosen).sum(-1)[:, rows] / chosen.sum(-1)[rows]).mean(-1)


average_over_condition = (
    Mistake(
        "sum-not-mean",
        lambda tensor, condition: tensor[:, pairs_of(tensor, condition)].sum(-1),
        "this is the sum over the chosen pairs; wanted their mean.",
        "Divide by the number of pairs where the condition holds.",
    ),
    Mistake(
        "all-pairs",
        lambda tensor, condition: (tensor * pairs_of(tensor, condition)).mean((-2, -1)),
        "the sum is divided by the number of all pairs; wanted only those where the condition holds.",
        "A product with a mask keeps the zeros, and .mean() counts them. Index with the mask instead.",
    ),
    Mistake(
        "divided-by-length",
        lambda tensor, condition: tensor[:, pairs_of(tensor, condition)].sum(-1) / tensor.shape[-1],
        "the sum is divided by the number of positions; wanted the number of chosen pairs.",
        "Count the pairs where the condition holds: it need not choose one key for each query.",
    ),
    Mistake(
        "query-and-key-swapped",
        lambda tensor, condition: _mean_where(tensor, pairs_of(tensor, condition).T),
        "query and key have changed places.",
        "tensor has axes (head, query, key), and the condition is called as condition(query, key).",
    ),
    Mistake(
        "causal-only",
        lambda tensor, condition: _mean_where(tensor, pairs_of(tensor, condition).tril()),
        "pairs whose key comes after the query are left out.",
        "The condition alone decides which pairs count. Let both loops run over all positions.",
    ),
    Mistake(
        "condition-ignored",
        lambda tensor, condition: tensor.mean((-2, -1)),
        "this is the mean over all pairs: the condition is not used.",
        "Keep only the pairs for which condition(query, key) is true.",
    ),
    Mistake(
        "condition-negated",
        lambda tensor, condition: _mean_where(tensor, ~pairs_of(tensor, condition)),
        "this is the mean over the pairs where the condition does NOT hold.",
        "Look at what your mask or your `if` lets through.",
    ),
    Mistake(
        "mean-of-row-means",
        _mean_of_row_means,
        "each query's keys are averaged first, then the queries: a query with few keys counts too much.",
        "Take one mean over all chosen pairs.",
    ),
    Mistake(
        "last-position-missing",
        lambda tensor, condition: _mean_where(tensor[:, :-1, :-1], pairs_of(tensor, condition)[:-1, :-1]),
        "the last position is left out.",
        "range(n) already ends at n - 1.",
    ),
    Mistake(
        "first-position-missing",
        lambda tensor, condition: _mean_where(tensor[:, 1:, 1:], pairs_of(tensor, condition)[1:, 1:]),
        "position 0 is left out.",
        "Positions count from 0, BOS included. The condition decides whether it counts.",
    ),
    Mistake(
        "mean-over-heads-too",
        lambda tensor, condition: _mean_where(tensor, pairs_of(tensor, condition)).mean(),
        "the mean runs over the heads as well; wanted one number for each head.",
        "Keep the first axis: tensor[:, mask] has shape (head, pair).",
    ),
    Mistake(
        "largest-not-mean",
        lambda tensor, condition: tensor[:, pairs_of(tensor, condition)].amax(-1),
        "this is the largest value among the chosen pairs; wanted their mean.",
        "Use .mean() over the chosen pairs.",
    ),
)
