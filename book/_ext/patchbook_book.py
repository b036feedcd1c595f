"""What the book adds to Jupyter Book: frames around exercises, lean pages, Colab links.

| Sphinx event          | what happens here                                                       |
|-----------------------|-------------------------------------------------------------------------|
| config-inited         | pages run in warm kernels, through the cache of this state of the source |
| source-read           | links to exercises follow the book's addresses                          |
| doctree-read          | exercises get their frames, code tagged `code-at-end` goes there        |
| html-page-context     | scripts a page needs and no others, the Colab button                    |
| build-finished        | circuitsvis' script is copied from the installation; pages made lean    |
"""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import icons
from docutils import nodes
from lean_pages import lean
from running_pages import CACHE, cache_key, kernel
from sphinx.application import Sphinx

CHAPTER = re.compile(r"(?:book|exercises)/(?P<name>\d\d_\w+)")
LINK = re.compile(r"(?<=\.\./)solutions/(\d\d_\w+)\.md")
# "# 1 · Induction heads" in a notebook's JSON
TITLE = re.compile(r'^\s*"# \d+ · [^"\\\n]+', re.MULTILINE)
DRAWN = ('class="pb-plot"', 'class="pb-view"')  # what figures.js draws
REST = "Show the rest of this page's code, in its order"
CIRCUITSVIS = Path(find_spec("circuitsvis").origin).parent / "dist" / "cdn" / "iife.js"


def run_as_the_exercises_are(app: Sphinx, config) -> None:
    """Pages of the book use the cache and the kernel that the exercises have used."""
    config.patchbook_source_hash = cache_key()
    config.nb_execution_cache_path = str(CACHE / config.patchbook_source_hash)
    config.nb_kernel_rgx_aliases = {"python3": kernel()}


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Point links at the pages of exercises; a chapter's two pages share a title, but for one word."""
    if docname.startswith("exercises/"):
        source[0] = TITLE.sub(r"\g<0>: exercises", source[0], count=1)
    source[0] = LINK.sub(r"exercises/\1.ipynb", source[0])


def frame_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Put what belongs to an exercise, from below its heading to its check, into one frame."""
    for section in doctree.findall(nodes.section):
        title, *content = section.children
        if not title.astext().startswith("Exercise: "):
            continue
        checks = [i for i, node in enumerate(content) if "tag_check" in node.get("classes", [])]
        inner = next((i for i, node in enumerate(content) if isinstance(node, nodes.section)), len(content))
        end = checks[0] + 1 if checks else inner
        frame = nodes.container("", *content[:end], classes=["pb-exercise"])
        section.children = []
        section.extend([title, frame, *content[end:]])


def gather_code(app: Sphinx, doctree: nodes.document) -> None:
    """Fold away, in one bar at the page's end, the code that a reader of the text needs least."""
    cells = [
        cell for cell in doctree.findall(nodes.container) if "tag_code-at-end" in cell.get("classes", [])
    ]
    fold = nodes.container(nb_element="cell_code", classes=["cell"], hide_mode="input")
    fold["prompt_show"], fold["prompt_hide"] = REST, REST.replace("Show", "Hide")
    code = nodes.container(nb_element="cell_code_source", classes=["cell_input"])
    for cell in cells:
        source, *outputs = cell.children
        code += source.children
        cell.children = outputs
        if not outputs:
            cell.parent.remove(cell)
    if cells:
        fold += code
        doctree.children[-1].append(fold)


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


def colab_role(role, rawtext, text, line, inliner, options=None, content=None):
    """{colab}`01_induction_heads`, {colab}`words <01_induction_heads>`: opens the chapter's exercises."""
    theme = inliner.document.settings.env.config.html_theme_options
    words, chapter = re.fullmatch(r"(?:(.+) <)?(\w+)>?", text).groups()
    return [nodes.reference(rawtext, words or "Open in Colab", refuri=colab_url(theme, chapter))], []


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Lean pages and their icons; circuitsvis' script comes from the package, as its calls do."""
    if exception is not None:
        return
    shutil.copyfile(CIRCUITSVIS, Path(app.outdir) / "_static" / "vendor" / "circuitsvis.js")
    static = Path(app.outdir) / "_static"
    pages = {page: page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")}
    for page, text in pages.items():
        page.write_text(lean(text, searches=page.name == "search.html"), encoding="utf-8")
    script = (static / "scripts" / "fontawesome.js").read_text(encoding="utf-8")
    (static / "icons.css").write_text(icons.css(script, icons.used(pages.values())), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Register the events above; book/build.py has set the environment."""
    edition = os.environ.get("PATCHBOOK_EDITION", "self-study")
    app.add_config_value("patchbook_edition", edition, "env")
    app.tags.add(edition.replace("-", "_"))  # for {only} self_study
    app.add_config_value("patchbook_source_hash", "", "env")
    app.add_role("colab", colab_role)
    app.add_css_file("patchbook.css")
    app.add_js_file("reading.js")
    app.connect("config-inited", run_as_the_exercises_are)
    app.connect("source-read", read_source)
    app.connect("doctree-read", frame_exercises)
    app.connect("doctree-read", gather_code)
    app.connect("html-page-context", page_context, priority=900)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
