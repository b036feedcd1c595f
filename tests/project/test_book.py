"""The book: builds without a warning, offline; links resolve; nothing hidden shows.

Both editions are built once. Executed cells are kept in build/jupyter-cache, keyed by the package's
source, so a second run is quick.
"""

import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book" / "_ext")]
import exercise_pages  # noqa: E402  (the folder is no package: Sphinx loads it by its path)
import patchbook_book  # noqa: E402
import picture  # noqa: E402

from tests.project.browser import CHROMIUM  # noqa: E402

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REGION = r"### BEGIN {0}.*?\n(.*?)### END {0}"
EDITIONS = ("self-study", "class")


def chapters() -> list[str]:
    """The chapters of _toc.yml, such as "01_induction_heads"."""
    listed = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return re.findall(r"^ *- file: book/(\d\d_\w+)$", listed, re.MULTILINE)


class Page(HTMLParser):
    """What a built page links to, loads and is called by; its text without tags."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.ids, self.links, self.loads, self.pieces = path, set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = "".join(self.pieces)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get("id"), attrs.get("name")}
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        elif tag in ("script", "img", "iframe") and attrs.get("src"):
            self.loads.append(attrs["src"])
        elif tag == "link" and attrs.get("rel") not in ("canonical", "search"):
            self.loads.append(attrs["href"])

    def handle_data(self, data):
        self.pieces.append(data)


@pytest.fixture(scope="session")
def built() -> dict[str, Path]:
    """The html folder of each edition."""
    folders = {}
    for edition in EDITIONS:
        out = ROOT / "build" / "test-book" / edition
        command = [sys.executable, str(ROOT / "book" / "build.py"), "--edition", edition]
        run = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-2000:]
        folders[edition] = out / "_build" / "html"
    return folders


@pytest.fixture(scope="session")
def pages(built) -> dict[str, dict[str, Page]]:
    """Every page of both editions, by its path: pages["class"]["book/index.html"]."""
    return {
        edition: {
            path.relative_to(folder).as_posix(): Page(path)
            for path in folder.rglob("*.html")
            if "_static" not in path.parts
        }
        for edition, folder in built.items()
    }


def hidden_lines(region: str) -> list[str]:
    """The lines inside one kind of region in all solutions, long enough to be told apart."""
    found = []
    for chapter in chapters():
        text = (ROOT / "solutions" / f"{chapter}.md").read_text(encoding="utf-8")
        for body in re.findall(REGION.format(region), text, re.DOTALL):
            found += [line.strip() for line in body.splitlines() if len(line.strip()) > 24]
    return found


def test_every_chapter_has_its_parts():
    assert chapters(), "_toc.yml lists no chapter"
    for chapter in chapters():
        for path in (f"book/{chapter}.md", f"solutions/{chapter}.md", f"exercises/{chapter}.ipynb"):
            assert (ROOT / path).is_file(), path
        assert find_spec(f"patchbook.tests.{chapter[3:]}"), f"tests of {chapter}"
    written = sorted(path.stem for path in (ROOT / "solutions").glob("*.md"))
    assert written == chapters(), "_toc.yml and solutions/ differ"


@pytest.mark.parametrize("edition", EDITIONS)
def test_links_between_pages_resolve(pages, edition):
    by_path = {page.path: page for page in pages[edition].values()}
    broken = []
    for page in by_path.values():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            known = by_path.get(target)
            if not target.is_file() or (known and parts.fragment and parts.fragment not in known.ids):
                broken.append(f"{page.path.name}: {link}")
    assert broken == []


@pytest.mark.parametrize("edition", EDITIONS)
def test_pages_load_nothing_from_elsewhere(pages, edition):
    for name, page in pages[edition].items():
        source = page.path.read_text(encoding="utf-8")
        assert "THEBE_JS_URL" not in source, f"{name}: thebe's constant, declared twice"
        assert not re.search(r"""(import|from|fetch\()\s*["']https?:""", source), name
        for loaded in page.loads:
            parts = urlsplit(loaded)
            assert not parts.netloc, f"{name} loads {loaded}"
            here = parts.scheme == "data" or not parts.path  # "#" is the page itself
            assert here or (page.path.parent / parts.path).is_file(), loaded


@pytest.mark.parametrize("edition", EDITIONS)
def test_colab_links_open_the_exercises_of_the_chapter(pages, edition):
    repository = CONFIG["repository"]["url"].removeprefix("https://github.com/")
    folder = {"self-study": "solutions", "class": "exercises"}[edition]
    for chapter in chapters():
        notebook = f"{repository}/blob/{CONFIG['repository']['branch']}/exercises/{chapter}.ipynb"
        for name in (f"book/{chapter}.html", f"{folder}/{chapter}.html"):
            colab = [link for link in pages[edition][name].links if link.startswith("https://colab.")]
            assert set(colab) == {f"https://colab.research.google.com/github/{notebook}"}, name


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("region", ["HIDDEN TESTS", "MARK SCHEME"])
def test_nothing_hidden_is_in_the_book(built, pages, edition, region):
    texts = {name: page.text for name, page in pages[edition].items()}
    others = [path for path in built[edition].parent.rglob("*.ipynb")]
    others += [path for path in built[edition].rglob("*") if path.suffix in (".txt", ".md")]
    texts |= {str(path): path.read_text(encoding="utf-8") for path in others if path.is_file()}
    lines = hidden_lines(region)
    assert lines
    for name, text in texts.items():
        assert f"### BEGIN {region}" not in text, name
        assert [line for line in lines if line in text] == [], name


def source_text(chapter: str) -> str:
    return (ROOT / "solutions" / f"{chapter}.md").read_text(encoding="utf-8")


def test_class_edition_has_no_solution(pages):
    lines = hidden_lines("SOLUTION")
    assert lines
    for chapter in chapters():
        shown = pages["class"][f"exercises/{chapter}.html"].text
        in_the_open = re.sub(REGION.format(r"\w+"), "", source_text(chapter), flags=re.DOTALL)
        assert [line for line in lines if line in shown and line not in in_the_open] == []
        assert f"solutions/{chapter}.html" not in pages["class"]


def test_self_study_edition_folds_its_solutions(pages):
    for chapter in chapters():
        source = source_text(chapter)
        page = pages["self-study"][f"solutions/{chapter}.html"]
        exercises = re.findall(r"^:exercise: (\w+)", source, re.MULTILINE)
        assert page.text.count("Show the solution") == len(exercises)
        functions = [exercise for exercise in exercises if f"def {exercise}(" in source]
        for exercise in functions:
            assert f'raise NotImplementedError("exercise {exercise}")' in page.text
        assert page.text.count("raise NotImplementedError") == len(functions)


@pytest.mark.parametrize("chapter", chapters())
def test_a_solution_says_that_all_is_right(built, chapter):
    """The build has run it from top to bottom, and stops at an error or a warning of any cell."""
    ran = built["self-study"].parent / "jupyter_execute" / "solutions" / f"{chapter}.ipynb"
    outputs = [o for c in nbformat.read(ran, 4).cells if c.cell_type == "code" for o in c.outputs]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert printed.count("✓") >= source_text(chapter).count("\n:check: ")
    assert "is not written yet" not in printed and not re.search(r"\bnan\b", printed)


def test_figures_have_captions_and_their_script(pages):
    seen = 0
    for name, page in pages["self-study"].items():
        source = page.path.read_text(encoding="utf-8")
        for sign, script in (
            ("plotly-graph-div", "plotly.min.js"),
            ("CircuitsVis.render(", "circuitsvis.js"),
        ):
            count = sum(script in loaded for loaded in page.loads)
            assert count == (sign in source), f"{name}: {script} is loaded {count} times"
            seen += sign in source
        figures = source.count('<figure class="pb-figure">')
        assert source.count("<figcaption>") >= figures, name
    assert seen


def test_the_readme_shows_a_picture_that_the_built_book_gives(built):
    shown = re.findall(r"!\[[^\]]+\]\((book/[^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [ROOT / path for path in shown] == [picture.PICTURE] and picture.PICTURE.is_file()
    page = built["self-study"] / picture.PAGE
    assert f"<strong>{picture.FIGURE}" in page.read_text(encoding="utf-8")
    if CHROMIUM is not None:
        width, height = struct.unpack(">II", picture.taken(page)[16:24])  # of a PNG
        assert (width, height) == (picture.WIDTH, 900)


EXERCISE = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

```{code-cell} ipython3
:exercise: double

# EXERCISE double
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

```{code-cell} ipython3
:check: double
:points: 1

# CHECK double
tests.test_double(double)
### BEGIN HIDDEN TESTS
tests.test_double(double, seed=1)
### END HIDDEN TESTS
```

+++ {"interpret": "why", "points": 2}

<!-- EXERCISE why -->
Why?

### BEGIN MARK SCHEME
One point for a reason.
### END MARK SCHEME

### BEGIN SOLUTION
Because.
### END SOLUTION
"""


def test_exercise_page_shows_the_stub_and_folds_the_solution():
    page = exercise_pages.exercise_page(EXERCISE, "https://example.org/course")
    stub, solution = page.split("```{code-cell}")[:2]
    assert 'def double(x):\n    raise NotImplementedError("exercise double")' in stub
    assert "return 2 * x" in solution and "hide-input" in solution
    assert "Show a model answer" in page and "Because." in page
    for hidden in ("seed=1", "One point", "###", "# CHECK", "<!--"):
        assert hidden not in page


def test_exercise_page_refuses_a_marker_without_a_partner():
    text = EXERCISE.replace("### END HIDDEN TESTS", "### END HIDDEN TEST")
    with pytest.raises(ValueError, match="'### BEGIN HIDDEN TESTS' has no partner"):
        exercise_pages.exercise_page(text, "https://example.org/course")


def test_cache_key_follows_the_package_source(tmp_path, monkeypatch):
    monkeypatch.setattr(patchbook_book, "ROOT", tmp_path)
    module = tmp_path / "patchbook" / "metrics.py"
    module.parent.mkdir()
    module.write_text("sign = 1\n")
    before = patchbook_book.source_hash()
    assert patchbook_book.source_hash() == before
    module.write_text("sign = -1\n")
    assert patchbook_book.source_hash() != before
