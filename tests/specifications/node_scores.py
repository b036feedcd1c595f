"""What chapter 5's exercises must compute: the effect of every head and MLP, estimated.

Source: Nanda 2023, "Attribution patching: activation patching at industrial scale".
"""

from jaxtyping import Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications import messages
from patchbook.tests.specifications.messages import Metric


def node_attribution(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch other"],
    metric: Metric,
) -> dict[str, float]:
    """A node's whole output goes to all its receivers: the slope in a knob that its edges share."""
    changes = messages.changes(model, clean_tokens, corrupted_tokens)
    slopes = messages.slopes(model, corrupted_tokens, metric, changes)
    nodes = [node for node in changes if node != "embedding"]
    return {
        node: sum(slope for edge, slope in slopes.items() if edge.split(" -> ")[0] == node) for node in nodes
    }
