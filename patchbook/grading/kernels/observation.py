"""What runs in a learner's kernel beside the learner's code: a stream with an end, and the observation.

Nothing here decides anything. What it reports is a claim, which the judge holds against the reference.
"""

from base64 import b64encode
from importlib import import_module
from typing import Any

from ipykernel.iostream import OutStream

MOST_PRINTED = 10**6  # characters that one cell may print: a page of feedback shows far less
LARGEST = 32 * 2**20  # bytes of the records of one check
RECORD = "application/vnd.patchbook.record"


class ShortStream(OutStream):
    """Standard output or error of a kernel, cut after a million characters of one cell."""

    printed, cell = 0, None

    def write(self, string: str) -> int | None:
        cell = self.parent_header.get("msg_id")
        if cell != self.cell:
            self.cell, self.printed = cell, 0
        room = MOST_PRINTED - self.printed
        self.printed += len(string) if isinstance(string, str) else 0
        if isinstance(string, str) and len(string) > room:
            super().write(string[: max(room, 0)] + ("\n… the rest is cut …\n" if room > 0 else ""))
            return len(string)
        return super().write(string)


def report(module: str, exercise: str, implementation: Any, seeds: tuple[int, ...]) -> None:
    """Run the exercise's cases and send one record for each seed, as an output of this cell.

    Nothing watches for ready-made answers: there are none here, see kernels/withheld/.
    """
    from IPython import get_ipython

    from patchbook.checking import observe

    check = getattr(import_module(module), f"test_{exercise}").check
    records = [observe(check, implementation, seed, watch=False).to_bytes() for seed in seeds]
    if sum(map(len, records)) > LARGEST:
        raise ValueError(f"{exercise} returned more than {LARGEST // 2**20} MB")
    for data in records:  # at the end: a learner's function may clear the outputs above it
        get_ipython().display_pub.publish({RECORD: b64encode(data).decode()})
