"""What chapter 4's exercises must compute: the layer that knows tomorrow."""

from collections.abc import Callable


def tomorrow_layer(gains: Callable) -> int:
    """The layer that adds most to the lead of tomorrow over today, in the model in use."""
    return int(gains().argmax())
