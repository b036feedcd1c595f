"""Claims about a circuit, and numbers that are judged by lines drawn before anyone looked at them.

A number speaks for a claim from one line on, against it from another on, and is open in between. Which side
of a line is the good one follows from the lines: `supports=0.5, opposes=0.2` wants much, `supports=0.1,
opposes=0.3` wants little.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

VERDICTS = ("for", "against", "open")


@dataclass(frozen=True)
class Evidence:
    """One measured number beside a claim.

    >>> Evidence("the circuit alone keeps {:.0%}", 0.95, supports=0.8, opposes=0.5).verdict
    'for'

    Args:
        text: what was measured, with a place for the number.
        value: the number. nan: it could not be measured.
        supports: the line from which on it speaks for the claim.
        opposes: the line from which on it speaks against it.

    Raises ValueError if both lines are the same: then nobody can tell which side is good.
    """

    text: str
    value: float
    supports: float
    opposes: float

    def __post_init__(self):
        if self.supports == self.opposes:
            raise ValueError(f"wanted two different lines, but both are {self.supports}: {self.text!r}.")

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        if math.isnan(self.value):
            return "open"
        good = 1 if self.supports > self.opposes else -1  # where much is good, else where little is
        if good * self.value >= good * self.supports:
            return "for"
        return "against" if good * self.value <= good * self.opposes else "open"

    @property
    def said(self) -> str:
        """The text with its number; with a question mark where there is none."""
        if math.isnan(self.value):
            return re.sub(r"\{.*?\}", "?", self.text) + " (not measured)"
        return self.text.format(self.value)


def argued(claim: str, evidence: Sequence[Evidence], untested: str = "") -> str:
    """A claim with its evidence under it, sorted by what it says.

    >>> print(argued("It moves names.", [Evidence("it copies {:.0%}", 0.9, 0.75, 0.25)], "other models"))
    It moves names.
      for:      it copies 90%
      untested: other models
    """
    lines = [(verdict, item.said) for verdict in VERDICTS for item in evidence if item.verdict == verdict]
    if untested:
        lines.append(("untested", untested))
    return "\n".join([claim, *(f"  {verdict + ':':<9} {said}" for verdict, said in lines)])
