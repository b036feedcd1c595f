"""What the heads of the model in use do, measured as the notebooks measure it."""

import contextlib
import functools
import io

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

import patchbook
from patchbook.checking.labels import HeadScores

MANY, SEQ_LEN = 320, 20  # prompts, and tokens in a half
ON_A_CPU = 32  # instead of MANY, for a model of more than SMALL heads without a GPU
SMALL = 100


def model_in_use(name: str | None) -> TransformerBridge:
    """The model that the notebook loads: None is the default of `load_model`."""
    with contextlib.redirect_stdout(io.StringIO()):  # it says which model it chose: the learner has read it
        return patchbook.load_model(name)


def prompts_for(model: TransformerBridge, few: int, many: int = MANY) -> int:
    """How many prompts a head is named by: many, or few of them where a large model has no GPU."""
    large = model.cfg.n_layers * model.cfg.n_heads > SMALL
    return few if large and "cpu" in str(model.cfg.device) else many


@functools.lru_cache(maxsize=4)
def induction_heads(model_name: str | None, seed: int) -> HeadScores:
    """Induction scores on random tokens repeated twice; the seed chooses the tokens.

    model_name: None is the default of `load_model`.
    """
    mean = looking_back(model_in_use(model_name), seed).mean(dim=1)  # (steps, layer, head)
    others = {"previous-token head": mean[1], "duplicate-token head": mean[SEQ_LEN]}
    return HeadScores("induction head", "induction score", mean[SEQ_LEN - 1], lookalikes=others)


@torch.no_grad()
def looking_back(model: TransformerBridge, seed: int) -> Float[Tensor, "steps prompt layer head"]:
    """Each head's mean attention so many steps back, prompt by prompt, on random tokens repeated twice."""
    rows = []
    for part in _repeats(model, seed).split(32):
        _, cache = model.run_with_cache(part, names_filter=lambda name: name.endswith("hook_pattern"))
        patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)], dim=1)
        back = range(SEQ_LEN + 1)  # patterns: (prompt, layer, head, query, key)
        rows.append(torch.stack([patterns.diagonal(-steps, dim1=-2, dim2=-1).mean(-1) for steps in back]))
    return torch.cat(rows, dim=1)


def _repeats(model: TransformerBridge, seed: int) -> Tensor:
    generator, prompts = torch.Generator().manual_seed(seed), prompts_for(model, ON_A_CPU)
    half = torch.randint(model.cfg.d_vocab, (prompts, SEQ_LEN), generator=generator)
    bos = torch.full((prompts, 1), model.tokenizer.bos_token_id)
    return torch.cat([bos, half, half], dim=1).to(model.cfg.device)
