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
