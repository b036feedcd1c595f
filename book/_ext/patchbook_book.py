"""What the book adds to Jupyter Book: exercise pages, shared scripts, Colab links.

| Sphinx event          | what happens here                                                   |
|-----------------------|---------------------------------------------------------------------|
| config-inited         | the execution cache gets the hash of the package's source as its key |
|                       | pages run in warm kernels                                            |
| source-read           | sources of exercises become pages; links follow the edition         |
| html-page-context     | scripts a page needs, the Colab button, no thebe                    |
| build-finished        | circuitsvis' script is copied from the installation; pages made lean |
"""

import hashlib
import os
import re
import shutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from exercise_pages import exercise_page
from jupyter_client.kernelspec import find_kernel_specs
from lean_pages import lean
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = re.compile(r"(?:book|solutions|exercises)/(?P<name>\d\d_\w+)")
LINK = re.compile(r"(?<=\.\./)(?:solutions/(\d\d_\w+)\.md|exercises/(\d\d_\w+)\.ipynb)")
# their versions change outputs as much as our own source does
DRAWN_WITH = ("circuitsvis", "plotly", "torch", "transformer_lens")
# "# 1 · Induction heads" in Markdown or in a notebook's JSON: the chapter's two pages share it
HEADING = re.compile(r'^(?:\s*")?# \d+ · [^"\\\n]+', re.MULTILINE)
DRAWN = ('class="pb-plot"', 'class="pb-view"')  # what figures.js draws
CIRCUITSVIS = Path(find_spec("circuitsvis").origin).parent / "dist" / "cdn" / "iife.js"


def source_hash() -> str:
    """A hash of everything a page's cells import from us: outputs depend on it."""
    checks = (file for file in ROOT.glob("tests/**/*.py") if "project" not in file.parts)
    files = sorted([*ROOT.glob("patchbook/**/*"), *checks])
    digest = hashlib.sha256(" ".join(version(name) for name in DRAWN_WITH).encode())
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def key_the_cache(app: Sphinx, config) -> None:
    """jupyter-cache compares cells only: an edited package would leave old outputs in place."""
    config.patchbook_source_hash = source_hash()
    cache = ROOT / "build" / "jupyter-cache" / config.patchbook_source_hash  # for both editions
    config.nb_execution_cache_path = str(cache)


def warm_the_kernels(app: Sphinx, config) -> None:
    """Pages run in forks of one warm process: no page waits for imports, seven seconds. Forks need Linux."""
    if sys.platform == "linux" and "patchbook" in find_kernel_specs():
        config.nb_kernel_rgx_aliases = {"python3": "patchbook"}


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make the page of an exercise from its source; point links at the pages of this edition."""
    if docname.startswith("solutions/"):
        source[0] = exercise_page(source[0], app.config.html_theme_options["repository_url"])
    if docname.startswith(("solutions/", "exercises/")):
        source[0] = HEADING.sub(r"\g<0>: exercises", source[0], count=1)
    target = {"self-study": "solutions/{}.md", "class": "exercises/{}.ipynb"}
    wanted = target[app.config.patchbook_edition]
    source[0] = LINK.sub(lambda found: wanted.format(found[1] or found[2]), source[0])


def page_context(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Give each page the scripts it needs and no others, and a Colab button for its exercises."""
    body = context.get("body", "")
    if any(sign in body for sign in DRAWN):
        app.add_js_file("figures.js", loading_method="async")
    needless = ["thebe"] if 'class="math' in body else ["thebe", "MathJax", "mathjax"]
    scripts = context["script_files"]
    scripts[:] = [script for script in scripts if not any(name in _said(script) for name in needless)]
    buttons = context.get("header_buttons", [])
    buttons[:] = [b for b in buttons if b.get("label") != "launch-buttons"]
    if chapter := CHAPTER.match(pagename):
        buttons.insert(0, _colab_button(app, chapter["name"]))


def _said(script) -> str:
    """A script's address and text. (sphinx-thebe's text is an error on each page, even when it is off.)"""
    return f"{script} {getattr(script, 'attributes', '')}"


def _colab_button(app: Sphinx, chapter: str) -> dict[str, str]:
    return {
        "type": "link",
        "text": "Colab",
        "tooltip": "Open the exercises of this chapter in Colab",
        "icon": "_static/images/logo_colab.png",
        "label": "launch-colab",
        "url": colab_url(app.config.html_theme_options, chapter),
    }


def colab_url(options: dict, chapter: str) -> str:
    """Colab opens notebooks, not Markdown: the link goes to the exercises, whatever the page."""
    site, path = options["launch_buttons"]["colab_url"], f"exercises/{chapter}.ipynb"
    repository = options["repository_url"].removeprefix("https://github.com/").strip("/")
    return f"{site}/github/{repository}/blob/{options['repository_branch']}/{quote(path)}"


def colab_role(role, rawtext, chapter, line, inliner, options=None, content=None):
    """{colab}`01_induction_heads`: a link that opens the chapter's exercises in Colab."""
    theme = inliner.document.settings.env.config.html_theme_options
    return [nodes.reference(rawtext, "Open in Colab", refuri=colab_url(theme, chapter))], []


def finish(app: Sphinx, exception: Exception | None) -> None:
    """circuitsvis' script comes from the installed package, of one version with what it draws."""
    if exception is not None:
        return
    shutil.copyfile(CIRCUITSVIS, Path(app.outdir) / "_static" / "vendor" / "circuitsvis.js")
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(lean(text, searches=page.name == "search.html"), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Register the events above; kernels of the build inherit the environment set here."""
    os.environ["PATCHBOOK_FIGURES"] = "book"
    os.environ["PATCHBOOK_MODEL"] = "tiny-gpt2"  # ships with the package: the same pages anywhere
    os.environ["PATCHBOOK_DEVICE"] = "cpu"
    os.environ["TQDM_DISABLE"] = "1"  # a progress bar on a page is noise
    edition = os.environ.get("PATCHBOOK_EDITION", "self-study")  # book/build.py sets it
    app.add_config_value("patchbook_edition", edition, "env")
    app.tags.add(edition.replace("-", "_"))  # for {only} self_study
    app.add_config_value("patchbook_source_hash", "", "env")
    app.add_role("colab", colab_role)
    app.add_css_file("patchbook.css")
    app.connect("config-inited", key_the_cache)
    app.connect("config-inited", warm_the_kernels)
    app.connect("source-read", read_source)
    app.connect("html-page-context", page_context, priority=900)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
