"""Answers to chapter 1: averages over a condition, and the heads where they are high."""

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# average_over_condition
@right("average_over_condition")
def two_loops(tensor, condition):
    averages = []
    for head in tensor:
        picked = [head[q, k].item() for q in range(len(head)) for k in range(len(head)) if condition(q, k)]
        averages.append(sum(picked) / len(picked))
    return torch.tensor(averages)


@right("average_over_condition")
def boolean_mask(tensor, condition):
    length = tensor.shape[-1]
    mask = torch.tensor([[condition(q, k) for k in range(length)] for q in range(length)])
    return tensor[:, mask].mean(dim=-1)


@right("average_over_condition")
def einsum_with_a_mask(tensor, condition):
    mask = torch.zeros(tensor.shape[1:], dtype=tensor.dtype)
    for q in range(tensor.shape[1]):
        for k in range(tensor.shape[2]):
            mask[q, k] = float(condition(q, k))
    return einops.einsum(tensor, mask, "head query key, query key -> head") / mask.sum()


@right("average_over_condition")
def index_lists_in_double(tensor, condition):
    pairs = [(q, k) for q in range(tensor.size(1)) for k in range(tensor.size(2)) if condition(q, k)]
    queries, keys = zip(*pairs, strict=True)
    return tensor.double()[:, list(queries), list(keys)].mean(-1)


@wrong("average_over_condition", "sum-not-mean")
def forgot_to_divide(tensor, condition):
    total = torch.zeros(tensor.shape[0])
    for q in range(tensor.shape[1]):
        for k in range(tensor.shape[2]):
            if condition(q, k):
                total += tensor[:, q, k]
    return total


@wrong("average_over_condition", "all-pairs")
def mean_of_a_product(tensor, condition):
    length = tensor.shape[-1]
    mask = torch.tensor([[condition(q, k) for k in range(length)] for q in range(length)])
    return (tensor * mask).flatten(1).mean(1)


@wrong("average_over_condition", "query-and-key-swapped")
def called_with_key_first(tensor, condition):
    return boolean_mask(tensor, lambda q, k: condition(k, q))


@wrong("average_over_condition", "causal-only")
def only_looked_back(tensor, condition):
    pairs = [(q, k) for q in range(tensor.shape[1]) for k in range(q + 1) if condition(q, k)]
    return sum(tensor[:, q, k] for q, k in pairs) / max(len(pairs), 1)


@wrong("average_over_condition", "condition-ignored")
def mean_of_everything(tensor, condition):
    return tensor.flatten(start_dim=1).mean(dim=-1)


@wrong("average_over_condition", "mean-over-heads-too")
def one_number_for_all_heads(tensor, condition):
    return boolean_mask(tensor, condition).mean()


@wrong("average_over_condition", "last-position-missing")
def stopped_early(tensor, condition):
    last = tensor.shape[-1] - 1
    pairs = [(q, k) for q in range(last) for k in range(last) if condition(q, k)]
    return (
        sum(tensor[:, q, k] for q, k in pairs) / max(len(pairs), 1) if pairs else tensor[:, 0, 0] * torch.nan
    )


@wrong("average_over_condition", "divided-by-length")
def divided_by_the_positions(tensor, condition):
    return forgot_to_divide(tensor, condition) / len(tensor[0])


@wrong("average_over_condition", "contract")
def list_of_numbers(tensor, condition):
    return boolean_mask(tensor, condition).tolist()


@wrong("average_over_condition", "raised")
def asked_for_all_pairs_at_once(tensor, condition):
    positions = torch.arange(tensor.shape[-1])
    mask = condition(positions[:, None], positions) or False
    return tensor[:, mask].mean(-1)


# heads_with_high_average_pattern
def averages(cache, layer, condition):
    return boolean_mask(cache["pattern", layer], condition).tolist()


@right("heads_with_high_average_pattern")
def by_comprehension(cache, condition, threshold):
    return [
        f"L{layer}H{head}"
        for layer in range(cache.model.cfg.n_layers)
        for head, average in enumerate(averages(cache, layer, condition))
        if average >= threshold
    ]


