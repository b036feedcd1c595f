"""Tables as text: what a notebook prints beside its figures."""

import re
from collections.abc import Iterable, Sequence

GAP = "  "  # between two columns, however wide their entries are
NUMBER = re.compile(r"[-+−]?[\d.,]+(:1| ?%)?|nan|-|")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lines of aligned columns, at least two spaces apart at any width.

    >>> print(table(["name", "odds"], [["Mary", "156,591.4:1"], ["Martin", "2.1:1"]]))
    name           odds
    Mary    156,591.4:1
    Martin        2.1:1

    Args:
        header: one title for each column; "" for none.
        rows: entries, format numbers as you like. Columns of numbers stand on the right.

    Raises ValueError for a row with another number of entries than the header.
    """
    lines = [[str(entry) for entry in row] for row in [header, *rows]]
    odd = next((line for line in lines if len(line) != len(header)), None)
    if odd is not None:
        raise ValueError(f"wanted {len(header)} entries in each row, as in the header, but got {odd}.")
    columns = [_column(title, entries) for title, *entries in zip(*lines, strict=True)]
    return "\n".join(GAP.join(line).rstrip() for line in zip(*columns, strict=True))


def _column(title: str, entries: list[str]) -> list[str]:
    """Title and entries, each filled up to the widest."""
    width = max(map(len, [title, *entries]))
    right = all(NUMBER.fullmatch(entry) for entry in entries)
    return [entry.rjust(width) if right else entry.ljust(width) for entry in [title, *entries]]
