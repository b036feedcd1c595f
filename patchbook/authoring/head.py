"""Cells that every notebook has: where things are, whether attempts are kept, and how far one is.

The first leads to Colab and to the book's pages, and shows the chapter's drawing; one under the set-up asks
for a consent; the last counts the checks that passed.

They are made for a course on GitHub: the addresses follow from the repository's, which stands in _config.yml.
A picture is loaded from the repository, since Colab shows no other. Where there is no network its alternative
text stands in its place, and nothing else is missing.
"""

import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from patchbook.authoring.course import Course

FOOT = """# How far you are: the open checks that passed in this session. Hidden ones run at grading.
import patchbook

patchbook.progress()"""
CONSENT = """# Off. With True each check that runs adds a line to a file beside this notebook: exercise,
# diagnosis, time; no name, no code. It is sent nowhere: give it to your teacher if you want to help.
import patchbook

patchbook.keep_attempts(False)"""
LABEL = "[![Open in Colab]("  # a head begins with it
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)
WIDTH = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
THEME = re.compile(r"var\(--[\w-]+, *([^)]+)\)")  # a colour of the book's theme, and what stands for it


def head(course: Course, chapter: str) -> NotebookNode | None:
    """The cell; None for a course that is not on GitHub. No page of the book shows it."""
    colab, book = course.colab(chapter), course.book()
    if colab is None:
        return None
    page = f"{book}/book/{chapter}.html"
    links = [
        f"[The ideas and pictures of this chapter]({page})",
        f"[words]({book}/book/glossary.html)",
        f"[further reading]({page}#further-reading)",
        f"[papers]({book}/book/bibliography.html)",
    ]
    parts = [f"{LABEL}{BADGE})]({colab})", " · ".join(links)]
    svg = drawing(course, chapter)
    if svg is not None:
        parts.append(f"![{described(svg)}]({course.raw(course.relative(drawing_path(course, chapter)))})")
    return new_markdown_cell("\n\n".join(parts), metadata={"tags": ["remove-cell"]})


def consent(course: Course, chapter: str) -> NotebookNode | None:
    """The cell under the set-up, by which a learner may keep attempts; None where the first is, too."""
    return _ours(CONSENT, course, chapter)


def foot(course: Course, chapter: str) -> NotebookNode | None:
    """The last cell; None where the first is, too."""
    return _ours(FOOT, course, chapter)


def _ours(source: str, course: Course, chapter: str) -> NotebookNode | None:
    """A cell that no page shows and that grading leaves out."""
    if course.colab(chapter) is None:
        return None
    return new_code_cell(source, metadata={"tags": ["remove-cell", "demo"]})


def is_head(cell: NotebookNode) -> bool:
    """Whether a cell is a notebook's head, also where an editor has lost its metadata."""
    return cell.cell_type == "markdown" and cell.source.startswith(LABEL)


def drawing_path(course: Course, chapter: str) -> Path:
    return course.root / "book" / "_static" / "drawings" / f"{chapter}.svg"


def drawing(course: Course, chapter: str) -> str | None:
    """The first drawing of the chapter's book page, as a file of its own: black on white in any theme."""
    page = course.root / "book" / f"{chapter}.md"
    found = SVG.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    if found is None:
        return None
    svg = THEME.sub(r"\1", found[0])
    width, height = WIDTH.search(svg).groups()
    svg = re.sub(r' style="[^"]*"', f' width="{width}" height="{height}"', svg, count=1)
    svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#1a1a1a" ', 1)
    paper = f'<rect width="{width}" height="{height}" fill="#fff" stroke="none"/>'
    return re.sub(r"^(<svg [^>]*>)", rf"\1\n{paper}", svg) + "\n"


def described(svg: str) -> str:
    """A drawing in words."""
    return re.search(r'aria-label="([^"]*)"', svg)[1]