@right("heads_with_high_average_pattern")
def by_nonzero(cache, condition, threshold):
    layers = range(cache.model.cfg.n_layers)
    table = torch.stack([boolean_mask(cache["pattern", layer], condition) for layer in layers])
    return ["L%dH%d" % (layer, head) for layer, head in (table >= threshold).nonzero()]  # noqa: UP031


@right("heads_with_high_average_pattern")
def heads_first_and_last_layer_first(cache, condition, threshold):
    labels = []
    for head in range(cache.model.cfg.n_heads):
        for layer in reversed(range(cache.model.cfg.n_layers)):
            pattern = cache[f"blocks.{layer}.attn.hook_pattern"]
            if two_loops(pattern, condition)[head] >= threshold:
                labels += ["L" + str(layer) + "H" + str(head)]
    return labels


@wrong("heads_with_high_average_pattern", "labels-swapped")
def head_before_layer(cache, condition, threshold):
    return [
        f"L{head}H{layer}"
        for layer in range(cache.model.cfg.n_layers)
        for head, average in enumerate(averages(cache, layer, condition))
        if average >= threshold
    ]


@wrong("heads_with_high_average_pattern", "label-format")
def with_a_dot(cache, condition, threshold):
    return [label[1:].replace("H", ".") for label in by_comprehension(cache, condition, threshold)]


@wrong("heads_with_high_average_pattern", "tuples")
def pairs_of_numbers(cache, condition, threshold):
    labels = by_comprehension(cache, condition, threshold)
    return [tuple(int(number) for number in label[1:].split("H")) for label in labels]


@wrong("heads_with_high_average_pattern", "threshold-ignored")
def threshold_of_its_own(cache, condition, threshold):
    return by_comprehension(cache, condition, 0.4)


@wrong("heads_with_high_average_pattern", "last-layer-missing")
def one_layer_short(cache, condition, threshold):
    last = f"L{cache.model.cfg.n_layers - 1}"
    return [label for label in by_nonzero(cache, condition, threshold) if not label.startswith(last)]


@wrong("heads_with_high_average_pattern", "first-layer-only")
def returns_within_the_loop(cache, condition, threshold):
    for layer in range(cache.model.cfg.n_layers):
        found = enumerate(averages(cache, layer, condition))
        return [f"L{layer}H{head}" for head, average in found if average >= threshold]


@wrong("heads_with_high_average_pattern", "sum-not-mean")
def compares_the_sum(cache, condition, threshold):
    layers = range(cache.model.cfg.n_layers)
    table = torch.stack([forgot_to_divide(cache["pattern", layer], condition) for layer in layers])
    return [f"L{layer}H{head}" for layer, head in (table > threshold).nonzero().tolist()]


@wrong("heads_with_high_average_pattern", "strictly-above")
def more_than_the_threshold(cache, condition, threshold):
    found = []
    for layer in range(cache.model.cfg.n_layers):
        for head, average in enumerate(averages(cache, layer, condition)):
            if average > threshold:
                found.append(f"L{layer}H{head}")
    return found


@wrong("heads_with_high_average_pattern", "query-and-key-swapped")
def calls_with_key_first(cache, condition, threshold):
    return by_nonzero(cache, lambda query, key: condition(key, query), threshold)


@wrong("heads_with_high_average_pattern", "contract")
def a_set_of_labels(cache, condition, threshold):
    return set(by_nonzero(cache, condition, threshold))


@wrong("heads_with_high_average_pattern", "first-difference")
def each_label_twice(cache, condition, threshold):
    return by_nonzero(cache, condition, threshold) * 2


@wrong("heads_with_high_average_pattern", "raised")
def batch_axis_that_is_gone(cache, condition, threshold):
    return [
        f"L{layer}H{head}"
        for layer in range(cache.model.cfg.n_layers)
        for head, average in enumerate(boolean_mask(cache["pattern", layer][0], condition))
        if average >= threshold
    ]
