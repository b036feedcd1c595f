"""Whose session this is: a person's at a notebook, a page's of the book, or a grader's. Needs no torch."""

import os


def on_a_page() -> bool:
    """Whether a page of the book runs this, which is nobody's session."""
    return os.environ.get("PATCHBOOK_FIGURES") == "book"


def is_nobodys() -> bool:
    """Whether no learner sits here: a page of the book, or a notebook that is graded."""
    return on_a_page() or "NBGRADER_EXECUTION" in os.environ
