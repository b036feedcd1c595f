"""Checks of chapter 3: the type of a token, and the probability of each type."""

import copy
import functools
import random
from collections.abc import Iterator
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformer_lens import TransformerBridge
from transformers import PreTrainedTokenizerFast

from patchbook.checking import Case, checks
from patchbook.checking.awkward import (
    VOCAB,
    awkward_model,
)
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.prompts.capitals import NINE_TOKENS
from patchbook.tests.mistakes import capitals_types as mistakes
from patchbook.tests.specifications import capitals_types as specifications

TOKENS = {  # the token's kind, in words -> tokens of that kind, of which each seed takes one
    "space and capital": (" The", " Koala", " Go"),
    "space and one capital letter": (" I", " A"),
    "space and capitals only": (" THE", " USA"),
    "space and mixed case": (" McDonald", " iPod"),
    "space and small letter": (" the", " koala"),
    "space and digits": (" 42", " 7"),
    "space, a digit, letters": (" 2nd", " 3D"),
    "capital": ("The", "Koala"),
    "one capital letter": ("I", "A"),
    "small letter": ("the", "koala"),
    "mixed case": ("iPod", "McDonald"),
    "digit": ("7", "0"),
    "digits and letters": ("3D", "2nd"),
    "a capital beyond ASCII": (" É", "Ü", " Ö"),
    "a small letter beyond ASCII": ("é", " ü", "ö"),
    "new line": ("\n", "\n\n"),
    "a space alone": (" ",),
    "two spaces and a letter": ("  The", "  a"),
    "new line and a letter": ("\nThe", "\na"),
    "punctuation": (".", "(", '"'),
    "space and punctuation": (" (", ' "', " -"),
    "punctuation and a letter": ("'s", "(a", '"The'),
}


@checks(specifications.capitalisation_type, mistakes.capitalisation_type)
def test_capitalisation_type(seed: int) -> Iterator[Case]:
    """Which of seven types a token has."""
    chosen = random.Random(seed)
    for kind, tokens in TOKENS.items():
        token = chosen.choice(tokens)
        yield Case(f"{kind}: {token!r}", lambda token=token: {"str_token": token})


WORDS = ("The", "I", "Koala", "USA", "the", "a", "koala", "is", "0", "42", "3D")  # with a space and without


MARKS = ("\n", "\n\n", ".", " (", "'s", " ", "\nA")


@functools.lru_cache(maxsize=4)
def _mixed_tokenizer(seed: int, words: tuple[str, ...] = WORDS) -> PreTrainedTokenizerFast:
    """97 tokens of the words' types, in an order of the seed's."""
    texts = [*words, *(" " + word for word in words), *MARKS]
    texts += [f" x{i}" if i % 3 else f"Y{i}" for i in range(VOCAB - len(texts) - 1)]
    random.Random(seed).shuffle(texts)
    vocabulary = {text: i for i, text in enumerate([*texts, "<|endoftext|>"])}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token=".")), name_or_path="mixed"
    )


def _mixed_model(seed: int, words: tuple[str, ...]) -> TransformerBridge:
    """An awkward model whose 97 tokens are of the words' types."""
    model = awkward_model(seed)
    model.tokenizer = copy.deepcopy(_mixed_tokenizer(seed, words))
    return model


def _typed_logits(seed: int, batch: int, words: tuple[str, ...] = WORDS, **options) -> dict[str, Any]:
    return {"logits": 2 * randn(seed, batch, 5, VOCAB, **options), "model": _mixed_model(seed, words)}


def _a_models_logits() -> dict[str, Any]:
    """Three prompts of one length: the numbers are a trained model's."""
    model = tiny_gpt2(0)
    with torch.no_grad():
        logits = model(model.to_tokens([p.text for p in NINE_TOKENS[:3]]))
    return {"logits": logits, "model": model}


@checks(
    specifications.cumul_probs_by_capitalisation_type,
    mistakes.cumul_probs_by_capitalisation_type,
    ready_made=("patchbook.training.measure",),
)
def test_cumul_probs_by_capitalisation_type(seed: int) -> Iterator[Case]:
    """The probability of each type of token after the prompt."""
    yield Case("2 prompts of 5, 97 tokens of all types", lambda: _typed_logits(seed, 2))
    yield Case("3 prompts of 5, float64", lambda: _typed_logits(seed + 1, 3, **DOUBLE))
    letters = tuple(word for word in WORDS if word.isalpha())
    yield Case("1 prompt of 5, no token is a numeral", lambda: _typed_logits(seed + 2, 1, letters))
    yield Case("3 prompts, tiny-gpt2's logits", _a_models_logits)
