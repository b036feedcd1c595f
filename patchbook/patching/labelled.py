"""Numbers that know what they are numbers of: a tensor with a name and labels for each axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens import TransformerBridge


class Labelled(Tensor):
    """A tensor whose `axes` say by name what its indices stand for. What is computed from it is plain.

    >>> effects.axes["layer"]
    ['0', '1', '2']
    >>> effects.draw("The stream, position by position", "logit difference")
    """

    axes: dict[str, list[str]]
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def made(cls, values: Tensor, axes: Mapping[str, Sequence[str]]) -> "Labelled":
        """values with axes. Raises ValueError where they do not fit its shape."""
        sizes = tuple(len(labels) for labels in axes.values())
        if values.shape != sizes:
            raise ValueError(f"values have shape {tuple(values.shape)}, but the labels {sizes}.")
        made = values.detach().as_subclass(cls)
        vars(made).update(vars(values))  # what is noted on the tensor stays
        made.axes = {name: [str(label) for label in labels] for name, labels in axes.items()}
        return made

    def draw(self, title: str, colorbar: str = ""):
        """A heat map: the last axis from left to right, those before it in rows. Returns a plotly figure."""
        from patchbook.plots import head_heatmap, label_heatmap

        if [*self.axes] == ["layer", "head"]:
            return head_heatmap(self, title, colorbar)
        *before, (x_title, x) = self.axes.items()
        rows = [""]
        for name, labels in before:
            said = [f"{name} {label}" if label.isdecimal() else label for label in labels]
            rows = [f"{row}, {label}".removeprefix(", ") for row in rows for label in said]
        values = self.as_subclass(Tensor).reshape(len(rows), len(x))
        y_title = ", ".join(name for name, _ in before)
        return label_heatmap(values, x, rows, title, x_title, y_title, colorbar)

    def largest(self, number: int = 10) -> list[tuple[Any, ...]]:
        """(labels, value) of so many entries, the largest in size first."""
        flat = self.as_subclass(Tensor).flatten()
        order = flat.abs().argsort(descending=True)[:number].tolist()
        places = [torch.unravel_index(torch.tensor(i), self.shape) for i in order]
        named = [
            tuple(labels[int(i)] for labels, i in zip(self.axes.values(), place, strict=True))
            for place in places
        ]
        return [(names, flat[i].item()) for names, i in zip(named, order, strict=True)]


def position_labels(model: TransformerBridge, tokens: Int[Tensor, "batch pos"]) -> list[str]:
    """For each position its token, where all prompts have the same, else its number."""
    same = (tokens == tokens[0]).all(0).tolist()
    if model.tokenizer is None:
        return [str(i) for i in range(len(same))]
    return [model.to_string(tokens[0, i]) if agreed else str(i) for i, agreed in enumerate(same)]
