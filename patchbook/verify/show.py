"""The table that `patchbook verify` prints, section by section as the figures come in."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from patchbook.verify.rows import Row

UNKNOWN = "not recorded in the file"


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def table_of(rows: Iterable[Row], title: str) -> Table:
    """Published, measured, difference, verdict."""
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("figure", overflow="fold")
    for name in ("published", "measured", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in rows:
        gap = "–" if row.difference is None else f"{row.difference:+.4g}"
        cells = (repr(row.what)[1:-1], number(row.published), number(row.measured), gap, row.verdict)
        table.add_row(*(cell.replace("[", r"\[") for cell in cells))
    return table


def show(screen: Console, rows: Iterable[Row], figures: dict[str, Any]) -> list[Row]:
    """Print each section as soon as it is measured; return all rows."""
    seen = []
    for section, group in groupby(rows, key=lambda row: row.section):
        source = figures[section].get("source", UNKNOWN)
        seen += (its_rows := list(group))
        screen.print(table_of(its_rows, f"{section} · source: {source}"))
    return seen


def summary(rows: list[Row]) -> str:
    """One line: how many agree, how many do not, how many could not be asked."""
    counted = [row for row in rows if not row.left_out]
    right = sum(row.within for row in counted)
    left = len(rows) - len(counted)
    rest = f"; {left} left out" if left else ""
    return f"{right} of {len(counted)} figures within tolerance{rest}."
