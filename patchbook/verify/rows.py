"""A row of `patchbook verify`: published, measured, difference, verdict."""

from dataclasses import dataclass

# What a figure is -> how far a measured one may be from it. The published numbers are rounded to 2 to 4
# digits, and other versions of the libraries add in another order.
TOLERANCES = {
    "logit": 0.05,
    "logit difference": 0.02,
    "probability": 0.005,
    "rank": 0,
    "heads found": 1,
    # measured on prompts of our own, because the paper's are not part of the file
    "logit difference, other prompts": 0.7,
    "share, other prompts": 0.15,
}


@dataclass(frozen=True)
class Row:
    """One published figure beside the measured one.

    kind: a key of TOLERANCES. measured: None where it cannot be measured; `why_not` then says why.
    left_out: the file does not hold what measuring needs, so the figure speaks neither for nor against.
    """

    section: str
    what: str
    published: float
    measured: float | None
    kind: str
    why_not: str = ""
    left_out: bool = False

    @property
    def difference(self) -> float | None:
        """Measured less published."""
        return None if self.measured is None else self.measured - self.published

    @property
    def within(self) -> bool:
        """Whether the measured figure is as near as it should be. Rounding of floats is forgiven."""
        return self.difference is not None and abs(self.difference) <= TOLERANCES[self.kind] + 1e-9

    @property
    def verdict(self) -> str:
        """ "ok", "differs", or why there is no measured figure."""
        if self.measured is None:
            return self.why_not
        return "ok" if self.within else "differs"
