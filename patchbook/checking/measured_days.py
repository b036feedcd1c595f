"""The layer that turns today into tomorrow, in the model in use, measured as the notebook measures it."""

import functools
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.measured import model_in_use
from patchbook.patching.attribution import decompose_logit_diff
from patchbook.prompts.days import PATTERNS, DayPrompts, write_prompts

NEARLY = 0.8  # of the largest gain: a layer this close to it is as good an answer


@functools.lru_cache(maxsize=4)
def gains(model_name: str | None) -> Float[Tensor, "layer"]:
    """What each layer, attention and MLP together, adds to logit(tomorrow) - logit(today), in logits.

    model_name: None is the default of `load_model`. The mean over the prompts of all seven days.
    """
    model = model_in_use(model_name)
    ds = DayPrompts(write_prompts(PATTERNS["tomorrow"]), model.tokenizer, device=model.cfg.device)
    with torch.no_grad():
        _, cache = model.run_with_cache(ds.toks)
        answers = torch.stack([ds.answer_tokens, ds.wrong_tokens], dim=1)
        parts = decompose_logit_diff(model, cache, answers)
        return (parts.attention + parts.mlps).mean(-1)


def wrong_layer(gains: Float[Tensor, "layer"], layer: Any) -> Diagnosis | None:
    """What is wrong with a learner's layer, or None. Never says which layer it is."""
    n = len(gains)
    range_of = f"The model has layers 0 to {n - 1}."
    if isinstance(layer, bool) or not isinstance(layer, int):
        came = "None" if layer is None else describe(layer)
        return Diagnosis("not-a-number", f"this is {came}; wanted a layer's number.", range_of)
    if -n <= layer < 0:
        return Diagnosis("counted-from-the-end", "layers are counted from 0, not from the end.", range_of)
    if not 0 <= layer < n:
        return Diagnosis("no-such-layer", f"the model has no layer {layer}.", range_of)
    enough = NEARLY * gains.max()
    if gains[layer] >= enough:
        return None
    said = f"layer {layer} adds {gains[layer]:+.2f} logits to the lead of tomorrow over today"
    if layer == int(gains.argmin()):
        return Diagnosis("smallest", f"{said}, the least of all.", "Look for the layer that adds most.")
    if gains[layer] < 0:
        return Diagnosis("against", f"{said}: it works against it.", "Look for the layer that adds most.")
    cumulated = gains.cumsum(0)
    if layer == int(cumulated.argmax()):
        what = f"{said}. After it the lead is largest, but other layers built it."
        return Diagnosis("where-it-ends", what, "Ask what each layer adds, not how much there is after it.")
    return Diagnosis("other-layer", f"{said}; another one adds more.", "Compare attention and MLP together.")
