"""Figures of heads, lines and bars: heat maps, curves, attention patterns."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots
from torch import Tensor

from patchbook.plots.attention import attention_html
from patchbook.plots.display import DisplayedHTML, circuitsvis_html, finish
from patchbook.plots.parts import (
    READABLE,
    add_layers,
    as_array,
    describe_lines,
    distinct,
    finish_heatmap,
    heatmap,
    layer_steps,
    numbered,
    one_prompt,
    plain,
    share_token_labels,
    square,
)

Scale = Literal["signed", "probability"]
DASHES = ("solid", "dash", "dot", "dashdot")  # colour is never the only difference
PANEL = 165  # pixels along a side of one head's pattern
MARKERS = ("circle", "square", "diamond", "cross")


def head_heatmap(
    values: Float[Tensor, "layer head"],
    title: str,
    colorbar: str = "",
    scale: Scale = "signed",
) -> go.Figure:
    """Draw one number for each head; hovering names the head as "L0H3".

        >>> head_heatmap(torch.rand(2, 5), "Induction score", "probability", scale="probability")

    Args:
        values: a (layer, head) tensor, any device and float type.
        title: what is shown.
        colorbar: the unit of the values: logits, nats, probability.
        scale: "signed" (white at zero, blue above, red below) or "probability" (0 to 1). Shares of the way
            between two runs, by their unit, always have the scale from -1 to 1: such maps are compared.
    Raises:
        ValueError: `values` is not (layer, head), or `scale` is neither word.
    """
    rows = as_array(values, 2, "(layer, head)")
    layers, heads = rows.shape
    names = head_labels(layers, heads)
    figure = heatmap(rows, range(heads), range(layers), names, scale, colorbar)
    figure.update_xaxes(title="head", dtick=1)
    figure.update_yaxes(title="layer", dtick=1, autorange="reversed")
    return finish_heatmap(figure, title, colorbar, describe(rows, names, colorbar))


def head_heatmaps(
    values: Float[Tensor, "map layer head"], names: Sequence[str], title: str, colorbar: str = ""
) -> go.Figure:
    """Draw several maps of heads side by side, all on one signed scale, so that colours can be compared.

        >>> head_heatmaps(every, ["output", "query", "key", "value", "pattern"], "…", "share")

    Raises:
        ValueError: `values` is not (map, layer, head), or `names` has not one name for each map.
    """
    maps = as_array(values, 3, "(map, layer, head)")
    if len(maps) != len(names):
        raise ValueError(f"{len(maps)} maps but {len(names)} names")
    _, layers, heads = maps.shape
    labels = head_labels(layers, heads)
    figure = make_subplots(
        1, len(maps), subplot_titles=list(names), shared_yaxes=True, horizontal_spacing=0.02
    )
    for column, rows in enumerate(maps, start=1):
        trace = heatmap(rows, range(heads), range(layers), labels, "signed").data[0]
        figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title="head", dtick=1 if heads <= 8 else 2)
    figure.update_yaxes(dtick=1, autorange="reversed")
    figure.update_yaxes(title="layer", col=1)
    largest = float(np.nanmax(np.abs(maps), initial=0)) or 1.0
    figure.update_traces(zmin=-largest, zmax=largest, texttemplate="", showscale=False)
    figure.data[-1].showscale = True
    summary = " ".join(f"{name}: {describe(rows, labels)}" for name, rows in zip(names, maps, strict=True))
    return finish_heatmap(figure, title, colorbar, summary)


def label_heatmap(
    values: Float[Tensor, "row col"],
    x: Sequence[str],
    y: Sequence[str],
    title: str,
    x_title: str = "",
    y_title: str = "",
    colorbar: str = "",
    scale: Scale = "signed",
) -> go.Figure:
    """Draw one number for each (row, column), the rows named by `y` and the columns by `x`.

    Repeated labels (a token that occurs twice) are kept apart by their position.

        >>> label_heatmap(patching, x=str_tokens, y=["L0", "L1"], title="…", colorbar="logits")

    Raises:
        ValueError: the labels do not fit the shape of `values`.
    """
    rows = as_array(values, 2, "(row, col)")
    if rows.shape != (len(y), len(x)):
        raise ValueError(f"values have shape {rows.shape}; labels give ({len(y)}, {len(x)})")
    columns, row_names = distinct(x), distinct(y)
    cells = [[f"{row}, {column}" for column in columns] for row in row_names]
    figure = heatmap(rows, columns, row_names, cells, scale, colorbar)
    figure.update_xaxes(title=x_title, type="category")
    figure.update_yaxes(title=y_title, type="category", autorange="reversed")
    if columns == row_names:
        square(figure)
    return finish_heatmap(figure, title, colorbar, describe(rows, cells, colorbar))


def lines(
    series: Mapping[str, Sequence[float]],
    title: str,
    x_title: str,
    y_title: str,
    x: Sequence[float] | None = None,
    log_x: bool = False,
    log_y: bool = False,
) -> go.Figure:
    """Draw one curve for each entry of `series` over `x` (default: 0, 1, 2, …).

    >>> lines({"first half": first, "second half": second}, "The phase change",
    ...       x_title="training step", y_title="loss (nats)", x=steps, log_x=True)
    """
    figure = go.Figure()
    for number, (name, values) in enumerate(series.items()):
        heights = as_array(values, 1, "(point,)").tolist()
        figure.add_scatter(
            x=list(range(len(heights)) if x is None else as_array(x, 1, "(point,)").tolist()),
            y=heights,
            name=plain(name),
            mode="lines+markers" if len(heights) <= 40 else "lines",
            line_dash=DASHES[number % len(DASHES)],
            marker_symbol=MARKERS[number % len(MARKERS)],
        )
    figure.update_xaxes(title=x_title, type="log" if log_x else "linear")
    figure.update_yaxes(title=y_title, type="log" if log_y else "linear")
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"})
    return finish(figure, title, describe_lines(series), height=380)


def bars(values: Float[Tensor, " label"], labels: Sequence[str], title: str, y_title: str) -> go.Figure:
    """Draw one bar for each label.

    >>> bars(scores, ["embedding", "heads", "mlps", "biases"], "Where the logit comes from",
    ...      "logits")
    """
    heights = as_array(values, 1, "(label,)")
    if len(heights) != len(labels):
        raise ValueError(f"{len(heights)} values but {len(labels)} labels")
    figure = go.Figure(go.Bar(x=distinct(labels), y=heights.tolist()))
    figure.update_xaxes(type="category")
    figure.update_yaxes(title=y_title)
    return finish(figure, title, describe(heights, distinct(labels), y_title), height=360)


def attention_patterns(
    cache_or_patterns,
    tokens: Sequence[str],
    layer: int | None = None,
    title: str | None = None,
    names: Sequence[str] | None = None,
) -> DisplayedHTML:
    """Show heads side by side: choose a head, then the token that looks, by mouse, touch or arrow keys.

        >>> attention_patterns(cache, model.to_str_tokens(text), layer=1)
        >>> attention_patterns(patterns, str_tokens, names=["L0H3", "L1H0"])

    Args:
        cache_or_patterns: an ActivationCache (then `layer` is needed) or a tensor
            (head, query, key) of probabilities; a batch dimension of 1 is dropped.
        tokens: the text of each token, `seq` of them.
        layer: which layer of the cache; with a tensor, only used for the names of the heads.
        names: what to call the heads, where they are not all those of one layer.
    Raises:
        ValueError: the batch holds more than one prompt, or tokens or names are not as many as the pattern's.
    """
    patterns = cache_or_patterns
    if hasattr(cache_or_patterns, "cache_dict"):
        patterns = cache_or_patterns["pattern", layer]
    heads = one_prompt(patterns, tokens)
    if names is None:
        names = [f"head {h}" if layer is None else f"L{layer}H{h}" for h in range(len(heads))]
    if len(names) != len(heads):
        raise ValueError(f"{len(heads)} heads but {len(names)} names")
    where = "" if layer is None else f" of layer {layer}"
    summary = f"{len(names)} heads{where}, {len(tokens)} tokens; rows are queries, columns keys."
    title = title or f"Attention patterns{where}"
    return attention_html(heads, tokens, names, title, summary)


def framed(view, title: str, description: str) -> DisplayedHTML:
    """Show what you drew with circuitsvis yourself, with a title, and without a question to the network.

        >>> view = circuitsvis.tokens.colored_tokens(tokens=words, values=losses)
        >>> framed(view, "The loss of each token", "8 tokens; the darker, the larger the loss.")

    Args:
        view: what a function of circuitsvis returned.
        description: one line in words, for readers who cannot see the picture.
    """
    return circuitsvis_html(view, title, description)


def layer_slider(
    patterns: Float[Tensor, "layer head query key"],
    str_tokens: Sequence[str],
    title: str = "Attention patterns, layer by layer",
) -> go.Figure:
    """Show the patterns of every head, one layer at a time, with a slider for the layer.

        >>> layer_slider(torch.stack([cache["pattern", l] for l in range(n_layers)]), str_tokens)

    Raises:
        ValueError: `patterns` is not (layer, head, query, key), or the tokens are of other length.
    """
    layers = as_array(patterns, 4, "(layer, head, query, key)")
    if layers.shape[-1] != len(str_tokens):
        raise ValueError(f"{layers.shape[-1]} key positions but {len(str_tokens)} tokens")
    across = min(layers.shape[1], 3)
    down = -(-layers.shape[1] // across)
    names = [f"head {head}" for head in range(layers.shape[1])]
    figure = make_subplots(down, across, subplot_titles=names, horizontal_spacing=0.03)
    add_layers(figure, layers, numbered(str_tokens), across)
    share_token_labels(figure, len(str_tokens), across, layers.shape[1])
    figure.update_layout(sliders=[layer_steps(*layers.shape[:2])])
    depth, heads = layers.shape[:2]
    summary = f"{depth} layers of {heads} heads; rows are queries, columns keys."
    labels = 90 if len(str_tokens) <= READABLE else 20
    finish(figure, title, summary, height=200 + labels + PANEL * down)
    figure.update_layout(width=110 + labels + PANEL * across, margin_t=150)
    return figure


def describe(
    values: Float[Tensor, "..."], labels: Sequence | None = None, unit: str = "", top: int = 3
) -> str:
    """Say in one line which values are largest and smallest.

        >>> describe(torch.tensor([0.1, 0.9]), ["L0H0", "L0H1"])
        'Largest: L0H1 0.90, L0H0 0.10. Smallest: L0H0 0.10.'

    Args:
        values: any shape; `labels` name its entries, nested in the same way or flat.
        unit: said once, after the numbers.
    """
    numbers = as_array(values).ravel()
    names = np.asarray(range(numbers.size) if labels is None else labels, dtype=object).ravel()
    known = [i for i in np.argsort(-numbers) if not np.isnan(numbers[i])]
    if not known:
        return "No values."
    said = [f"{names[i]} {numbers[i]:z.2f}" for i in known]
    text = f"Largest: {', '.join(said[:top])}. Smallest: {said[-1]}"
    return f"{text} ({unit})." if unit else f"{text}."


def head_labels(layers: int, heads: int) -> list[list[str]]:
    """Names of all heads as rows by layer: [["L0H0", "L0H1"], ["L1H0", "L1H1"]]."""
    return [[f"L{layer}H{head}" for head in range(heads)] for layer in range(layers)]
