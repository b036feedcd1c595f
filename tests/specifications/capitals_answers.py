"""What chapter 3's exercises must compute: likely words in four spellings, and their logit differences."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.capitals_types import capitalisation_type, texts_of_tokens


def titleword_answer_generator(
    logits: Float[Tensor, "batch pos d_vocab"], model: TransformerBridge
) -> list[list[str | None]]:
    """The likeliest token of type space+upper after each prompt, and its three other spellings."""
    texts = texts_of_tokens(model)
    capitals = [i for i, text in enumerate(texts) if capitalisation_type(text) == "space+upper"]
    answers = []
    for prompt in logits:
        word = texts[max(capitals, key=lambda i: prompt[-1, i].item())].removeprefix(" ")
        variants = (" " + word, " " + word.lower(), word, word.lower())
        answers.append([v if _is_one_token(model, v) else None for v in variants])
    return answers


def _is_one_token(model: TransformerBridge, text: str) -> bool:
    return len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) == 1


def logits_to_ave_logit_diff_by_type(
    logits: Float[Tensor, "batch pos d_vocab"],
    answer_tokens: Int[Tensor, "batch 4"],
    incorrect_idx: int,
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of column 0 less that of the column asked for, at the last position."""
    rows = zip(logits, answer_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, row[0]] - prompt[-1, row[incorrect_idx]] for prompt, row in rows])
    return differences if per_prompt else differences.mean()
