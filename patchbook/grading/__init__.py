"""A folder of submissions in, marks out: a gradebook, a page of feedback each, and grades.csv.

The way of a submission, in order; each package's own docstring is its map:

    collect     folders, LMS downloads and Colab files become a folder of submissions
    notebooks   one of them is read and repaired; the plan says what is run of it
    kernels     where it runs: a fork of a warm process, behind walls
    judging     it is run to its end, and what was observed is judged elsewhere
    gradebook   nbgrader's folders and database take the marks
    running     a class of them, in workers side by side or on a cluster
    report      pages for learners and the teacher, CSV for an LMS
    serving     all of it at once, for a class that hands in on a web page
    platforms   the same marks where teachers already are: Gradescope, GitHub, JupyterHub

A package imports those above it only (collect: of these, notebooks); a test holds it to that.
Nothing here loads torch: learners' code does that, in its own process.
"""

from patchbook import starting  # noqa: F401  (first)

_HOME = {
    "grade_class": "running.batch",
    "chapter_marks": "running.release_gate",
    "Result": "gradebook.results",
}
__all__ = ["Result", "chapter_marks", "grade_class"]


def __getattr__(name):
    """Import on first use: nbgrader takes a second to load, `patchbook --help` must not wait for it."""
    if name not in _HOME:
        raise AttributeError(f"module 'patchbook.grading' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"patchbook.grading.{_HOME[name]}"), name)
