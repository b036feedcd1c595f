"""The book: builds without a warning, offline; links resolve; nothing hidden shows.

test_book_in_a_browser.py looks at the same build: see built_book.py.
"""

import re
import struct
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

from tests.project import built_book
from tests.project.built_book import EDITIONS

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "book" / "_ext")]
import diagnosis_pages  # noqa: E402
import exercise_pages  # noqa: E402  (the folder is no package: Sphinx loads it by its path)
import picture  # noqa: E402
import running_pages  # noqa: E402

from patchbook import outline  # noqa: E402
from tests.project.browser import CHROMIUM  # noqa: E402

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
CAPTION = re.compile(r"<figcaption>\s*(?=[^\s<]|<[ib]>).*?</figcaption>", re.DOTALL)
REGION = r"### BEGIN {0}.*?\n(.*?)### END {0}"


def chapters() -> list[str]:
    """The chapters of _toc.yml, such as "01_induction_heads"."""
    listed = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return re.findall(r"^ *- file: book/(\d\d_\w+)$", listed, re.MULTILINE)


def figures_of(source: str) -> list[str]:
    """The HTML of a page's figures."""
    return re.findall(r'<figure class="pb-figure".*?</figure>', source, re.DOTALL)


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


@pytest.fixture(scope="module")
def built() -> dict[str, Path]:
    """The html folder of each edition."""
    return {edition: built_book.built(edition) for edition in EDITIONS}


@pytest.fixture(scope="module")
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


def exercise_pages_of(pages: dict[str, Page], chapter: str) -> list[Page]:
    """The opening of a chapter's exercises, and the pages of its sections."""
    start = f"exercises/{chapter}"
    return [page for name, page in pages.items() if name == f"{start}.html" or name.startswith(f"{start}/")]


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
    for chapter in chapters():
        notebook = f"{repository}/blob/{CONFIG['repository']['branch']}/exercises/{chapter}.ipynb"
        for page in [pages[edition][f"book/{chapter}.html"], *exercise_pages_of(pages[edition], chapter)]:
            colab = [link for link in page.links if link.startswith("https://colab.")]
            assert set(colab) == {f"https://colab.research.google.com/github/{notebook}"}, page.path


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
        shown = "".join(page.text for page in exercise_pages_of(pages["class"], chapter))
        in_the_open = re.sub(REGION.format(r"\w+"), "", source_text(chapter), flags=re.DOTALL)
        assert [line for line in lines if line in shown and line not in in_the_open] == []
        assert "Show the solution" not in shown and "Show a model answer" not in shown


def test_self_study_edition_folds_its_solutions(pages):
    for chapter in chapters():
        source = source_text(chapter)
        shown = "".join(page.text for page in exercise_pages_of(pages["self-study"], chapter))
        exercises = re.findall(r"^:exercise: (\w+)", source, re.MULTILINE)
        assert shown.count("Show the solution") == len(exercises)
        functions = [exercise for exercise in exercises if f"def {exercise}(" in source]
        for exercise in functions:
            assert f'raise NotImplementedError("exercise {exercise}")' in shown
        assert shown.count("raise NotImplementedError") == len(functions)


@pytest.mark.parametrize("chapter", chapters())
def test_a_solution_says_that_all_is_right(built, chapter):
    """The build has run it from top to bottom, and stops at an error or a warning of any cell."""
    ran = built["self-study"].parents[1] / "sources" / "exercises"
    pages = [nbformat.read(path, 4) for path in (ran / f"{chapter}.ipynb", *(ran / chapter).iterdir())]
    outputs = [o for page in pages for c in page.cells if c.cell_type == "code" for o in c.outputs]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert printed.count("✓") >= source_text(chapter).count("\n:check: ")
    assert "is not written yet" not in printed and not re.search(r"\bnan\b", printed)


def test_figures_have_a_text_alternative_and_their_script(pages):
    seen = 0
    for name, page in pages["self-study"].items():
        source = page.path.read_text(encoding="utf-8")
        drawn = 'class="pb-plot"' in source or 'class="pb-view"' in source
        assert sum("figures.js" in loaded for loaded in page.loads) == drawn, name
        assert not any("plotly" in loaded or "circuitsvis" in loaded for loaded in page.loads), name
        for figure in figures_of(source):
            assert 'aria-label="' in figure or ('class="pb-view"' in figure and CAPTION.search(figure)), name
        seen += drawn
    assert seen


