"""A progress bar on what takes more than two seconds.

It is silent where TQDM_DISABLE is set: in grading kernels, and while the book is built.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")
DELAY = 2  # seconds


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items one by one, with a bar that says `what` from the third second on."""
    yield from tqdm(items, desc=what, delay=DELAY, leave=False)
