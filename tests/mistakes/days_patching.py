"""The known wrong ways of chapter 4: the sweep over MLP outputs."""

from patchbook.tests.mistakes.patching import POSITION_EDITS, instead, sweeps
from patchbook.tests.mistakes.patching_edits import BY_POSITION, DIMENSION

# Chapter 4's: there the MLPs matter.
get_act_patch_mlp_out = (
    *sweeps(("mlp_out",), BY_POSITION, *POSITION_EDITS, DIMENSION),
    instead("attn_out", "mlp_out", BY_POSITION),
    instead("resid_pre", "mlp_out", BY_POSITION),
    instead("resid_post", "mlp_out", BY_POSITION),
)
