"""How a figure reaches the page: light HTML in the book, self-contained output everywhere else.

The environment variable PATCHBOOK_FIGURES chooses, and nothing here probes the network:

| value    | who sets it             | plotly                        | circuitsvis               |
|----------|-------------------------|-------------------------------|---------------------------|
| `book`   | book/build.py           | JSON that figures.js draws    | JSON that figures.js draws |
| `cdn`    | default in Colab        | plotly's own Colab output     | script inside the output  |
| `inline` | default everywhere else | plotly's own notebook output  | script inside the output  |

Attention patterns have a short script of their own inside, everywhere: see `attention`.
"""

import html
import os
import re
import sys
import textwrap
import uuid
from typing import TypeVar

import plotly.graph_objects as go
import plotly.io as pio
from plotly.io.base_renderers import MimetypeRenderer

MODES = ("book", "cdn", "inline")
HEADING = 55  # pixels that title and summary take above a figure
SLIDER = 60  # and a slider, between them and the figure
COLOURS = ("#1f6fb2", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")
# circuitsvis' headings are made for a page of their own, its small heads too small for their names.
CIRCUITSVIS_STYLE = """<style>
.pb-circuitsvis h3 { font-size: 1rem !important; margin: 0.5rem 0 !important; color: inherit; }
.pb-circuitsvis h4 { font-size: 0.75rem !important; line-height: 1.2; }
.pb-circuitsvis [style*="max-width: 8.33333%"] { min-width: 76px !important; }
</style>"""
CARD = "margin:0;background:#fff;color:#212529;padding:0.5em;border-radius:6px;overflow-x:auto"


def figure_mode() -> str:
    """The way figures are shown: "book", "cdn" or "inline"; raises ValueError on another value."""
    default = "cdn" if "google.colab" in sys.modules else "inline"
    mode = os.environ.get("PATCHBOOK_FIGURES", default)
    if mode not in MODES:
        raise ValueError(f"PATCHBOOK_FIGURES is {mode!r}; wanted one of {', '.join(MODES)}")
    return mode


class BookRenderer(MimetypeRenderer):
    """A plotly figure as JSON, which book/_static/figures.js draws when the reader comes near.

    Title, slider and description stand around it as HTML: text inside a figure does not wrap, and would be
    cut on a telephone; and keys move a slider of the browser's own.
    """

    def to_mimebundle(self, fig_dict: dict) -> dict[str, str]:
        layout = fig_dict["layout"]
        meta = layout.pop("meta", None) or {}
        title, description = meta.get("title", ""), meta.get("description", "")
        finding = meta.get("finding", "")
        layout.pop("title", None)
        layout.update(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
        taken = HEADING
        name = f"plot-{uuid.uuid4().hex[:8]}"
        figure = {"data": fig_dict["data"], "layout": layout}
        slider = ""
        if sliders := layout.pop("sliders", None):
            figure["steps"] = [{"label": step["label"], "args": step["args"]} for step in sliders[0]["steps"]]
            slider = _range(name, sliders[0]["currentvalue"]["prefix"], figure["steps"])
            taken += SLIDER
        layout["height"] -= taken
        layout["margin"]["t"] -= taken
        _drop_unused_template(figure)
        words = html.escape(f"{title}. {description}")
        body = (
            f"<p><strong>{html.escape(title)}</strong></p>{slider}"
            f'<div class="pb-plot" id="{name}" role="img" tabindex="0" aria-label="{words}" '
            f'style="height:{layout["height"]}px">{_as_data(pio.json.to_json_plotly(figure))}</div>'
        )
        return {"text/html": in_figure(body, finding)}


def _range(plot: str, prefix: str, steps: list[dict]) -> str:
    """The browser's own slider; figures.js gives the chosen step to the plot of that id."""
    return (
        f'<label class="pb-slider">{prefix}<input type="range" data-plot="{plot}" value="0" '
        f'max="{len(steps) - 1}"><output>{steps[0]["label"]}</output></label>'
    )


def _drop_unused_template(figure: dict) -> None:
    """The template says how every kind of trace looks, three times the length of a figure's own data."""
    kinds = {trace["type"] for trace in figure["data"]}
    template = figure["layout"].get("template", {})
    template["data"] = {kind: look for kind, look in template.get("data", {}).items() if kind in kinds}


def _as_data(json_text: str) -> str:
    """JSON that a page carries without running it."""
    safe = json_text.replace("</", "<\\/")
    return f'<script type="application/json">{safe}</script>'


def in_figure(body: str, finding: str, style: str = "") -> str:
    """Wrap a figure's HTML in <figure>, with what is to be seen in it as the caption."""
    caption = f"<figcaption>{html.escape(finding)}</figcaption>" if finding else ""
    return f'<figure class="pb-figure"{style}>{body}{caption}</figure>'


def choose_renderer() -> None:
    """Make plotly's default renderer fit where we run; called whenever a figure is made."""
    if figure_mode() == "book":
        if "patchbook_book" not in pio.renderers:
            pio.renderers["patchbook_book"] = BookRenderer()
        pio.renderers.default = "patchbook_book"
    elif "ipykernel" in sys.modules and pio.renderers.default in ("", "browser"):
        # plotly was imported before the kernel was there (a forked, warm one): its guess then was
        # to open a web browser, which in a grader would open one for each submission's figure.
        pio.renderers.default = "plotly_mimetype"


def finish(figure: go.Figure, title: str, description: str, height: int) -> go.Figure:
    """Give a figure its title, its text alternative and the look all figures share."""
    description = html.unescape(description)  # labels come escaped, as plotly needs them
    figure.update_layout(
        title={"text": _wrapped(title, 60), "subtitle": {"text": _wrapped(description)}},
        meta={"title": title, "description": description},
        height=height,
        margin={"l": 60, "r": 20, "t": 90, "b": 55},
        template="plotly_white",
        colorway=COLOURS,
        dragmode=False,  # a drag scrolls the page; it does not zoom to where one cannot come back from
    )
    choose_renderer()
    return figure


def _wrapped(text: str, width: int = 90) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(text, width))


class DisplayedHTML:
    """A figure in HTML; `description` is its text alternative, `finding` its caption."""

    def __init__(self, body: str, description: str, style: str = "", finding: str = "") -> None:
        self.body = body
        self.description = description
        self.style = style
        self.finding = finding

    def _repr_html_(self) -> str:
        return in_figure(self.body, self.finding, self.style)

    def __repr__(self) -> str:
        return self.description


Shown = TypeVar("Shown", go.Figure, DisplayedHTML)


def captioned(figure: Shown, finding: str) -> Shown:
    """Say under a figure what is to be seen in it. Its summary of numbers stays for who cannot see it.

        >>> captioned(head_heatmap(scores, "Induction score"), f"L1H3 leads, with {scores[1, 3]:.2f}.")

    Args:
        finding: a sentence or two, true of the model that the figure shows: compute what may differ.
    """
    if isinstance(figure, DisplayedHTML):
        return DisplayedHTML(figure.body, figure.description, figure.style, finding)
    figure.layout.meta = {**figure.layout.meta, "finding": finding}
    figure.layout.title.subtitle.text = _wrapped(finding)
    return figure


def circuitsvis_html(rendered, title: str, description: str) -> DisplayedHTML:
    """Turn circuitsvis' RenderedHTML into output that never probes the network.

    Its own `_repr_html_` asks the network on every display and then chooses by itself. A script from a CDN
    that does not answer would leave an empty place, and say nothing.
    """
    mode = figure_mode()
    source = _shared_script(rendered) if mode == "book" else _inline(rendered)
    style = "" if mode == "book" else f' style="{CARD}"'
    heading = f"<p><strong>{html.escape(title)}</strong></p>"
    body = f'<div class="pb-circuitsvis">{CIRCUITSVIS_STYLE}{heading}{source}</div>'
    return DisplayedHTML(body, description, style, finding=description)


def _inline(rendered) -> str:
    return rendered.local_src.replace('margin: 15px 0;"/>', 'margin: 15px 0;"></div>')


def _shared_script(rendered) -> str:
    """The place and the call, as data: figures.js loads the 1.3 MB script, and draws."""
    source = rendered.local_src
    call = source[source.rindex("CircuitsVis.render(") : source.rindex("</script>")]
    place, view, props = re.fullmatch(
        r'CircuitsVis\.render\(\s*"(.+?)",\s*CircuitsVis\.(\w+),\s*(\{.*\})\s*\)\s*', call, re.DOTALL
    ).groups()
    data = _as_data(f'{{"view": "{view}", "props": {props}}}')
    return f'<div class="pb-view" id="{place}">{data}</div>'