def test_figures_of_a_chapter_say_what_is_to_be_seen_and_the_caption_stays_when_a_drawing_scrolls(pages):
    for chapter in built_book.running():
        source = pages["self-study"][f"book/{chapter}.html"].path.read_text(encoding="utf-8")
        figures = figures_of(source)
        drawings = [figure for figure in figures if '<div class="pb-drawing"><svg' in figure]
        assert figures and drawings, chapter
        for figure in figures:
            assert CAPTION.search(figure), re.search('aria-label="[^"]*"', figure)[0]
            assert "Largest:" not in CAPTION.search(figure)[0], (
                "the machine's summary is the text alternative"
            )
        assert all("</svg></div>" in figure for figure in drawings), chapter


def test_a_chapter_keeps_the_code_that_teaches_at_its_place_and_the_rest_in_one_bar(pages):
    for chapter in chapters():
        page = pages["self-study"][f"book/{chapter}.html"]
        tags = re.findall(
            r"^:tags: \[(.+)\]$", (ROOT / "book" / f"{chapter}.md").read_text("utf-8"), re.MULTILINE
        )
        assert page.text.count("Show the code") == tags.count("hide-input"), chapter
        assert page.text.count("Show the rest of this page's code") == 1, chapter
        assert tags.count("hide-input") <= 5 and "code-at-end" in tags, chapter


