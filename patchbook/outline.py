"""What the course asks, as data, and where its book explains what a check says.

`tests/chapters.json` is made by `make exercises`: see authoring/outline.py. Where it is missing, or has
nothing of an exercise, as for another course's, there are no chapters and no addresses. Nothing here needs
torch.
"""

import functools
import json
import re
from importlib.resources import files
from typing import Any

# What the check of any exercise may say. The book has one page for these, and one for each exercise.
GENERAL = frozenset({
    "autograd-left-on", "changed-input", "contract", "extra-axis", "first-difference", "hooks-left",
    "missing-axis", "needs-another", "no-error", "not-written", "off-by-one", "raised", "ready-made",
    "reversed", "transposed", "wrong-error", "wrong-offset", "wrong-scale", "wrong-sign",
})  # fmt: skip


# Of these: an answer that is not begun, or calls one that is not. It is no mistake.
UNWRITTEN = frozenset({"not-written", "needs-another"})


@functools.cache
def _course() -> dict[str, Any]:
    try:
        return json.loads((files("patchbook.tests") / "chapters.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def chapters() -> dict[str, dict[str, Any]]:
    """Every chapter's title and exercises; {} where the file is missing."""
    return _course().get("chapters", {})


def chapter_of(exercise: str) -> dict[str, Any] | None:
    """The chapter that asks an exercise; None where none does."""
    return next((chapter for chapter in chapters().values() if exercise in chapter["exercises"]), None)


def address(exercise: str, diagnosis: str) -> str:
    """Where the book explains a diagnosis; "" where it has no page of the exercise."""
    book = _course().get("book")
    if not book or not diagnosis or chapter_of(exercise) is None:
        return ""
    return f"{book}/{page(exercise, diagnosis)}.html#{anchor(diagnosis)}"


def address_in(message: str) -> str:
    """The address at a message's end; "" where there is none, or one that is not the book's."""
    found = re.search(r"^  More:  (\S+)$", message, re.MULTILINE)
    book = _course().get("book")
    return found[1] if found and book and found[1].startswith(f"{book}/diagnoses/") else ""


def page(exercise: str, diagnosis: str) -> str:
    """The page's name in the book."""
    return "diagnoses/index" if diagnosis in GENERAL else f"diagnoses/{exercise}"


def anchor(diagnosis: str) -> str:
    """The diagnosis's place on its page: "no-b_U" is at "no-b-u"."""
    return re.sub(r"[^a-z0-9]+", "-", diagnosis.lower()).strip("-")
