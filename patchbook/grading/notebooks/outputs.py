"""Outputs of cells: what of them any page can show, and which lines no learner may read."""

import re

from nbformat import NotebookNode

ANSI = re.compile(r"\x1b\[[0-9;]*m")
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
PLOTLY = "application/vnd.plotly.v1+json"
DRAWABLE = ("text/plain", "image/png", "image/jpeg")


def drawable(data: dict) -> dict:
    """Of an output's forms, those that any page can show; a figure's name where there are none."""
    if PLOTLY in data:
        return {"text/plain": f"[figure: {title_of(data[PLOTLY]) or 'untitled'}]"}
    kept = {form: data[form] for form in DRAWABLE if form in data}
    return kept or {"text/plain": "[interactive output]"}


def title_of(figure: object) -> object:
    """A figure's title; a learner may have sent anything as one."""
    for name in ("layout", "title", "text"):
        figure = figure.get(name) if isinstance(figure, dict) else None
    return figure


def hidden_lines(cell: NotebookNode) -> set[str]:
    """The lines a learner must not see, without the spaces around them; the region's markers too."""
    lines = {line.strip() for region in HIDDEN.findall(cell.source) for line in region.split("\n")}
    return (lines | {"### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"}) - {""}


def without(block: str, hidden: set[str]) -> str:
    """A block of a traceback, colours and all, without the lines that quote a hidden one."""
    return "\n".join(
        line for line in block.split("\n") if not any(text in ANSI.sub("", line) for text in hidden)
    )
