"""Checks of chapter 1: random tokens, twice."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model, with_tokenizer
from patchbook.checking.contract import describe
from patchbook.checking.prepared import (
    tiny_gpt2,
)
from patchbook.tests.mistakes import random_repeats as mistakes
from patchbook.tests.specifications import random_repeats as specifications


def _facts_of_repeats(arguments: dict[str, Any], values: tuple[Any, Any]) -> dict[str, Any]:
    """What is the same for every right answer: the drawn tokens are not, so they are not compared."""
    model, seq_len = arguments["model"], arguments["seq_len"]
    shape = (arguments.get("batch_size", 1), 1 + 2 * seq_len)
    facts: dict[str, Any] = {"shape": describe(values[0]).rpartition(" of shape ")[2]}
    if any(not torch.is_tensor(v) or v.shape != shape or v.dtype.is_floating_point for v in values):
        return facts
    both = torch.cat(values)
    half, repeat = both[:, 1:].chunk(2, dim=1)
    return facts | {
        "BOS comes first": bool((both[:, 0] == model.tokenizer.bos_token_id).all()),
        "the second half repeats the first": torch.equal(half, repeat),
        "each token stands twice in a row": torch.equal(both[:, 1::2], both[:, 2::2]),
        "all tokens are in the vocabulary": bool(((both >= 0) & (both < model.cfg.d_vocab)).all()),
        "a half holds different tokens": bool((half != half[:, :1]).any()),
        "each prompt has tokens of its own": shape[0] == 1 or bool((values[0] != values[0][:1]).any()),
        "a second call draws other tokens": not torch.equal(*values),
        "the whole vocabulary is drawn from": _covers(half, model.cfg.d_vocab),
        "token 0 is drawn": _reaches(0, half, model.cfg.d_vocab),
        "the last token is drawn": _reaches(model.cfg.d_vocab - 1, half, model.cfg.d_vocab),
    }


def _covers(half: Tensor, d_vocab: int) -> bool:
    """Whether a large draw reaches nearly all ids; a small one cannot say and passes."""
    return half.numel() < 20 * d_vocab or len(half.unique()) > 0.95 * d_vocab


def _reaches(token: int, half: Tensor, d_vocab: int) -> bool:
    """Whether a draw from nearly all ids reaches this one; other draws cannot say and pass."""
    says = half.numel() >= 20 * d_vocab and _covers(half, d_vocab)
    return not says or bool((half == token).any())


def _model_with_tokenizer(seed: int) -> TransformerBridge:
    return with_tokenizer(awkward_model(seed))


@checks(specifications.generate_repeated_tokens, mistakes.generate_repeated_tokens, facts=_facts_of_repeats)
def test_generate_repeated_tokens(seed: int) -> Iterator[Case]:
    """BOS, random tokens, and the same tokens again."""

    def arguments(**sizes: int) -> Callable[[], dict[str, Any]]:
        return lambda: {"model": _model_with_tokenizer(seed), **sizes}

    model = "a model with 97 tokens, of which BOS is 61"
    yield Case(f"{model}; seq_len 7, batch_size 3", arguments(seq_len=7, batch_size=3))
    yield Case(f"{model}; seq_len 9, batch_size not given (1)", arguments(seq_len=9))
    yield Case(f"{model}; seq_len 40, batch_size 60", arguments(seq_len=40, batch_size=60))
    yield Case(
        "tiny-gpt2; seq_len 4, batch_size 2", lambda: {"model": tiny_gpt2(0), "seq_len": 4, "batch_size": 2}
    )
