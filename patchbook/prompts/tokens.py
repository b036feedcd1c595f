"""From words to tokens: words that must be ONE token, and sets of texts padded on the right."""

from collections.abc import Sequence
from functools import cached_property
from itertools import zip_longest

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

SHOWN = 5  # how many wrong words an error lists


def single_tokens(tokenizer: PreTrainedTokenizerBase, words: Sequence[str], what: str) -> dict[str, int]:
    """Each word -> the id of the one token that is a space and the word.

    >>> single_tokens(tokenizer, ["Mary", "John"], "names")
    {'Mary': 5335, 'John': 1757}

    Args:
        words: without the space, as in "Mary".
        what: the words' kind, for the error message: "names".

    Raises ValueError, with the words, if some are more than one token (or none).
    """
    words = list(dict.fromkeys(words))
    ids = tokenizer([" " + word for word in words], add_special_tokens=False)["input_ids"] if words else []
    long = [f"{word!r} is {len(row)}" for word, row in zip(words, ids, strict=True) if len(row) != 1]
    if long:
        more = f" and {len(long) - SHOWN} more" if len(long) > SHOWN else ""
        raise ValueError(
            f"wanted {what} of one token each, the space before them included, but counted tokens: "
            f"{', '.join(long[:SHOWN])}{more}.\n"
            f"Leave them out, or use another tokenizer: roles are found by counting tokens."
        )
    return {word: row[0] for word, row in zip(words, ids, strict=True)}


def token_rows(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], prepend_bos: bool = True
) -> list[list[int]]:
    """The token ids of each text, as long as they are, all tokenised in one go.

    Special tokens that a tokenizer would add by itself are left out, so that BOS never stands twice.
    Raises ValueError if BOS is wanted and the tokenizer has none.
    """
    if prepend_bos and tokenizer.bos_token_id is None:
        raise ValueError(
            "wanted a BOS token before each prompt, but this tokenizer has none.\n"
            "Set tokenizer.bos_token (GPT-2's is '<|endoftext|>'), or use prepend_bos=False."
        )
    start = [tokenizer.bos_token_id] if prepend_bos else []
    rows = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return [start + row for row in rows]


def padding_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id to pad with: the tokenizer's own, else its EOS, BOS or 0 (GPT-2 has no padding token)."""
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id)
    return next((i for i in ids if i is not None), 0)


def right_padded(rows: Sequence[Sequence[int]], fill: int) -> Int[Tensor, "batch seq"]:
    """Rows of different length -> one tensor; short rows get `fill` on the right.

    >>> right_padded([[5, 6, 7], [8]], fill=0)
    tensor([[5, 6, 7],
            [8, 0, 0]])

    On the right, because attention is causal there: no real token can see the padding.
    """
    return torch.tensor(list(zip_longest(*rows, fillvalue=fill)), dtype=torch.long).T.contiguous()


class TokenisedPrompts:
    """What all sets of prompts have: their texts as token ids, padded on the right to the longest.

    A set gives its records, each with a `text`, when one goes through it, and has these attributes.
    """

    tokenizer: PreTrainedTokenizerBase
    prepend_bos: bool
    device: str | torch.device

    @property
    def sentences(self) -> list[str]:
        """The prompts as texts."""
        return [prompt.text for prompt in self]

    @cached_property
    def _rows(self) -> list[list[int]]:
        return token_rows(self.tokenizer, self.sentences, self.prepend_bos)

    @cached_property
    def lengths(self) -> list[int]:
        """How many tokens each prompt has, BOS counted."""
        return [len(row) for row in self._rows]

    @cached_property
    def toks(self) -> Int[Tensor, "batch seq"]:
        """Token ids, BOS first (unless told otherwise), padded on the right to the longest prompt."""
        return right_padded(self._rows, padding_token(self.tokenizer)).to(self.device)

    @cached_property
    def attention_mask(self) -> Int[Tensor, "batch seq"]:
        """1 at real tokens (BOS too), 0 at padding. GPT-2 pads with BOS itself, so ids cannot tell."""
        return right_padded([[1] * length for length in self.lengths], 0).to(self.device)
