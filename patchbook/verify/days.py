"""The published figures of chapter 4: which day is tomorrow."""

from collections.abc import Iterator
from typing import Any

from transformer_lens import TransformerBridge

from patchbook.verify.measuring import answer_rows, difference_rows, differences, mean, token
from patchbook.verify.rows import Row


def rows(model: TransformerBridge, figures: dict[str, Any]) -> Iterator[Row]:
    """Every figure of the section "days"."""
    days = figures["days"]
    tomorrow, corrupted = days["tomorrow"], days["corrupted"]
    yield from _tomorrow(model, tomorrow)
    # The answers are the clean prompts': the file lists none of their own for the corrupted ones.
    measured = differences(model, corrupted["prompts"], tomorrow["answers"], corrupted["wrong"])
    yield from difference_rows("days", corrupted["prompts"], corrupted["per_prompt"], measured)
    yield Row("days", "corrupted, mean", corrupted["mean"], mean(measured), "logit difference")
    for figure in days["single"]:
        yield from answer_rows(model, "days", figure)


def _tomorrow(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    """The clean prompts, their mean, and the mean that is missing the unembedding's bias."""
    measured = differences(model, figure["prompts"], figure["answers"], figure["wrong"])
    yield from difference_rows("days", figure["prompts"], figure["per_prompt"], measured)
    yield Row("days", "tomorrow, mean", figure["mean_true"], mean(measured), "logit difference")
    pairs = zip(figure["answers"], figure["wrong"], strict=True)
    biases = [(model.b_U[token(model, good)] - model.b_U[token(model, bad)]).item() for good, bad in pairs]
    yield Row(
        "days",
        "tomorrow, mean without b_U",
        figure["mean_attributed_without_b_U"],
        mean(measured) - mean(biases),
        "logit difference",
    )
