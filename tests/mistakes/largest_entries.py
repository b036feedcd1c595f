"""The known wrong ways of chapter 2: the largest entries of a tensor."""

import numpy as np

from patchbook.checking import Mistake


def _unravelled(flat, shape):
    return np.stack(np.unravel_index(flat.numpy(), shape), -1).tolist()


def _order(values, k, **options):
    """The indices of the k first of `values` in order."""
    return _unravelled(values.detach().flatten().topk(k, **options).indices, values.shape)


topk_of_Nd_tensor = (
    Mistake(
        "smallest",
        lambda t, k: _order(t, k, largest=False),
        "these are the k smallest entries.",
        "Use largest=True, or descending=True.",
    ),
    Mistake(
        "largest-absolute",
        lambda t, k: _order(t.abs(), k),
        "these are the entries of largest absolute value; wanted the largest.",
        "Leave .abs() out: -3 is smaller than 1.",
    ),
    Mistake(
        "flat-indices",
        lambda t, k: t.flatten().topk(k).indices.tolist(),
        "these are indices into the flattened tensor.",
        "Turn each into one index for each axis, with torch.unravel_index(…, tensor.shape).",
    ),
    Mistake(
        "smallest-first",
        lambda t, k: _order(t, k)[::-1],
        "these are the right entries, with the largest at the end.",
        "Put the largest first.",
    ),
    Mistake(
        "in-index-order",
        lambda t, k: sorted(_order(t, k)),
        "these are the right entries, in the order in which they stand in the tensor.",
        "Sort them by value, the largest first.",
    ),
    Mistake(
        "values",
        lambda t, k: t.detach().flatten().topk(k).values.tolist(),
        "these are the largest values; wanted where they stand.",
        "topk gives (values, indices): take the indices.",
    ),
    Mistake(
        "axes-reversed",
        lambda t, k: [index[::-1] for index in _order(t, k)],
        "the indices are right, but their axes are in reverse order.",
        "List them as you would index the tensor: [layer, head] for tensor[layer, head].",
    ),
    Mistake(
        "along-the-last-axis",
        lambda t, k: t.topk(min(k, t.shape[-1])).indices.tolist(),
        "these are the largest entries of each row by itself.",
        "Flatten the tensor first, then take the k largest of all.",
    ),
    Mistake(
        "axes-apart",
        lambda t, k: np.array(_order(t, k)).T.tolist(),
        "the result has one list for each axis; wanted one for each entry.",
        "unravel_index gives one row for each axis: stack them on the last axis before .tolist().",
    ),
    Mistake(
        "one-too-many",
        lambda t, k: _order(t, k + 1),
        "there is one entry too many.",
        "Return k entries.",
    ),
    Mistake(
        "largest-left-out",
        lambda t, k: _order(t, k + 1)[1:],
        "the largest entry is left out.",
        "Start at the first of the sorted entries, index 0.",
    ),
)
