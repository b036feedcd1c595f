"""Figures of the course: tensor in, figure out, never `.show()`.

| function             | shows                                             | returns       |
|----------------------|---------------------------------------------------|---------------|
| `head_heatmap`       | one number for each head                          | plotly Figure |
| `head_heatmaps`      | several such maps side by side, on one scale      | plotly Figure |
| `label_heatmap`      | one number for each (row, column), labelled       | plotly Figure |
| `lines`              | curves, such as losses during training            | plotly Figure |
| `bars`               | one number for each label                         | plotly Figure |
| `head_scatter`       | two numbers for each head, one against the other  | plotly Figure |
| `ring`               | words in a plane, joined in their order           | plotly Figure |
| `against_chance`     | figures beside what random draws give             | plotly Figure |
| `attention_patterns` | heads of a layer or of your choice, to go through | HTML          |
| `framed`             | what you drew with circuitsvis yourself           | HTML          |
| `layer_slider`       | the heads of every layer, with a slider           | plotly Figure |
| `draw_circuit`       | heads by role, and what they pass on              | HTML          |
| `captioned`          | a figure with what is to be seen in it beneath    | the figure    |
| `describe`           | the largest and smallest values in words          | str           |
| `table`              | lines of aligned columns that never run together  | str           |

Every figure carries a one-line text summary for readers who cannot see it: in the book as its text
alternative, elsewhere under its title, where `captioned` puts its finding instead. The same call works
in Colab, in Jupyter and in the book.
"""

from patchbook.plots.circuit import draw_circuit
from patchbook.plots.display import captioned
from patchbook.plots.figures import (
    attention_patterns,
    bars,
    describe,
    framed,
    head_heatmap,
    head_heatmaps,
    head_labels,
    label_heatmap,
    layer_slider,
    lines,
)
from patchbook.plots.points import against_chance, head_scatter, ring
from patchbook.plots.tables import table

__all__ = [
    "against_chance",
    "attention_patterns",
    "bars",
    "captioned",
    "describe",
    "draw_circuit",
    "framed",
    "head_heatmap",
    "head_heatmaps",
    "head_labels",
    "head_scatter",
    "label_heatmap",
    "layer_slider",
    "lines",
    "ring",
    "table",
]
