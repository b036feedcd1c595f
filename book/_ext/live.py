"""Figures in which the model runs: the directive {live}, its script, and the models' weights.

    ```{live} patch
    :clean: When Mary and John went to the park, John gave a ball to
    What this figure is, in a sentence: the caption, also of the picture that stands for it without scripts.
    ```

Options set what the figure begins with; `:start: view` begins without a press, `:size: small` is the front
page's. The script and the weights lie in `_static/live/` of the built site. Weights are written anew only
where a model, or the way it is written, has changed.
"""

import hashlib
import shutil
import struct
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
LIVE = ROOT / "book" / "_live"
FIGURES = {  # name -> (what the picture shows, the options a figure knows)
    "text": (
        "A text's tokens, the likeliest next tokens, and where every head looks.",
        ("model", "text", "at", "head"),
    ),
    "writes": (
        "A map of what each head and each MLP writes toward an answer.",
        ("prompt", "right", "wrong", "part"),
    ),
    "patch": (
        "A map of patches, layer by position, and what one of them does to the answer.",
        ("clean", "corrupted", "right", "wrong", "what", "way", "cell"),
    ),
    "path": (
        "A drawing of the circuit: arrows from a sender to its receivers, and what each sender does to them.",
        ("clean", "other", "right", "wrong", "sender", "receivers", "by", "press", "out"),
    ),
    "days": (
        "The seven days in a plane, and each day's share, after each part of the model.",
        ("text", "day", "at", "plane", "after"),
    ),
}
EVERY = {"start": directives.unchanged, "size": directives.unchanged}
PICTURES = (*FIGURES, "text-small")


class Live(SphinxDirective):
    """A figure by name. Its content is its caption; its picture is `_live/pictures/NAME.webp`."""

    required_arguments = 1
    has_content = True
    option_spec = EVERY | {key: directives.unchanged for _, keys in FIGURES.values() for key in keys}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in FIGURES:
            raise self.error(f"there is no live figure {name!r}; wanted one of {', '.join(FIGURES)}.")
        shows, known = FIGURES[name]
        wrong = [key for key in self.options if key not in (*known, *EVERY)]
        if wrong:
            raise self.error(
                f"the live figure {name!r} has no option {wrong[0]!r}; it has {', '.join(known)}."
            )
        up = "../" * self.env.docname.count("/")
        data = "".join(f' data-{key}="{escaped(value)}"' for key, value in self.options.items())
        caption, _ = self.parse_inline(" ".join(self.content))
        its = f"{name}-small" if self.options.get("size") == "small" else name
        width, height = size_of(LIVE / "pictures" / f"{its}.webp")
        picture = (
            f'<img src="{up}_static/live/pictures/{its}.webp" width="{width}" height="{height}" '
            f'alt="{escaped(shows)}" loading="lazy">'
        )
        return [
            nodes.raw(
                "",
                f'<div class="pb-live" id="live-{name}" data-live="{name}"{data}>'
                f"<figure>{picture}<figcaption>",
                format="html",
            ),
            nodes.inline("", "", *caption),
            nodes.raw("", "</figcaption></figure></div>", format="html"),
        ]


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a WebP, so that the page keeps a place for it."""
    return struct.unpack("<HH", picture.read_bytes()[26:30])


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def page_context(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """The script, on pages that have such a figure."""
    if 'class="pb-live"' in context.get("body", ""):
        app.add_js_file("live/live.js", loading_method="defer")


def copy(app: Sphinx, exception: Exception | None) -> None:
    """The script, the pictures and the weights into the built site."""
    if exception is not None:
        return
    target = Path(app.outdir) / "_static" / "live"
    shutil.copytree(weights(), target, dirs_exist_ok=True)
    shutil.copyfile(LIVE / "dist" / "live.js", target / "live.js")
    shutil.copytree(LIVE / "pictures", target / "pictures", dirs_exist_ok=True)


def weights() -> Path:
    """The folder of the models' files; made in build/ where they are not there yet."""
    sources = [
        *sorted((ROOT / "patchbook" / "zoo").glob("tiny-*/*")),
        Path(__file__).with_name("live_weights.py"),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = ROOT / "build" / "live" / digest
    if not folder.is_dir():
        sys.path.insert(0, str(Path(__file__).parent))
        import live_weights

        from patchbook import load_model

        started = folder.with_name(f"{digest}.started")
        started.mkdir(parents=True, exist_ok=True)
        for name in live_weights.MODELS:
            live_weights.write(started, name, load_model(name, device="cpu"))
        started.rename(folder)
    return folder


def setup(app: Sphinx) -> dict:
    app.add_directive("live", Live)
    app.connect("html-page-context", page_context)
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
