"""Answers to chapter 0."""

import copy
import math

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# attention_from_q_and_k
def future(length):
    return torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)


@right("attention_from_q_and_k")
def with_einsum(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k") / math.sqrt(q.shape[-1])
    return scores.masked_fill(future(q.shape[1]), -torch.inf).softmax(dim=-1)


@right("attention_from_q_and_k")
def with_matmul(q, k):
    q, k = q.transpose(1, 2), k.transpose(1, 2)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    scores = torch.where(future(q.shape[2]), torch.finfo(q.dtype).min, scores)
    return torch.softmax(scores, -1)


@right("attention_from_q_and_k")
def with_loop_over_heads(q, k):
    patterns = []
    for head in range(q.shape[2]):
        scores = torch.bmm(q[:, :, head], k[:, :, head].mT) / q.shape[3] ** 0.5
        scores[:, future(q.shape[1])] = -torch.inf
        weights = scores.sub(scores.amax(-1, keepdim=True)).exp()
        patterns.append(weights / weights.sum(-1, keepdim=True))
    return torch.stack(patterns, dim=1)


@right("attention_from_q_and_k")
def in_double_precision(q, k):
    return with_einsum(q.double(), k.double())


@wrong("attention_from_q_and_k", "no-scale")
def forgot_the_scale(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k")
    return scores.masked_fill(future(q.shape[1]), -1e9).softmax(dim=-1)


@wrong("attention_from_q_and_k", "scaled-by-d-head")
def forgot_the_root(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k") / q.shape[-1]
    return scores.masked_fill(future(q.shape[1]), -1e9).softmax(dim=-1)


@wrong("attention_from_q_and_k", "no-mask")
def forgot_the_mask(q, k):
    return (q.transpose(1, 2) @ k.permute(0, 2, 3, 1) / q.shape[-1] ** 0.5).softmax(dim=-1)


@wrong("attention_from_q_and_k", "masked-after-softmax")
def masked_too_late(q, k):
    return torch.tril(forgot_the_mask(q, k))


@wrong("attention_from_q_and_k", "softmax-over-queries")
def softmax_along_the_wrong_axis(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k") / math.sqrt(q.shape[-1])
    return scores.masked_fill(future(q.shape[1]), -torch.inf).softmax(dim=2)


@wrong("attention_from_q_and_k", "q-and-k-swapped")
def swapped_arguments(q, k):
    return with_einsum(k, q)


@wrong("attention_from_q_and_k", "transposed")
def keys_before_queries(q, k):
    return with_einsum(q, k).mT


@wrong("attention_from_q_and_k", "no-softmax")
def scores_only(q, k):
    return einops.einsum(q, k, "b q h d, b k h d -> b h q k") / math.sqrt(q.shape[-1])


@wrong("attention_from_q_and_k", "contract")
def first_prompt_only(q, k):
    return with_einsum(q, k)[0]


@wrong("attention_from_q_and_k", "raised")
def shapes_do_not_fit(q, k):
    return (q @ k / math.sqrt(q.shape[-1])).softmax(-1)


@wrong("attention_from_q_and_k", "changed-input")
def scales_in_place(q, k):
    q /= math.sqrt(q.shape[-1])
    return (q.transpose(1, 2) @ k.permute(0, 2, 3, 1)).masked_fill(future(q.shape[1]), -1e9).softmax(-1)


@wrong("attention_from_q_and_k", "mask-hides-self-nan")
def hides_from_the_diagonal_on(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k") / q.size(-1) ** 0.5
    return scores.masked_fill(torch.ones_like(scores).triu().bool(), float("-inf")).softmax(dim=-1)


@wrong("attention_from_q_and_k", "one-key-ahead")
def hides_from_the_next_but_one_on(q, k):
    scores = einops.einsum(q, k, "b q h d, b k h d -> b h q k") / q.size(-1) ** 0.5
    return scores.masked_fill(torch.ones_like(scores).triu(2).bool(), float("-inf")).softmax(dim=-1)


# zero_ablate_head_hook
@right("zero_ablate_head_hook")
def in_place_and_return(z, hook, head_index):
    z[:, :, head_index, :] = 0.0
    return z


@right("zero_ablate_head_hook")
def in_place_without_return(z, hook, head_index):
    z[:, :, head_index].zero_()


@right("zero_ablate_head_hook")
def by_a_mask(z, hook, head_index):
    keep = torch.arange(z.shape[2]) != head_index
    return z * keep[:, None]


@right("zero_ablate_head_hook")
def on_a_copy(z, hook, head_index):
    z = z.clone()
    z[..., head_index, :] = torch.zeros_like(z[..., head_index, :])
    return z


@wrong("zero_ablate_head_hook", "ablated-position")
def took_the_second_axis(z, hook, head_index):
    z[:, head_index] = 0
    return z


@wrong("zero_ablate_head_hook", "ablated-dimension")
def took_the_last_axis(z, hook, head_index):
    z[..., head_index] = 0
    return z


@wrong("zero_ablate_head_hook", "unchanged")
def edited_a_copy(z, hook, head_index):
    z.clone()[:, :, head_index] = 0.0
    return z


@wrong("zero_ablate_head_hook", "ablated-the-others")
def kept_only_that_head(z, hook, head_index):
    new = torch.zeros_like(z)
    new[:, :, head_index] = z[:, :, head_index]
    return new


@wrong("zero_ablate_head_hook", "always-head-0")
def ignored_the_index(z, hook, head_index):
    z[:, :, 0] = 0.0
    return z


@wrong("zero_ablate_head_hook", "raised")
def named_the_hook_otherwise(z, point, head_index):
    z[:, :, head_index] = 0.0
    return z


@wrong("zero_ablate_head_hook", "contract")
def returned_one_head(z, hook, head_index):
    return torch.zeros_like(z[:, :, head_index])


# cache_without_aliases
@right("cache_without_aliases")
def clones(cache):
    return {name: activation.clone() for name, activation in cache.items()}


@right("cache_without_aliases")
def loop_with_detach(cache):
    copies = {}
    for name in cache.keys():  # noqa: SIM118
        copies[name] = cache[name].detach().clone()
    return copies


@right("cache_without_aliases")
def through_numpy(cache):
    return {name: torch.from_numpy(t.detach().numpy().copy()) for name, t in cache.items()}


@right("cache_without_aliases")
def through_a_new_tensor(cache):
    return {name: torch.empty(t.shape).copy_(t) for name, t in cache.items()}


@wrong("cache_without_aliases", "aliases")
def new_dictionary_same_tensors(cache):
    return dict(cache.items())


@wrong("cache_without_aliases", "aliases")
def detached_only(cache):
    return {name: t.detach() for name, t in cache.items()}


@wrong("cache_without_aliases", "aliases-kept-by-deepcopy")
def deepcopy_of_everything(cache):
    return copy.deepcopy(cache.cache_dict)


@wrong("cache_without_aliases", "duplicates-dropped")
def each_memory_once(cache):
    seen, copies = set(), {}
    for name, t in cache.items():
        if t.data_ptr() not in seen:
            seen.add(t.data_ptr())
            copies[name] = t.clone()
    return copies


@wrong("cache_without_aliases", "zeros")
def empty_boxes(cache):
    return {name: torch.zeros_like(t) for name, t in cache.items()}


@wrong("cache_without_aliases", "first-batch-only")
def one_prompt(cache):
    return {name: t[0:1].clone() for name, t in cache.items()}


@wrong("cache_without_aliases", "contract")
def the_cache_itself(cache):
    return cache


# fold_layer_norm
@right("fold_layer_norm")
def by_a_column(weight, bias, W, b):
    return weight.unsqueeze(-1) * W, b + bias @ W


@right("fold_layer_norm")
def by_a_diagonal_matrix(weight, bias, W, b):
    return torch.diag(weight) @ W, W.T @ bias + b


@right("fold_layer_norm")
def by_asking_what_comes_out(weight, bias, W, b):
    """The layer is linear: zero gives its bias, and each unit vector its row."""

    def both(x):
        return (x * weight + bias) @ W + b

    new_bias = both(torch.zeros_like(weight))
    return both(torch.eye(len(weight), dtype=W.dtype)) - new_bias, new_bias


@right("fold_layer_norm")
def by_einsum(weight, bias, W, b):
    folded = einops.einsum(weight, W, "d_model, d_model d_out -> d_model d_out")
    return folded, b + einops.einsum(bias, W, "d_model, d_model d_out -> d_out")


@wrong("fold_layer_norm", "bias-left-behind")
def only_the_weight(weight, bias, W, b):
    return torch.diag(weight) @ W, b


@wrong("fold_layer_norm", "weight-left-behind")
def only_the_bias(weight, bias, W, b):
    return W, b + W.T @ bias


@wrong("fold_layer_norm", "old-bias-lost")
def forgot_the_layers_own_bias(weight, bias, W, b):
    return weight[:, None] * W, (bias[:, None] * W).sum(0)


@wrong("fold_layer_norm", "bias-multiplied-by-weight")
def bias_through_the_new_matrix(weight, bias, W, b):
    folded = torch.einsum("m,mo->mo", weight, W)
    return folded, b + bias @ folded


@wrong("fold_layer_norm", "weight-and-bias-swapped")
def mixed_up(weight, bias, W, b):
    return torch.diag(bias) @ W, weight @ W + b


@wrong("fold_layer_norm", "raised")
def scales_columns(weight, bias, W, b):
    return weight * W, b + bias @ W


@wrong("fold_layer_norm", "changed-input")
def scales_in_place_too(weight, bias, W, b):
    new_bias = b + bias @ W
    W *= weight[:, None]
    return W, new_bias


@wrong("fold_layer_norm", "contract")
def the_matrix_alone(weight, bias, W, b):
    return weight[:, None] * W


# center_writing_weights
@right("center_writing_weights")
def mean_of_the_last_axis(W):
    return W - W.mean(dim=-1, keepdim=True)


@right("center_writing_weights")
def by_a_projection(W):
    n = W.shape[-1]
    return W @ (torch.eye(n, dtype=W.dtype) - torch.ones(n, n, dtype=W.dtype) / n)


@right("center_writing_weights")
def by_layer_norm_undone(W):
    spread = W.var(dim=-1, correction=0, keepdim=True)
    return torch.nn.functional.layer_norm(W, W.shape[-1:], eps=0.0) * spread.sqrt()


@right("center_writing_weights")
def by_numpy_means(W):
    array = W.numpy()
    return torch.from_numpy(array - array.mean(axis=-1, keepdims=True))


@wrong("center_writing_weights", "over-rows")
def forgot_which_axis(W):
    return W - W.mean(0)


@wrong("center_writing_weights", "one-mean-for-all")
def forgot_the_axis(W):
    return W - W.mean()


@wrong("center_writing_weights", "standardised")
def as_layer_norm_does(W):
    return (W - W.mean(-1, keepdim=True)) / W.std(-1, keepdim=True)


@wrong("center_writing_weights", "sum-subtracted")
def forgot_to_divide(W):
    return W - W.sum(-1, keepdim=True)


@wrong("center_writing_weights", "raised")
def forgot_keepdim(W):
    return W - W.mean(dim=-1)


@wrong("center_writing_weights", "changed-input")
def subtracts_from_the_argument(W):
    W -= W.mean(dim=-1, keepdim=True)
    return W


@wrong("center_writing_weights", "unchanged")
def edits_a_copy(W):
    W.clone().sub_(W.mean(-1, keepdim=True))
    return W
