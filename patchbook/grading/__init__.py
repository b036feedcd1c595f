"""A folder of submissions in, marks out: a gradebook, a page of feedback each, and grades.csv.

    collect      folders, LMS downloads and Colab files become such folders; collect_* are its parts
    submissions  what a class handed in: folders of learners, read safely
    repair       metadata, ids and cells that an editor lost are put back from the released notebook
    plan         what is run of a submission: the source's checks and seeds; which cells only show
    execute      runs one notebook to its end, whatever its cells do; its checks are observed, not run
    predictions  those that rest on an unwritten exercise run again, where references are
    inside       the observation, in the learner's kernel
    judge        decides on what was observed, in a process that no learner's code has been in
    work, pool   a submission from file to judged notebook, in workers side by side
    cluster      the same tasks on a Dask cluster     remote   what its workers do
    kernel       which kernel runs a submission, and what it may see: chosen here and nowhere else
    provisioner  jupyter_client asks it for kernels that are forks of a warm process
    warm, forks  that process; servers whose forks answer
    withheld     the specifications, which no such fork has
    sandbox      the walls, the limits     keeper   the process beside each kernel     usage   what it uses
    servers      starts what a class needs
    outputs      what nbgrader scores, and what of it a learner may read
    pages        the top of a learner's page of feedback
    gradebook    nbgrader's course folder, its settings and its steps
    database     which gradebook it is: the file, or PostgreSQL
    trouble      what gradebook and disk may say: wait, stop, or one row's reason
    report       pages for learners and the teacher, CSV for an LMS
    results      marks, status and reason of one submission; grades.csv
    taken        hands nbgrader what the workers ran
    journal      what is done already: a killed grader goes on from it
    batch        one class: tasks out, results in, one writer
    show         the table and the progress lines
    gate         the marks of a chapter's own solutions and of its untouched stubs

Nothing here loads torch: learners' code does that, in its own process.
"""

_HOME = {"grade_class": "batch", "chapter_marks": "gate", "Result": "results"}
__all__ = ["Result", "chapter_marks", "grade_class"]


def __getattr__(name):
    """Import on first use: nbgrader takes a second to load, `patchbook --help` must not wait for it."""
    if name not in _HOME:
        raise AttributeError(f"module 'patchbook.grading' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"patchbook.grading.{_HOME[name]}"), name)
