"""A page for every diagnosis: what a check saw, an answer that is wrong in this way, why, and how to mend it.

`diagnoses/index` has what the check of any exercise may say, and a list of all; `diagnoses/EXERCISE` what
its own may say. The words are those of the rows in tests/mistakes. The code is a learner's: of the bank of
wrong answers that tests the checks, of a row that is one expression, or the lines of a slip in our solution
(tests/project/slips); never a specification's. The class edition has no code.

What is read from the modules is kept in build/diagnoses: it takes some seconds of imports.
"""

import ast
import hashlib
import html
import importlib
import inspect
import json
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from running_pages import ROOT, cache_key

TEXTS = ROOT / "book" / "diagnoses.toml"
KEPT = ROOT / "build" / "diagnoses"
WRONG = [ROOT / "tests" / "project" / "answers", ROOT / "tests" / "project" / "slips"]
ORPHAN = "---\norphan: true\n---\n"  # reached by its address: no page lists 100 others in its margin
OTHERS = """:::{tip}
Read the one that your check named. The others are hints about mistakes that you have not made.
:::"""


def pages(edition: str) -> dict[str, str]:
    """The pages as Markdown by their names: "index", and each exercise that has a check."""
    found, texts = gathered(), tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    said = {name: row for name, row in found["exercises"].items()}
    for prediction in texts["prediction"]:
        for name in prediction["exercises"]:
            if name in said:
                said[name]["rows"] = [
                    predicted(id, row) for id, row in prediction.items() if id != "exercises"
                ]
    made = {name: page_of(name, row, solved=edition == "self-study") for name, row in said.items()}
    return made | {"index": index(texts["general"], found["messages"], said)}


def predicted(id: str, row: list[str]) -> dict[str, str]:
    saw, example, mend = row
    return {"id": id, "what": saw, "next": mend, "example": example, "code": ""}


def page_of(name: str, row: dict[str, Any], solved: bool) -> str:
    """What the check of one exercise may say."""
    parts = [
        f"{ORPHAN}# What can be wrong with `{name}`",
        f"{{ref}}`{row['title']} <{name}>`, an exercise of "
        f"[{row['chapter_title']}](../book/{row['chapter']}.md). "
        "What any check may say beside this is on [the page of all diagnoses](index.md).",
        OTHERS,
    ]
    for one in row["rows"]:
        example = one.get("example")
        saw = (
            one["what"] if example else f"One fault gives these values on every case: {literal(one['what'])}"
        )
        parts += [f"## {one['id']}", f"**What the check saw.** {saw}"]
        parts += [f"**An example.** {example}"] if example else []
        mend = one["next"] if example else literal(one["next"])
        parts += [f"**How to mend it.** {mend}"] if mend else []
        if one["code"] and solved:
            parts.append(folded("An answer that is wrong in this way", one["code"]))
    if solved and any(one["code"] for one in row["rows"]):
        parts[2] = OTHERS.replace(
            "made.", f"made. In code, `{RIGHT}` and names that are not defined stand for what is right."
        )
    if row["explained"]:
        parts.append(
            "This check compares with no one right answer: it measures the model in use, and looks whether "
            "what you said holds there. So a message never says which answer it wants."
        )
    return "\n\n".join(parts) + "\n"


def literal(text: str) -> str:
    """Text in which no sign is Markdown's."""
    return re.sub(r"([\\`*_{}\[\]<>$#|~])", r"\\\1", text)


