"""Points taken off for lateness: "10%/day" of the points earned, for each day or hour that has begun."""

import re
from dataclasses import dataclass
from datetime import datetime
from math import ceil

RULE = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*/\s*(day|hour)")
SECONDS = {"day": 86_400, "hour": 3_600}


class BadRule(ValueError):
    """A rule or a date that cannot be read; the message says how one is written."""


@dataclass(frozen=True)
class Policy:
    """share: of the points earned, for each `unit` begun.  due: by chapter; "" for every other chapter."""

    share: float
    unit: str
    due: dict[str, datetime]

    def penalty(
        self,
        chapter: str,
        handed_in: datetime | None,
        points: float | None,
        until: datetime | None = None,
    ) -> float | None:
        """Points to take off; None where the time, the due date or the points are not known.

        until: a learner's own date, if it is later.
        """
        due = self.due.get(chapter, self.due.get(""))
        due = max(due, until) if due and until else due
        if due is None or handed_in is None or points is None:
            return None
        begun = ceil(max(0.0, (handed_in - due).total_seconds()) / SECONDS[self.unit])
        return min(points, points * self.share * begun)


def policy_of(rule: str | None, due: tuple[str, ...]) -> Policy | None:
    """From the command line: "10%/day", and dates such as "2026-11-01T23:59" or "01_induction_heads=…".

    A date without an offset is in this machine's time zone. Raises BadRule.
    """
    if not rule and not due:
        return None
    if not rule or not due:
        raise BadRule('say both, such as --late "10%/day" --due 2026-11-01T23:59')
    return Policy(*share_of(rule), dict(_due(text) for text in due))


def share_of(rule: str) -> tuple[float, str]:
    """ "10%/day" -> (0.1, "day"). Raises BadRule."""
    found = RULE.fullmatch(rule.strip())
    if found is None:
        raise BadRule(f'{rule!r} is no rule; write it as "10%/day", or "%/hour"')
    return float(found[1]) / 100, found[2]


def _due(text: str) -> tuple[str, datetime]:
    chapter, _, when = text.rpartition("=")
    try:
        return chapter, datetime.fromisoformat(when).astimezone()
    except ValueError:
        raise BadRule(f"{when!r} is no date; write it as 2026-11-01T23:59") from None
