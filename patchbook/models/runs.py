"""A count of the model's runs, shown under a notebook's cell from its third second on.

Sweeps and ablations of a learner's own run the model hundreds of times and say nothing; on a large model that
looks like a cell that hangs. The course's own sweeps have bars of their own (`patchbook.patching.progress`).
Nothing is shown where TQDM_DISABLE is set: in grading, and while the book is built.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

DELAY = 2  # seconds
_bars: list = []  # the running cell's, once its first run has begun


def count(model: nn.Module) -> None:
    """From now on the model's runs are counted, in a notebook; elsewhere nothing happens."""
    if "IPython" not in sys.modules or (shell := sys.modules["IPython"].get_ipython()) is None:
        return
    model.embed.register_forward_pre_hook(_one_more)
    if _cell_is_done not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _cell_is_done)


def _one_more(*_) -> None:
    if not _bars:
        from tqdm.auto import tqdm

        _bars.append(tqdm(desc="runs of the model", unit=" runs", delay=DELAY, leave=False))
    _bars[0].update()


def _cell_is_done(*_) -> None:
    while _bars:
        _bars.pop().close()
