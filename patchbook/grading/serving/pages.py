"""The pages: their templates, which escape all that they are given, and a graded work as data."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from patchbook.grading.report import pages as report
from patchbook.grading.report.comments import commented, read_comments
from patchbook.grading.report.groups import Kinds
from patchbook.grading.report.late import BadRule
from patchbook.grading.report.messages import Said, clean
from patchbook.grading.report.reading import Item, Work
from patchbook.grading.report.summing import next_step

HERE = Path(__file__).parent


class Pages:
    """Our templates before the report's: its page of a learner stands here in a frame of ours."""

    def __init__(self):
        self.templates: Environment = report.environment()
        self.templates.loader = ChoiceLoader(
            [FileSystemLoader(p) for p in (HERE / "templates", report.TEMPLATES)]
        )
        self.templates.filters |= {"ago": ago, "hour": hour, "span": span}

    def page(self, name: str, **words: Any) -> str:
        """A template's text, without signs that a page cannot show."""
        words = {"me": "", "token": "", "teacher": False} | words
        return clean(self.templates.get_template(f"{name}.html.j2").render(words))

    def feedback(self, work: str, grades: Path, **words: Any) -> str:
        """A learner's page of one upload, as the report writes it, with what is said to its groups now."""
        shown = with_comments(work_from(work), grades)
        return self.page("learner", learner="Your feedback", works=[shown], step=next_step([shown]), **words)


def with_comments(work: Work, grades: Path) -> Work:
    """A work with the words of comments.toml; a file that cannot be read costs nobody their page."""
    try:
        words = read_comments(grades)
    except BadRule as error:
        print(f"patchbook serve: {error}", file=sys.stderr)
        return work
    return commented([work], Kinds.read(grades), words)[0] if words else work


def stylesheet() -> str:
    """The report's, and what these pages have more."""
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in (report.TEMPLATES / "style.css", HERE / "static" / "serving.css")
    )


def data_of(work: Work) -> str:
    """A work as JSON."""
    handed_in = work.handed_in and work.handed_in.isoformat()
    return json.dumps(asdict(work) | {"handed_in": handed_in})


def work_from(data: str) -> Work:
    known = json.loads(data)
    items = tuple(Item(**item | {"said": Said(**item["said"])}) for item in known["items"])
    handed_in = known["handed_in"] and datetime.fromisoformat(known["handed_in"])
    return Work(**known | {"items": items, "handed_in": handed_in})


def ago(since: float) -> str:
    return span(time() - since)


def span(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 55:
        return f"{max(5, round(seconds / 5) * 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def hour(when: float) -> str:
    """The time of a day, here; with the day when it is another than today."""
    moment = datetime.fromtimestamp(when, UTC).astimezone()
    today = moment.date() == datetime.now(UTC).astimezone().date()
    return moment.strftime("%H:%M" if today else "%H:%M on %d %b")
