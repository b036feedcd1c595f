"""What the sections measure alike: logits at the end of a prompt, and what a token gets there."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.verify.rows import Row


@torch.no_grad()
def final_logits(model: TransformerBridge, prompts: Sequence[str]) -> Float[Tensor, "batch d_vocab"]:
    """Logits after the last token, each prompt run alone, so that there is no padding."""
    return torch.stack([model(model.to_tokens(prompt))[0, -1] for prompt in prompts])


def token(model: TransformerBridge, text: str) -> int:
    """The id of a text that is one token. Raises ValueError, with the text, if it is not."""
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise ValueError(f"{text!r} is {len(ids)} tokens in this model's vocabulary")
    return ids[0]


def differences(
    model: TransformerBridge, prompts: Sequence[str], right: Sequence[str], wrong: Sequence[str]
) -> list[float]:
    """logit(right) - logit(wrong) after each prompt."""
    logits = final_logits(model, prompts)
    triples = zip(logits, right, wrong, strict=True)
    return [(row[token(model, good)] - row[token(model, bad)]).item() for row, good, bad in triples]


def answer_rows(model: TransformerBridge, section: str, figure: dict) -> Iterator[Row]:
    """Rank (0 is the likeliest), logit and probability of a single prompt's answer."""
    logits = final_logits(model, [figure["prompt"]])[0]
    logit = logits[token(model, figure["answer"])]
    rank = int((logits > logit).sum())
    what = f"{figure['prompt']} …{figure['answer']}"
    yield Row(section, f"{what}: rank", figure["rank"], rank, "rank")
    yield Row(section, f"{what}: logit", figure["logit"], logit.item(), "logit")
    probability = (logit - logits.logsumexp(-1)).exp().item()
    yield Row(section, f"{what}: probability", figure["prob"], probability, "probability")


def difference_rows(
    section: str, labels: Sequence[str], published: Sequence[float], measured: Sequence[float]
) -> Iterator[Row]:
    """A row for each prompt's logit difference."""
    for label, wanted, got in zip(labels, published, measured, strict=True):
        yield Row(section, f"{label}: logit difference", wanted, got, "logit difference")


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
