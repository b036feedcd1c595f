"""The published figures of chapter 3: a capital after the full stop."""

from collections.abc import Callable, Iterator
from typing import Any

from transformer_lens import TransformerBridge

from patchbook.verify.measuring import answer_rows, difference_rows, differences, final_logits, mean, token
from patchbook.verify.rows import Row

# Column of the answers -> the name of that wrong answer in the file.
WRONG = {"lower": 1, "no_space": 2, "no_space_lower": 3}
UNSEEN = "the file describes one of its prompts without giving it"
KINDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("upper", str.isupper),
    ("lower", str.islower),
    ("numeral", str.isnumeric),
)


def rows(model: TransformerBridge, figures: dict[str, Any]) -> Iterator[Row]:
    """Every figure of the section "capitals"."""
    capitals, kinds = figures["capitals"], _kinds(model)
    yield from _top(model, capitals["single"])
    for prompt, published in capitals["types"].items():
        yield from _types(model, prompt, published, kinds)
    yield from _eleven(model, capitals["eleven_token_prompts"])
    yield from _nine(model, capitals["nine_token_prompts"], kinds)
    yield from _ragged(model, capitals["ragged_prompts_lower"])


def _top(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    """The likeliest tokens, each with rank, logit and probability."""
    for rank, (answer, logit, probability) in enumerate(figure["top"]):
        one = {
            "prompt": figure["prompt"],
            "answer": answer,
            "rank": rank,
            "logit": logit,
            "prob": probability,
        }
        yield from answer_rows(model, "capitals", one)


def kind_of(text: str) -> str:
    """A token's kind as the file names it: "space_upper", "nospace_numeral", …, "other"."""
    space, first = ("space", text[1:2]) if text.startswith(" ") else ("nospace", text[:1])
    return next((f"{space}_{kind}" for kind, fits in KINDS if fits(first)), "other")


def _kinds(model: TransformerBridge) -> list[str]:
    """The kind of every token of the vocabulary."""
    vocabulary = range(model.cfg.d_vocab)
    return [kind_of(text) for text in model.tokenizer.batch_decode([[i] for i in vocabulary])]


def _types(
    model: TransformerBridge, prompt: str, published: dict[str, float], kinds: list[str]
) -> Iterator[Row]:
    """The probability of each kind of token."""
    probabilities = final_logits(model, [prompt])[0].softmax(-1).tolist()
    for kind, wanted in published.items():
        got = sum(p for p, its_kind in zip(probabilities, kinds, strict=False) if its_kind == kind)
        yield Row("capitals", f"{prompt} P({kind})", wanted, got, "probability")


def _eleven(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    """Logit differences against each of three wrong answers."""
    for name, published in figure["logit_diff"].items():
        right, wrong = ([row[column] for row in figure["answers"]] for column in (0, WRONG[name]))
        measured = differences(model, figure["prompts"], right, wrong)
        labels = [f"{prompt!r}, {name}" for prompt in figure["prompts"]]
        yield from difference_rows("capitals", labels, published["per_prompt"], measured)
        yield Row(
            "capitals",
            f"eleven tokens, {name}, mean",
            published["mean"],
            mean(measured),
            "logit difference",
        )


def _nine(model: TransformerBridge, figure: dict[str, Any], kinds: list[str]) -> Iterator[Row]:
    """The published answer is the likeliest token with a space and a capital."""
    titles = [i for i, kind in enumerate(kinds) if kind == "space_upper"]
    logits = final_logits(model, figure["prompts"])
    for row, prompt, answer in zip(logits, figure["prompts"], figure["answers"], strict=True):
        rank = int((row[titles] > row[token(model, answer)]).sum())
        yield Row("capitals", f"{prompt} …{answer}: rank among words with a capital", 0, rank, "rank")


def _ragged(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    """Prompts of different length; what needs the prompt that the file only describes is left out."""
    table = zip(figure["prompts"], figure["answers"], figure["per_prompt"], strict=True)
    for prompt, (right, wrong), published in table:
        unseen = prompt.startswith("(")
        got = None if unseen else differences(model, [prompt], [right], [wrong])[0]
        what = f"ragged: {prompt}: logit difference"
        yield Row("capitals", what, published, got, "logit difference", UNSEEN if unseen else "", unseen)
    for name in ("mean_true", "mean_attributed_without_b_U"):
        yield Row("capitals", f"ragged: {name}", figure[name], None, "logit difference", UNSEEN, True)
