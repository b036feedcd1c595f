"""What chapter 5's exercises must compute: the operations of a sweep over the stream, layer by position."""


def sweep_flops(
    n_layers: int, length: int, d_model: int, d_mlp: int, from_layer: bool, from_position: bool
) -> int:
    """Operations of all (layer, position) patches on one prompt; two for each multiplication and its sum."""
    weights = 2 * (4 * d_model * d_model + 2 * d_model * d_mlp)  # q, k, v, o and the MLP's two matrices
    attention = 2 * 2 * length * d_model  # scores, and the mix of values
    total = 0
    for layer in range(n_layers):
        for position in range(length):
            layers = n_layers - layer if from_layer else n_layers
            positions = length - position if from_position else length
            total += layers * positions * (weights + attention)
    return total
