"""Figures whose marks are points: heads against heads, words in a plane, figures beside what chance gives.

`patchbook.plots` offers them.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from patchbook.plots.display import finish
from patchbook.plots.parts import as_array, plain

# Colour is never the only difference between layers.
SHAPES = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")
NAMED = 5  # points far from the origin that carry their name, if it has room
ROOM = 0.07  # of the figure's width: names nearer to each other would overlap


def head_scatter(
    rows: Sequence[tuple[str, int, float, float]], title: str, x_title: str, y_title: str
) -> go.Figure:
    """Draw one point for each head, coloured by layer; hovering names the head.

    >>> head_scatter([("L0H0", 0, 0.1, 0.7), ("L1H0", 1, 0.0, 0.2)], "Value against output", "v", "z")

    Args:
        rows: label, layer, x, y of each head.
    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("wanted one row or more: (label, layer, x, y)")
    figure = go.Figure()
    for layer in sorted({row[1] for row in rows}):
        labels, _, x, y = zip(*(row for row in rows if row[1] == layer), strict=True)
        figure.add_scatter(
            x=x,
            y=y,
            text=labels,
            name=f"layer {layer}",
            mode="markers",
            marker={"size": 10, "symbol": SHAPES[layer % len(SHAPES)]},
            hovertemplate="%{text}: %{x:.2f}, %{y:.2f}<extra></extra>",
        )
    ends = [min(min(row[2:]) for row in rows), max(max(row[2:]) for row in rows)]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"dash": "dot", "width": 1}, name="equal")
    far = sorted(rows, key=lambda row: -max(abs(row[2]), abs(row[3])))[:NAMED]
    for label, x, y in _with_room(far, ROOM * (ends[1] - ends[0])):
        figure.add_annotation(x=x, y=y, text=label, showarrow=False, yshift=13)
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title)
    said = ", ".join(f"{label} ({x:z.2f}, {y:z.2f})" for label, _, x, y in far[:3])
    return finish(figure, title, f"Farthest from zero: {said}.", height=460)


def _with_room(rows: Sequence[tuple[str, int, float, float]], room: float) -> list[tuple[str, float, float]]:
    """The rows, farthest first, that are not too near one before them: label, x, y."""
    named: list[tuple[str, float, float]] = []
    for label, _, x, y in rows:
        if all(max(abs(x - its_x), abs(y - its_y)) > room for _, its_x, its_y in named):
            named.append((label, x, y))
    return named


def ring(points: Float[Tensor, "point 2"], labels: Sequence[str], title: str) -> go.Figure:
    """Draw named points in a plane and join them in their order, the last with the first.

    >>> ring(days_pca(vectors), ["Monday", "Tuesday", …], "The days' circle")

    Raises:
        ValueError: `points` is not (point, 2), or there is not one label for each.
    """
    places = as_array(points, 2, "(point, 2)")
    if places.shape != (len(labels), 2):
        raise ValueError(f"points have shape {places.shape}; wanted ({len(labels)}, 2), one for each label")
    closed = [*range(len(labels)), 0]
    figure = go.Figure(
        go.Scatter(
            x=places[closed, 0].tolist(),
            y=places[closed, 1].tolist(),
            text=[*map(plain, labels), ""],  # the line comes back to the first point, its name does not
            cliponaxis=False,
            mode="lines+markers+text",
            textposition="top center",
            line={"width": 1},
            marker={"size": 9},
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_xaxes(title="first direction")
    figure.update_yaxes(title="second direction", scaleanchor="x")
    corners = [plain(labels[places[:, 0].argmax()]), plain(labels[places[:, 0].argmin()])]
    text = f"{len(labels)} points in a plane; {corners[0]} lies farthest right, {corners[1]} farthest left."
    return finish(figure, title, text, height=460)


def against_chance(
    rows: Sequence[tuple[str, Sequence[float], Sequence[float]]], title: str, x_title: str
) -> go.Figure:
    """Draw for each row the mean of what was measured, and the mean of what chance gives, below one another.

    >>> against_chance([("two bootstraps", [0.6, 0.7], [0.04, 0.05, 0.06])], "Overlap", "Jaccard index")

    The bars are one standard deviation of the row's values to either side; a single value has none.

    Args:
        rows: label, what was measured, the same figure of random draws.
    Raises:
        ValueError: there are no rows, or one has no values.
    """
    if not rows or not all(len(measured) and len(chance) for _, measured, chance in rows):
        raise ValueError("wanted one row or more, each with values and their controls")
    figure = go.Figure()
    for name, place, symbol in (("measured", 1, "circle"), ("by chance", 2, "line-ns-open")):
        values = [as_array(row[place], 1, "(value,)") for row in rows]
        figure.add_scatter(
            x=[float(value.mean()) for value in values],
            y=[plain(row[0]) for row in rows],
            error_x={"array": [float(value.std(ddof=min(1, value.size - 1))) for value in values]},
            name=name,
            mode="markers",
            marker={"size": 10, "symbol": symbol},
            hovertemplate="%{y}: %{x:.2f}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(title=x_title, range=[0, 1.05])
    figure.update_yaxes(title="compared", type="category", autorange="reversed", automargin=True)
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"})
    means = [sum(row[1]) / len(row[1]) for row in rows]
    said = ", ".join(f"{row[0]} {mean:.2f}" for row, mean in zip(rows, means, strict=True))
    return finish(figure, title, f"{said}.", height=170 + 26 * len(rows))
