"""The parts figures are made of; `patchbook.plots` is what notebooks and the book call."""

import html
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from patchbook.plots.display import finish

READABLE = 30  # more tokens than that have no room for their names
# Zero is white, and colour-blind readers tell both ends apart; probabilities go white to blue.
SCALES = {
    "signed": {"colorscale": "RdBu", "zmid": 0},
    "probability": {"colorscale": "Blues", "zmin": 0, "zmax": 1},
    "share": {"colorscale": "RdBu", "zmin": -1, "zmax": 1},
}
# Units of patching, 0 the corrupted run, 1 the clean one. Such maps are compared: they have one scale.
SHARES = ("share of the way to clean", "share of the way", "0 corrupted, 1 clean")


def as_array(values, dimensions: int | None = None, wanted: str = "") -> np.ndarray:
    """Turn a tensor (any device, float type, with gradient), array or list into float64."""
    if hasattr(values, "detach"):
        values = values.detach().double().cpu().numpy()
    array = np.asarray(values, dtype=float)
    if dimensions is not None and array.ndim != dimensions:
        raise ValueError(f"wanted a {wanted} tensor, got shape {array.shape}")
    return array


def shown(label) -> str:
    """Make a leading space and line ends visible."""
    text = str(label).replace(" ", "·", 1) if str(label).startswith(" ") else str(label)
    return text.replace("\n", "↵")


def plain(label) -> str:
    """As shown, and plotly does not read "<|endoftext|>" as a tag."""
    return html.escape(shown(label), quote=False)


def distinct(labels: Iterable) -> list[str]:
    """Readable labels; when one occurs twice, each gets its position in front of it.

    Plotly draws two equal category labels in the same place.
    """
    readable = [plain(label) for label in labels]
    if len(set(readable)) == len(readable):
        return readable
    return numbered(labels)


def numbered(labels: Iterable) -> list[str]:
    """Readable labels with their position: "0 <|endoftext|>", "1 The", "2 ·cat"."""
    return [f"{position} {plain(label)}" for position, label in enumerate(labels)]


def heatmap(rows: np.ndarray, x: Iterable, y: Iterable, cells, scale: str, unit: str = "") -> go.Figure:
    """A heat map whose cells answer hovering with their name; small ones show their numbers."""
    if scale == "signed" and unit in SHARES:
        scale = "share"
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; wanted one of {', '.join(SCALES)}")
    trace = go.Heatmap(
        z=_short(rows),
        x=list(x),
        y=list(y),
        text=cells,
        xgap=1,
        ygap=1,
        hovertemplate="%{text}: %{z}<extra></extra>",
        **SCALES[scale],
    )
    if scale == "share":
        trace.update(colorbar=_share_ends(rows))
    if rows.shape[1] <= 8:
        trace.update(texttemplate="%{z:.2f}")
    return go.Figure(trace)


def _share_ends(rows: np.ndarray) -> dict:
    """Ticks of the shares' one scale, whose end stands for all that lies beyond it."""
    below, above = np.nanmin(rows, initial=0) < -1, np.nanmax(rows, initial=0) > 1
    names = ["≤ −1" if below else "−1", "−0.5", "0", "0.5", "≥ 1" if above else "1"]
    return {"tickvals": [-1, -0.5, 0, 0.5, 1], "ticktext": names}


def finish_heatmap(figure: go.Figure, title: str, colorbar: str, summary: str) -> go.Figure:
    """Add the colour bar's unit and a height that keeps cells readable."""
    rows = len(figure.data[0].z)
    figure.update_traces(colorbar={"title": {"text": colorbar, "side": "right"}, "thickness": 14})
    return finish(figure, title, summary, height=min(190 + 36 * rows, 640))


