"""What chapter 1's exercises must compute: heads that look at the current, previous or first token."""

from transformer_lens import ActivationCache

from patchbook.tests.specifications.averages import heads_with_high_average_pattern


def current_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries look at themselves."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == query, threshold)


def prev_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries look one position back."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == query - 1, threshold)


def first_attn_detector(cache: ActivationCache, threshold: float = 0.4) -> list[str]:
    """Heads whose queries, all of them, look at position 0."""
    return heads_with_high_average_pattern(cache, lambda query, key: key == 0, threshold)
