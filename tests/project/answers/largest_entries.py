"""Answers to chapter 2: the largest entries of a tensor."""

import numpy as np
import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# topk_of_Nd_tensor
@right("topk_of_Nd_tensor")
def by_unravel_index(tensor, k):
    indices = torch.topk(tensor.flatten(), k).indices
    return np.array(np.unravel_index(indices.numpy(), tensor.shape)).T.tolist()


@right("topk_of_Nd_tensor")
def by_argsort_and_divmod(tensor, k):
    found = []
    for flat in tensor.flatten().argsort(descending=True)[:k].tolist():
        index = []
        for size in reversed(tensor.shape):
            flat, remainder = divmod(flat, size)
            index.insert(0, remainder)
        found.append(index)
    return found


@right("topk_of_Nd_tensor")
def as_tuples(tensor, k):
    return sorted(np.ndindex(*tensor.shape), key=lambda index: tensor[index].item(), reverse=True)[:k]


@right("topk_of_Nd_tensor")
def one_largest_after_another(tensor, k):
    left, found = tensor.clone(), []
    for _ in range(k):
        index = [int(i) for i in torch.unravel_index(left.argmax(), left.shape)]
        left[tuple(index)] = -float("inf")
        found.append(index)
    return found


@wrong("topk_of_Nd_tensor", "smallest")
def sorted_upwards(tensor, k):
    return sorted(np.ndindex(*tensor.shape), key=lambda index: tensor[index].item())[:k]


@wrong("topk_of_Nd_tensor", "largest-absolute")
def by_size(tensor, k):
    return by_unravel_index(tensor.abs(), k)


@wrong("topk_of_Nd_tensor", "flat-indices")
def stayed_flat(tensor, k):
    return torch.topk(tensor.flatten(), k)[1].tolist()


@wrong("topk_of_Nd_tensor", "smallest-first")
def largest_at_the_end(tensor, k):
    return sorted(np.ndindex(*tensor.shape), key=lambda index: tensor[index].item())[-k:]


@wrong("topk_of_Nd_tensor", "values")
def the_values_themselves(tensor, k):
    return sorted(tensor.flatten().tolist(), reverse=True)[:k]


@wrong("topk_of_Nd_tensor", "in-index-order")
def above_a_threshold(tensor, k):
    threshold = tensor.flatten().sort(descending=True).values[k - 1]
    return (tensor >= threshold).nonzero().tolist()


@wrong("topk_of_Nd_tensor", "axes-apart")
def forgot_the_transpose(tensor, k):
    return np.array(np.unravel_index(torch.topk(tensor.flatten(), k).indices, tensor.shape)).tolist()


@wrong("topk_of_Nd_tensor", "along-the-last-axis")
def forgot_to_flatten(tensor, k):
    return tensor.sort(dim=-1, descending=True).indices[..., :k].tolist()


@wrong("topk_of_Nd_tensor", "contract")
def as_one_tensor(tensor, k):
    return torch.tensor(by_unravel_index(tensor, k))
