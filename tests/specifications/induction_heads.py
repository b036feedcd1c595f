"""What the exercises of chapter 1 must compute: detectors, repeated tokens and the induction score."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.hook_points import HookPoint


def average_over_condition(
    tensor: Float[Tensor, "head query key"], condition: Callable[[int, int], bool]
) -> Float[Tensor, "head"]:
    """The mean of each head's values over the pairs that the condition picks; nan when it picks none."""
    heads, queries, keys = tensor.shape
    pairs = [(query, key) for query in range(queries) for key in range(keys) if condition(query, key)]
    average = tensor.new_full((heads,), torch.nan)
    for head in range(heads if pairs else 0):
        average[head] = sum(tensor[head, query, key] for query, key in pairs) / len(pairs)
    return average


def heads_with_high_average_pattern(
    cache: ActivationCache, condition: Callable[[int, int], bool], threshold: float
) -> list[str]:
    """One layer after the other: the heads whose average reaches the threshold."""
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        for head, average in enumerate(average_over_condition(cache["pattern", layer], condition)):
            if average >= threshold:
                labels.append(f"L{layer}H{head}")
    return labels


def current_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries look at themselves."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == query, threshold)


def prev_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries look one position back."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == query - 1, threshold)


def first_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries, all of them, look at position 0."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == 0, threshold)


def find_repeating_rows(tokens: Int[Tensor, "1 seq"]) -> dict[int, int]:
    """For each position whose token occurred before: the last position where it did."""
    ids = tokens[0].tolist()
    earlier = {}
    for position, token in enumerate(ids):
        for before in range(position):
            if ids[before] == token:
                earlier[position] = before  # a later one takes its place
    return earlier


def induction_attn_detector(
    cache: ActivationCache, tokens: Int[Tensor, "1 seq"], off_by_one: bool = True, threshold: float = 0.4
) -> list[str]:
    """Heads that look from a repeated token to its last earlier copy (False), or to just after it (True)."""
    earlier = find_repeating_rows(tokens)
    step = 1 if off_by_one else 0
    return heads_with_high_average_pattern(
        cache, lambda query, key: query in earlier and key == earlier[query] + step, threshold
    )


def generate_repeated_tokens(
    model: TransformerBridge, seq_len: int, batch_size: int = 1
) -> Int[Tensor, "batch full_seq"]:
    """[BOS, half, same half], each half drawn from the whole vocabulary, for each prompt anew."""
    rows = []
    for _ in range(batch_size):
        half = torch.randint(model.cfg.d_vocab, (seq_len,)).tolist()
        rows.append([model.tokenizer.bos_token_id, *half, *half])
    return torch.tensor(rows, device=model.cfg.device)


def induction_score_hook(pattern: Float[Tensor, "batch head query key"], hook: HookPoint) -> None:
    """On [BOS, half, half]: each head's mean on the diagonal seq_len - 1 keys back, into its layer's row."""
    batch, heads, full_seq, _ = pattern.shape
    back = (full_seq - 1) // 2 - 1
    for head in range(heads):
        looks = [pattern[b, head, q, q - back] for b in range(batch) for q in range(back, full_seq)]
        induction_score_store[hook.layer(), head] = sum(looks) / len(looks)


induction_score_hook.notebook_globals = ("induction_score_store",)
