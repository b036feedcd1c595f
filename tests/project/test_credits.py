"""Whose work the course stands on: what is listed is cited, what is cited is listed, each chapter says so."""

import re
from pathlib import Path

import pytest

from patchbook.authoring import find_course

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = find_course().chapters


def page(name: str) -> str:
    return (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")


def test_every_entry_of_the_bibliography_is_cited_and_every_citation_has_one():
    listed = re.findall(
        r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.M
    )
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md"))
    cited = {key for keys in re.findall(r"\{cite:[pt]\}`([\w,]+)`", pages) for key in keys.split(",")}
    assert sorted(listed) == sorted(cited)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_says_whose_work_it_follows_and_what_to_read_next(chapter):
    text = page(chapter)
    assert "[Credits and sources](credits.md)" in text
    reading = text.split("## Further reading")[1]
    assert len(re.findall(r"^- .*\{cite:p\}", reading, re.M)) >= 3
    assert '"Credits and sources"' in (ROOT / "solutions" / f"{chapter}.md").read_text(encoding="utf-8")


def test_a_glossary_term_is_explained_by_its_own_entry():
    """Terms that stand directly under one another share an entry: only those that mean the same may."""
    listed = page("glossary").split("```{glossary}\n")[1]
    entries = re.findall(r"((?:^\w.*\n)+)(?=^  )", listed, re.M)
    shared = [tuple(terms.splitlines()) for terms in entries if terms.count("\n") > 1]
    assert sorted(shared) == [("activation patching", "patching"), ("indirect object identification", "IOI")]