def test_the_readme_shows_a_picture_that_the_built_book_gives(built):
    shown = re.findall(r"!\[[^\]]+\]\((book/[^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [ROOT / path for path in shown] == [picture.PICTURE] and picture.PICTURE.is_file()
    page = built["self-study"] / picture.PAGE
    assert f"<strong>{picture.FIGURE}" in page.read_text(encoding="utf-8")
    if CHROMIUM is not None:
        width, height = struct.unpack(">II", picture.taken(page)[16:24])  # of a PNG
        assert (width, height) == (picture.WIDTH, 900)


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_a_check_may_say_has_its_place_in_the_book(pages, edition):
    exercises = diagnosis_pages.gathered()["exercises"]
    given = {(name, row["id"]) for name, its in exercises.items() for row in its["rows"]}
    given |= {(name, id) for name in exercises for id in outline.GENERAL}
    broken = []
    for name, id in given:
        page = pages[edition].get(f"{outline.page(name, id)}.html")
        if page is None or outline.anchor(id) not in page.ids:
            broken.append((name, id))
    assert len(given) > 1000 and broken == []


def test_a_page_draws_its_icons_without_a_font_of_all_icons(built, pages):
    drawn = set(re.findall(r"\.fa-([\w-]+)::before", (built["self-study"] / "_static/icons.css").read_text()))
    assert {"bars", "github", "chevron-down", "circle-half-stroke"} <= drawn
    for name, page in pages["self-study"].items():
        themed = any("pydata-sphinx-theme" in loaded for loaded in page.loads)  # not the page that leads on
        assert sum("icons.css" in loaded for loaded in page.loads) == themed, name
        assert not any("fontawesome" in loaded for loaded in page.loads), name


def test_formulas_alone_bring_their_script_and_no_script_holds_up_the_text(pages):
    with_formulas = 0
    for name, page in pages["self-study"].items():
        source = page.path.read_text(encoding="utf-8")
        formulas = 'class="math' in source
        assert any("mathjax" in loaded for loaded in page.loads) == formulas, name
        with_formulas += formulas
        waited_for = re.findall(r'<script(?![^>]*(?:defer|async))[^>]*src="([^"]+)"', source)
        assert [script for script in waited_for if "documentation_options" not in script] == [], name
        assert ("searchindex.js" in source) == (name == "search.html")
    assert 0 < with_formulas < len(pages["self-study"])


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_exercise_is_in_a_frame_and_can_be_linked_to(pages, edition):
    for chapter in chapters():
        names = re.findall(r'(?:^:exercise: |"interpret": ")(\w+)', source_text(chapter), re.MULTILINE)
        opening, *sections = exercise_pages_of(pages[edition], chapter)
        source = "".join(page.path.read_text(encoding="utf-8") for page in sections)
        assert source.count('<div class="pb-exercise docutils container">') == len(names)
        assert source.count('<ul class="pb-chips">') == len(names)
        for name in names:
            anchor = name.replace("_", "-").lower()
            assert any(link.endswith(f"#{anchor}") for link in opening.links), name
            assert sum(anchor in page.ids for page in sections) == 1, name


def test_the_script_that_draws_is_of_the_version_that_describes():
    plotly = Path(find_spec("plotly").origin).parent / "package_data" / "plotly.min.js"
    vendored = ROOT / "book" / "_static" / "vendor" / "plotly"
    versions = [
        re.search(r"plotly\.js[^\n]* v([\d.]+)", path.read_text(encoding="utf-8")[:300])[1]
        for path in (plotly, vendored / "plotly-cartesian.min.js")
    ]
    assert versions[0] == versions[1]
    assert "MIT" in (vendored / "LICENSE").read_text(encoding="utf-8")


def test_the_workflows_call_what_there_is():
    workflows = [yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    steps = [step for flow in workflows for job in flow["jobs"].values() for step in job["steps"]]
    commands = {step["run"] for step in steps if "run" in step}
    assert commands == {"make site", "make wheel", ".ci/run"}
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {command.removeprefix("make ") for command in commands if " " in command} <= set(targets)
    (published,) = [step["with"]["path"] for step in steps if "upload-pages" in step.get("uses", "")]
    assert published == "build/site"


EXERCISE = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# 0 · Doubles

## 1 Twice

```python
## not a heading
```

### Exercise: twice a number

*Difficulty ●●○○○ · Importance ●○○○○ · 5 minutes · 1 point*

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

### Exercise: why

*Difficulty ●○○○○ · Importance ●○○○○ · 5 minutes · 2 points*

+++ {"interpret": "why", "points": 2}

<!-- EXERCISE why -->
Why?

### BEGIN MARK SCHEME
One point for a reason.
### END MARK SCHEME

### BEGIN SOLUTION
Because.
### END SOLUTION

+++

## Quiz

## Take away
"""


def test_exercise_pages_show_the_stub_and_fold_the_solution():
    notebook = exercise_pages.shown(EXERCISE, "https://example.org/course")
    _, stub, solution, check, _, question, answer, _ = notebook.cells
    assert 'def double(x):\n    raise NotImplementedError("exercise double")' in stub.source
    assert "return 2 * x" in solution.source and "hide-input" in solution.metadata.tags
    assert check.source == "tests.test_double(double)" and question.source.endswith("Why?")
    assert "Show a model answer" in answer.source and "Because." in answer.source
    text = "".join(cell.source for cell in notebook.cells)
    for hidden in ("seed=1", "One point", "### BEGIN", "### END", "# CHECK", "<!--"):
        assert hidden not in text


def test_the_class_gets_no_solution():
    notebook = exercise_pages.shown(EXERCISE, "https://example.org/course", solved=False)
    text = "".join(cell.source for cell in notebook.cells)
    assert "NotImplementedError" in text and "return 2 * x" not in text and "Because." not in text


def test_pages_are_cut_at_sections_and_not_inside_of_code():
    notebook = exercise_pages.shown(EXERCISE, "https://example.org/course")
    pages = exercise_pages.split(notebook, "00_doubles")
    assert list(pages) == ["index", "1-twice", "quiz"]
    contents = pages["index"].cells[-1].source
    assert "[1 Twice](00_doubles/1-twice.ipynb)" in contents
    assert "{ref}`twice a number <double>`, 1 point" in contents
    first = pages["1-twice"].cells[0].source
    assert first.startswith("# 1 Twice") and "(double)=\n## Exercise: twice a number" in first
    assert "<b>1 of 2</b>" in first and 'aria-label="2 of 5"' in first and "## not a heading" in first
    assert [cell.source for cell in pages["quiz"].cells] == ["# Quiz", "## Take away"]


def test_an_exercise_without_a_partner_of_its_marker_is_refused():
    text = EXERCISE.replace("### END HIDDEN TESTS", "### END HIDDEN TEST")
    with pytest.raises(ValueError, match="'### BEGIN HIDDEN TESTS' has no partner"):
        exercise_pages.shown(text, "https://example.org/course")


def test_cache_key_follows_the_package_source(tmp_path, monkeypatch):
    monkeypatch.setattr(running_pages, "ROOT", tmp_path)
    module = tmp_path / "patchbook" / "metrics.py"
    module.parent.mkdir()
    module.write_text("sign = 1\n")
    before = running_pages.cache_key()
    assert running_pages.cache_key() == before
    module.write_text("sign = -1\n")
    assert running_pages.cache_key() != before


def test_a_cell_that_fails_stops_the_build(tmp_path):
    notebook = exercise_pages.shown(
        EXERCISE.replace("return 2 * x", "return 2 *"), "https://example.org/course"
    )
    with pytest.raises(RuntimeError, match="doubles: a cell failed"):
        running_pages.executed(notebook, tmp_path / "doubles.ipynb", tmp_path / "cache")


def test_a_chapter_that_is_not_to_run_shows_what_it_printed_when_it_ran(tmp_path):
    text = EXERCISE.replace("tests.test_double(double)", "print(double(21))")

    def executed(**options):
        notebook = exercise_pages.shown(text, "https://example.org/course")
        return running_pages.executed(notebook, tmp_path / "doubles.ipynb", tmp_path / "cache", **options)

    assert executed(wanted=False) is None
    executed()
    outputs = [cell.outputs for cell in executed(wanted=False).cells if cell.cell_type == "code"]
    assert "42" in str(outputs)
