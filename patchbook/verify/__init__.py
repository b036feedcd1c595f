"""`patchbook verify`: the figures that others published, recomputed on a model.

published_figures.json   the figures as data, with their source where it is known (GPT-2 small)
rows.py                  one row: published, measured, difference, verdict; and how far apart is too far
ioi.py  capitals.py  days.py   how each figure of a section is measured

    for row in recomputed(load_model("gpt2-small"), read_figures()):
        print(row.what, row.published, row.measured, row.verdict)

Heavy libraries are imported by the measuring modules only: the command's help must start without torch.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from patchbook.verify.rows import Row

__all__ = ["SECTIONS", "Row", "read_figures", "recomputed"]

SECTIONS = ("ioi", "capitals", "days")


def read_figures(path: Path | None = None) -> dict[str, Any]:
    """The published figures: those that ship with Patchbook, or a file of the same layout."""
    shipped = files("patchbook.verify") / "published_figures.json"
    return json.loads((path or shipped).read_text())


def recomputed(model, figures: dict[str, Any]) -> Iterator[Row]:
    """Every figure beside what the model gives, section by section; sections that are not there are left out.

    Args:
        model: a TransformerBridge in compatibility mode, as `load_model` gives it.
        figures: what `read_figures` gives.
    """
    for section in SECTIONS:
        if section in figures:
            measuring = import_module(f"patchbook.verify.{section}")
            yield from measuring.rows(model, figures)
