"""Attention patterns to look through: heads as small pictures, one of them large, the tokens shaded.

One piece of HTML with a short script in it, which asks nobody for anything. It works by mouse, by touch and
by the arrow keys, takes the page's light or dark theme, and fits a telephone. Where scripts do not run, the
table is there.
"""

import functools
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from patchbook.plots.display import DisplayedHTML, figure_mode
from patchbook.plots.parts import shown, strongest_keys

WHOLE = 1000  # a probability of 1, as the script reads it
NO_SCRIPT = "The picture is drawn by a script: run the cell to see it. The table has its numbers."


def attention_html(
    heads: np.ndarray, tokens: Sequence[str], names: Sequence[str], title: str, summary: str
) -> DisplayedHTML:
    """The figure. heads: (head, query, key) of probabilities. names: one for each head, such as "L3H2"."""
    figure_mode()  # raises where the environment asks for a way that there is not
    data = json.dumps(
        {"names": list(names), "tokens": [*map(shown, tokens)], "heads": [*map(_rows, heads)]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    name = hashlib.sha256(data.encode()).hexdigest()[:12]
    call = f"({_file('attention.js')})({json.dumps(name)},{data})".replace("</", "<\\/")
    words = html.escape(f"{title}. {summary}")
    body = (
        f"<style>{_file('attention.css')}</style>"
        f'<div class="pb-attention" role="group" aria-label="{words}">'
        f"<p><strong>{html.escape(title)}</strong></p>"
        f'<div data-pb-attention="{name}" data-lm-suppress-shortcuts="true"><p>{NO_SCRIPT}</p></div>'
        f"{strongest_keys(heads, tokens, names)}</div><script>{call}</script>"
    )
    return DisplayedHTML(body, summary)


def _rows(pattern: np.ndarray) -> list[list[int]]:
    """The rows of a pattern in thousandths, without the zeros at their ends."""
    rows = np.rint(np.nan_to_num(pattern) * WHOLE).astype(int)
    return [row[: int(np.flatnonzero(row).max(initial=-1)) + 1].tolist() for row in rows]


@functools.cache
def _file(name: str) -> str:
    text = (files("patchbook.plots") / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
