"""What chapter 4's exercises must compute: the sweep over MLP outputs."""

from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.tests.specifications import patching


def get_act_patch_mlp_out(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: patching.Metric,
) -> Float[Tensor, "layer pos"]:
    """What each MLP writes, one position at a time; the forward pass is rebuilt, not hooked."""
    return patching.get_act_patch_block_every(model, corrupted_tokens, clean_cache, patching_metric)[2]