def add_layers(figure: go.Figure, layers: np.ndarray, labels: list[str], across: int) -> None:
    """Add one heat map for each layer and head; only the first layer's are visible."""
    for layer, heads in enumerate(layers):
        for head, pattern in enumerate(heads):
            figure.add_heatmap(
                z=_short(pattern),
                x=labels,
                y=labels,
                visible=layer == 0,
                colorbar={"title": {"text": "probability", "side": "right"}, "thickness": 14},
                showscale=head == 0,
                row=1 + head // across,
                col=1 + head % across,
                hovertemplate=f"L{layer}H{head}<br>query %{{y}}<br>key %{{x}}<br>"
                "probability %{z}<extra></extra>",
                **SCALES["probability"],
            )


def share_token_labels(figure: go.Figure, tokens: int, across: int, heads: int) -> None:
    """Token names at the left and the bottom only; none where they would not be readable."""
    shown = tokens <= READABLE
    figure.update_yaxes(autorange="reversed", showticklabels=False)
    figure.update_xaxes(showticklabels=False, tickangle=90)
    figure.update_yaxes(col=1, showticklabels=shown, title="query")
    square(figure)
    for head in range(max(heads - across, 0), heads):
        place = {"row": 1 + head // across, "col": 1 + head % across}
        figure.update_xaxes(**place, showticklabels=shown, title="key")


def square(figure: go.Figure) -> None:
    """Make cells as high as they are wide, in every panel."""
    figure.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor or "x", constrain="domain"))
    figure.update_xaxes(constrain="domain")


def layer_steps(layers: int, heads: int) -> dict:
    """A slider that shows the heat maps of one layer and hides the others."""
    steps = [
        {
            "label": str(chosen),
            "method": "restyle",
            "args": [{"visible": [layer == chosen for layer in range(layers) for _ in range(heads)]}],
        }
        for chosen in range(layers)
    ]
    place = {"y": 1, "yanchor": "bottom", "pad": {"b": 30}}  # above the panels and their names
    return {"steps": steps, "currentvalue": {"prefix": "layer "}, **place}


def describe_lines(series: Mapping[str, Sequence[float]]) -> str:
    """Say where each curve starts and ends: "train: from 6.40 to 0.70."."""
    ends = {name: as_array(values, 1, "(point,)") for name, values in series.items()}
    return " ".join(f"{name}: from {v[0]:z.2f} to {v[-1]:z.2f}." for name, v in ends.items())


def one_prompt(patterns, tokens: Sequence[str]) -> np.ndarray:
    """Check a (head, query, key) pattern against its tokens; a batch of one is taken apart."""
    heads = as_array(patterns)
    if heads.ndim == 4 and len(heads) == 1:
        heads = heads[0]
    if heads.ndim != 3:
        raise ValueError(f"wanted the (head, query, key) pattern of one prompt, got {heads.shape}")
    if heads.shape[1:] != (len(tokens), len(tokens)):
        raise ValueError(f"the pattern is {heads.shape[1:]} but there are {len(tokens)} tokens")
    return heads


def strongest_keys(heads: np.ndarray, tokens: Sequence[str], names: Sequence[str]) -> str:
    """The figure as a table, for who cannot see it: for each query and head, the key it attends to most."""
    labels = numbered(tokens)
    header = "".join(f'<th scope="col">{plain(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{labels[query]}</th>'
        + "".join(_cell(head[query], labels) for head in heads)
        + "</tr>"
        for query in range(len(labels))
    )
    return (
        "<details><summary>This figure as a table</summary>"
        "<p>For each query (row) and head: the key it attends to most, and how much.</p>"
        f'<div style="overflow-x:auto"><table><tr><th scope="col">query</th>{header}</tr>{rows}'
        "</table></div></details>"
    )


def _cell(weights: np.ndarray, labels: list[str]) -> str:
    return f"<td>{labels[weights.argmax()]} ({weights.max():.2f})</td>"


def _short(values: np.ndarray) -> list:
    """Four digits are enough to read and keep a page of figures small."""
    return np.vectorize(lambda v: float(f"{v:.4g}"), otypes=[float])(values).tolist()
