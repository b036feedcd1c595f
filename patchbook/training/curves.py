"""How a model learned: a few numbers, measured while it trains, for the figures of the book."""

from collections.abc import Callable
from types import SimpleNamespace

import torch

from patchbook.training import circuits, measure
from patchbook.training.grammar import IOI

POINTS = 10  # what is kept of a curve


def reading(model, logits_of: Callable, tokenizer) -> SimpleNamespace:
    """An untouched training model dressed as `measure` wants it: callable, with to_tokens."""

    def to_tokens(text: str):
        return torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])

    class Reading(SimpleNamespace):
        def __call__(self, tokens):
            return logits_of(tokens)

    return Reading(
        tokenizer=tokenizer,
        to_tokens=to_tokens,
        to_single_token=lambda text: tokenizer(text)["input_ids"][0],
    )


@torch.no_grad()
def gpt2_point(model, tokenizer) -> dict[str, float]:
    """Losses on repeated random tokens, and the IOI logit difference on kept-out pairs of names."""
    read = reading(model, lambda tokens: model(tokens).logits, tokenizer)
    ioi = measure.ioi(read, IOI, each=4)
    return {**measure.repeats(read), "ioi_logit_diff": ioi["logit_diff"], "ioi_right": ioi["right"]}


@torch.no_grad()
def attention_only_point(model, tokenizer) -> dict[str, float]:
    """Losses on repeated random tokens, and the best induction and previous-token heads' attention."""
    model.eval()
    scores = circuits.pattern_scores(model)
    point = {
        **measure.repeats(model),
        "best_induction_score": scores["induction"].max().item(),
        "best_previous_token_score": scores["previous token"].max().item(),
    }
    model.train()
    return point


def keep(points: list[dict[str, float]], count: int = POINTS) -> list[dict[str, float]]:
    """`count` points, more where the second-half loss changes fast: even steps along the drawn curve.

    >>> len(keep([{"step": i, "second_half_loss": 8.0 - i} for i in range(40)]))
    10
    """
    if len(points) <= count:
        return points
    steps, losses = ([p[key] for p in points] for key in ("step", "second_half_loss"))
    wide, high = steps[-1] - steps[0], max(losses) - min(losses) or 1.0
    along = [0.0]
    for i in range(1, len(points)):
        move = abs(steps[i] - steps[i - 1]) / wide + abs(losses[i] - losses[i - 1]) / high
        along.append(along[-1] + move)
    wanted = [along[-1] * i / (count - 1) for i in range(count)]
    chosen = {min(range(len(points)), key=lambda i, w=w: abs(along[i] - w)) for w in wanted}
    spare = (i for i in range(len(points)) if i not in chosen)
    while len(chosen) < count:
        chosen.add(next(spare))
    return [points[i] for i in sorted(chosen)]
