"""What chapter 3's exercises must compute: the type of a token, and the probability of each type."""

from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

TYPES = (
    "space+upper",
    "space+lower",
    "space+numeral",
    "no-space+upper",
    "no-space+lower",
    "no-space+numeral",
    "other",
)


def capitalisation_type(str_token: str) -> str:
    """The first character after at most one space decides."""
    space = "space" if str_token[:1] == " " else "no-space"
    first = str_token[1:2] if space == "space" else str_token[:1]
    kinds = {"upper": first.isupper(), "lower": first.islower(), "numeral": first.isnumeric()}
    return next((f"{space}+{kind}" for kind, fits in kinds.items() if fits), "other")


def texts_of_tokens(model: TransformerBridge) -> list[str]:
    """The text of every token. (One by one with `tokenizer.decode` would be the same, and slow.)"""
    rows = [[token] for token in range(model.cfg.d_vocab)]
    return model.tokenizer.backend_tokenizer.decode_batch(rows, skip_special_tokens=False)


def cumul_probs_by_capitalisation_type(
    logits: Float[Tensor, "batch pos d_vocab"], model: TransformerBridge
) -> dict[str, float]:
    """Every token's mean probability at the last position, added to the sum of its type."""
    probabilities = logits[:, -1].softmax(-1).mean(0).tolist()
    sums = dict.fromkeys(TYPES, 0.0)
    for text, probability in zip(texts_of_tokens(model), probabilities, strict=True):
        sums[capitalisation_type(text)] += probability
    return sums
