"""How a figure reaches the page: light HTML in the book, self-contained output everywhere else.

The environment variable PATCHBOOK_FIGURES chooses, and nothing here probes the network:

| value    | who sets it             | plotly                        | circuitsvis               |
|----------|-------------------------|-------------------------------|---------------------------|
| `book`   | book/build.py           | small HTML, shared script     | small HTML, shared script |
| `cdn`    | default in Colab        | plotly's own Colab output     | script inside the output  |
| `inline` | default everywhere else | plotly's own notebook output  | script inside the output  |

Attention patterns have a short script of their own inside, everywhere: see `attention`.
"""

import html
import os
import re
import sys
import textwrap

import plotly.graph_objects as go
import plotly.io as pio
from plotly.io.base_renderers import MimetypeRenderer

MODES = ("book", "cdn", "inline")
HEADING = 55  # pixels that title and summary take above a figure
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
    """A plotly figure as small HTML: no plotly.js inside, title and description as text around it.

    Text inside a figure does not wrap: on a telephone a long title would be cut.
    """

    def to_mimebundle(self, fig_dict: dict) -> dict[str, str]:
        layout = fig_dict["layout"]
        meta = layout.get("meta") or {}
        title, description = meta.get("title", ""), meta.get("description", "")
        layout.pop("title", None)
        layout.update(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
        layout["height"] -= HEADING
        layout["margin"]["t"] -= HEADING
        body = pio.to_html(
            fig_dict,
            full_html=False,
            include_plotlyjs=False,
            include_mathjax=False,
            validate=False,
            auto_play=False,
            config={"responsive": True, "displaylogo": False, "displayModeBar": False},
        )
        heading = f"<p><strong>{html.escape(title)}</strong></p>"
        return {"text/html": with_caption(heading + body, description)}


def with_caption(body: str, description: str, style: str = "") -> str:
    """Wrap a figure's HTML in <figure> with its text alternative as the caption."""
    caption = f"<figcaption>{html.escape(description)}</figcaption>" if description else ""
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
    )
    choose_renderer()
    return figure


def _wrapped(text: str, width: int = 90) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(text, width))


class DisplayedHTML:
    """Ready HTML that notebooks display; `description` is its text alternative."""

    def __init__(self, source: str, description: str) -> None:
        self.source = source
        self.description = description

    def _repr_html_(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return self.description


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
    return DisplayedHTML(with_caption(body, description, style), description)


def _inline(rendered) -> str:
    return rendered.local_src.replace('margin: 15px 0;"/>', 'margin: 15px 0;"></div>')


def _shared_script(rendered) -> str:
    """Keep the place and the call, drop the 1.3 MB script: the page loads that once."""
    source = rendered.local_src
    place = re.search(r'id="(circuits-vis-[^"]+)"', source)[1]
    call = source[source.rindex("CircuitsVis.render(") : source.rindex("</script>")]
    return f'<div id="{place}"></div><script>{call}</script>'
