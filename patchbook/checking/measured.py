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

BATCH, SEQ_LEN = 8, 20


def model_in_use(name: str | None) -> TransformerBridge:
    """The model that the notebook loads: None is the default of `load_model`."""
    with contextlib.redirect_stdout(io.StringIO()):  # it says which model it chose: the learner has read it
        return patchbook.load_model(name)


@functools.lru_cache(maxsize=4)
def induction_heads(model_name: str | None, seed: int) -> HeadScores:
    """Induction scores on random tokens repeated twice; the seed chooses the tokens.

    model_name: None is the default of `load_model`.
    """
    model = model_in_use(model_name)
    with torch.no_grad():
        _, cache = model.run_with_cache(
            _repeats(model, seed), names_filter=lambda name: name.endswith("hook_pattern")
        )

    def looking_back(steps: int) -> Float[Tensor, "layer head"]:
        patterns = (cache["pattern", layer] for layer in range(model.cfg.n_layers))
        return torch.stack([p.diagonal(-steps, dim1=-2, dim2=-1).mean(dim=(0, -1)) for p in patterns])

    others = {"previous-token head": looking_back(1), "duplicate-token head": looking_back(SEQ_LEN)}
    return HeadScores("induction head", "induction score", looking_back(SEQ_LEN - 1), lookalikes=others)


def _repeats(model: TransformerBridge, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    half = torch.randint(model.cfg.d_vocab, (BATCH, SEQ_LEN), generator=generator)
    bos = torch.full((BATCH, 1), model.tokenizer.bos_token_id)
    return torch.cat([bos, half, half], dim=1).to(model.cfg.device)
