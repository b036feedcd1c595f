"""The pages of diagnoses: each one that a check may give has its place, and no answer is given away."""

import importlib
import pkgutil
import re
import sys
import tomllib
from collections import Counter

import pytest

from patchbook.authoring import find_course
from patchbook.checking import CheckFailed
from patchbook.grading.report.messages import Said
from patchbook.grading.report.pages import environment
from patchbook.grading.report.reading import WRONG, Item, Work
from patchbook.outline import GENERAL, address, address_in, anchor, page
from tests.project import answers

ROOT = find_course().root
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import diagnosis_pages  # noqa: E402  (the folder is no package: Sphinx loads it by its path)

HEADING = re.compile(r"^## (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return diagnosis_pages.pages("class")


@pytest.fixture(scope="module")
def places(pages) -> set[str]:
    """Every place of every page, such as "diagnoses/index#transposed"."""
    return {f"diagnoses/{name}#{anchor(id)}" for name, text in pages.items() for id in HEADING.findall(text)}


def test_what_any_check_may_say_is_explained():
    assert set(tomllib.loads(diagnosis_pages.TEXTS.read_text(encoding="utf-8"))["general"]) == GENERAL


def test_every_wrong_answer_of_the_bank_is_led_to_its_place(places):
    """So is, by `test_checks.py`, what the checks say to them."""
    banks = [
        importlib.import_module(f"{answers.__name__}.{m.name}")
        for m in pkgutil.iter_modules(answers.__path__)
    ]
    given = {
        (a.exercise, a.diagnosis) for bank in banks for a in bank.BANK if address(a.exercise, a.diagnosis)
    }
    assert len(given) > 500
    assert [pair for pair in given if f"{page(*pair)}#{anchor(pair[1])}" not in places] == []


def test_every_row_has_a_place_of_its_own(pages, places):
    rows = [
        (name, row["id"])
        for name, its in diagnosis_pages.gathered()["exercises"].items()
        for row in its["rows"]
    ]
    assert len(rows) > 1000
    assert {f"diagnoses/{name}#{anchor(id)}" for name, id in rows} <= places
    for name, text in pages.items():
        twice = [id for id, count in Counter(map(anchor, HEADING.findall(text))).items() if count > 1]
        assert not twice, name


def test_a_class_gets_no_code_and_others_what_is_wrong_in_it(pages):
    others = diagnosis_pages.pages("self-study")
    assert all("```python" not in text for name, text in pages.items() if name != "index")
    bare = [
        (name, part.split("\n")[0])
        for name, text in others.items()
        for part in text.split("\n\n## ")[1:]
        if "```python" not in part and "**An example.**" not in part
    ]
    assert bare == [], "add a slip to tests/project/slips"
    code = "\n".join(re.findall(r"```python\n(.*?)```", "".join(others.values()), re.DOTALL))
    assert "specifications" not in code and not re.search(r"(?<![\w.])_[a-z]", code)


def test_the_address_is_the_books_and_only_the_books():
    failed = CheckFailed("attention_from_q_and_k", "no-scale", "…")
    book = find_course().book()
    assert failed.more == f"{book}/diagnoses/attention_from_q_and_k.html#no-scale"
    assert str(failed).endswith(f"\n  More:  {failed.more}") and address_in(str(failed)) == failed.more
    assert (
        CheckFailed("attention_from_q_and_k", "transposed", "…").more
        == f"{book}/diagnoses/index.html#transposed"
    )
    assert CheckFailed("an_exercise_of_another_course", "no-scale", "…").more == ""
    for forged in ("https://example.org/", "javascript:alert(1)", f"{book}.example.org/diagnoses/"):
        assert address_in(f"wrong\n  More:  {forged}") == ""


def test_reports_lead_to_the_book():
    item = Item("attention_from_q_and_k", 3, 0, WRONG, Said("…"), "no-scale")
    other = Item("of_another_course", 3, 0, WRONG, Said("…"), "no-scale")
    work = Work("ada", "00_hooks_and_caches", "ok", 6, items=(item, other))
    words = environment().get_template("learner.html.j2").render(learner="ada", works=[work], step=("", ""))
    assert re.findall(r'href="(http[^"]+)"', words) == [address(item.exercise, "no-scale")]