def folded(summary: str, code: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n```python\n{code}\n```\n\n</details>"


def index(general: dict[str, dict], messages: dict[str, str], said: dict[str, dict]) -> str:
    """How to read a message, what any check may say, and all diagnoses by chapter."""
    parts = [
        "# What a check says",
        "A check that fails raises `CheckFailed`, and says in three lines what is wrong, where it shows, and "
        "what to look at next. The last line leads here: each kind of mistake has a short name, such as "
        "`transposed`, and a place with an example. First those that any check may give, then "
        "[each exercise's own](#each-exercises-own).",
        "The examples answer a toy exercise: `double(model, x)` gives twice the values of `x`, with axes "
        "`batch pos`, raises a ValueError where `x` is empty, and leaves the model alone.",
    ]
    for id, text in general.items():
        own = [name for name, row in said.items() if any(one["id"] == id for one in row["rows"])]
        links = ", ".join(f"[`{name}`]({name}.md)" for name in own)
        parts += [
            f"## {id}",
            f"**What the check saw.** {text['saw']}",
            f"```python\n{text['example'].strip()}\n```",
            f"```text\n{messages[id]}\n```",
            f"**Why it is wrong.** {text['why']}",
            f"**How to mend it.** {text['mend']}",
        ] + ([f"Said in its own words by {links}."] if own else [])
    parts += ["(each-exercises-own)=\n## Each exercise's own"]
    for title in dict.fromkeys(row["chapter_title"] for row in said.values()):
        parts.append(f"### {title}")
        mine = {name: row for name, row in said.items() if row["chapter_title"] == title}
        parts.append("\n".join(listed(name, row) for name, row in mine.items()))
    return "\n\n".join(parts) + "\n"


def listed(name: str, row: dict[str, Any]) -> str:
    """An exercise and its diagnoses with their addresses, in HTML: Sphinx would look each one up."""
    from patchbook.outline import anchor

    links = (
        f'<a class="reference internal" href="{name}.html#{anchor(one["id"])}">{html.escape(one["id"])}</a>'
        for one in row["rows"]
    )
    return f"- [`{name}`]({name}.md): {' · '.join(links)}"


# --- what the modules say


def gathered() -> dict[str, Any]:
    """Each exercise's rows, and what the check of the toy exercise says to each general example."""
    wrong = sorted(path for folder in WRONG for path in folder.iterdir() if path.is_file())
    sources = [*wrong, TEXTS, Path(__file__)]
    digest = hashlib.sha256(
        cache_key().encode() + b"".join(path.read_bytes() for path in sources)
    ).hexdigest()
    kept = KEPT / f"{digest[:16]}.json"
    if not kept.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob("*.json"):
            old.unlink()
        kept.write_text(
            json.dumps({"exercises": dict(exercises()), "messages": messages()}), encoding="utf-8"
        )
    return json.loads(kept.read_text(encoding="utf-8"))


def exercises() -> Iterator[tuple[str, dict[str, Any]]]:
    from patchbook.outline import chapters

    for chapter, its in chapters().items():
        tests = importlib.import_module(f"patchbook.tests.{chapter[3:]}")
        slips = slips_by_exercise(chapter)
        for name, exercise in its["exercises"].items():
            if exercise["check"]:
                check = getattr(tests, f"test_{name}").check
                codes = slips.get(name, {}) | own_code(check) | wrong_answers(check)
                rows = [
                    {"id": m.id, "what": m.what, "next": m.next, "code": codes.get(m.id, "")}
                    for m in check.mistakes
                ]
                yield name, {
                    "chapter": chapter, "chapter_title": its["title"], "title": exercise["title"],
                    "rows": rows, "explained": check.explain is not None,
                }  # fmt: skip


RIGHT = "right_answer"


def group_of(check) -> str:
    return check.reference.__module__.rpartition(".")[2]


def ours(module: str) -> ModuleType:
    """A module of the course's own tests."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"tests.project.{module}")


def slips_by_exercise(chapter: str) -> dict[str, dict[str, str]]:
    """exercise -> id of a diagnosis -> the lines of a solution with a slip in them."""
    lines: dict[str, dict[str, str]] = {}
    for slip in ours("slips").slips_of(chapter):
        lines.setdefault(slip.exercise.name, {})[slip.id] = slip.lines
    return lines


def wrong_answers(check) -> dict[str, str]:
    """The shortest of the bank's wrong answers for each diagnosis."""
    try:
        bank = ours(f"answers.{group_of(check)}")
    except ModuleNotFoundError:
        return {}
    mine = [answer for answer in bank.BANK if answer.exercise == check.exercise]
    right = {
        answer.implementation.__name__
        for answer in mine
        if not answer.diagnosis and callable(answer.implementation)
    }
    found: dict[str, str] = {}
    for answer in mine:
        function = answer.implementation
        if answer.diagnosis and isinstance(function, FunctionType):
            code = re.sub(r"\A(?:@.*\n)+", "", textwrap.dedent(inspect.getsource(function)))
            if code.startswith(f"def {function.__name__}("):
                code = called(
                    code.rstrip(), {function.__name__: check.exercise} | dict.fromkeys(right, RIGHT)
                )
                found[answer.diagnosis] = min(found.get(answer.diagnosis, code), code, key=len)
    return found


def own_code(check) -> dict[str, str]:
    """The rows whose wrong function is one expression."""
    try:
        module = importlib.import_module(f"patchbook.tests.mistakes.{group_of(check)}")
    except ModuleNotFoundError:
        return {}
    rows = {
        (call.args[0].value, call.args[1].lineno): call.args[1]
        for call in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and len(call.args) > 1 and isinstance(call.args[1], ast.Lambda)
        and isinstance(call.args[0], ast.Constant)
    }  # fmt: skip
    found = {}
    for mistake in check.mistakes:
        line = getattr(mistake.wrong, "__code__", None) and mistake.wrong.__code__.co_firstlineno
        if wrong := rows.get((mistake.id, line)):
            code = f"def {check.exercise}({ast.unparse(wrong.args)}):\n    return {ast.unparse(wrong.body)}"
            found[mistake.id] = called(
                code, {f"specifications.{check.exercise}": RIGHT, "specifications.": ""}
            )
    return found


def called(code: str, other: dict[str, str]) -> str:
    """Code with other names in it, and without underscores before those of the module it comes from."""
    for name, new in other.items():
        code = re.sub(
            rf"(?<![\w.]){re.escape(name)}(?!\w)" if name[-1] != "." else rf"\b{re.escape(name)}", new, code
        )
    return re.sub(r"(?<![\w.])_(?=[A-Za-z])", "", code)


# --- the toy exercise


def messages() -> dict[str, str]:
    """What the check of the toy exercise says to each general example."""
    general = tomllib.loads(TEXTS.read_text(encoding="utf-8"))["general"]
    return {id: str(failure(id, text["example"])) for id, text in general.items()}


def failure(id: str, example: str) -> AssertionError:
    """The CheckFailed that an answer to the toy exercise gets, which must be this diagnosis."""
    import torch
    import transformer_lens.patching

    from patchbook.checking import CheckFailed, judge, observe

    place: dict[str, Any] = {"torch": torch, "transformer_lens": transformer_lens}
    exec(compile(example, "<example>", "exec"), place)
    with torch.no_grad():
        check = toy(empty=id.endswith("-error"))
        try:
            judge(check, observe(check, place["double"]))
        except CheckFailed as failed:
            if failed.diagnosis == id:
                return failed
    raise ValueError(f"this example is not {id}:\n{example}")


def toy(empty: bool):
    """Twice the values of x; `empty`: with a case that wants a ValueError."""
    import torch
    from jaxtyping import Float
    from torch import Tensor

    from patchbook.checking import Case, checks
    from patchbook.checking.awkward import awkward_model

    def double(model, x: Float[Tensor, "batch pos"]) -> Float[Tensor, "batch pos"]:
        if x.numel() == 0:
            raise ValueError("x is empty")
        return 2 * x

    def given(length: int) -> Callable[[], dict[str, Any]]:
        values = torch.randn(1, length, generator=torch.Generator().manual_seed(length))
        return lambda: {"model": awkward_model(), "x": values}

    @checks(double)
    def test_double(seed):
        """A toy."""
        yield Case("3 positions", given(3))
        yield Case("5 positions", given(5))
        if empty:
            yield Case("no positions", given(0), raises=ValueError)

    return test_double.check
