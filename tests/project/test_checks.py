"""The release gate of the checks: right answers pass, wrong ones are told what is wrong, readably."""

import importlib
import itertools
import pkgutil
import re
from collections import Counter

import pytest

from patchbook.checking import CheckFailed, Record, judge, observe
from patchbook.checking.comparing import agree
from patchbook.checking.errors import NEEDS_ANOTHER, NOT_WRITTEN
from patchbook.checking.record import Raised, as_data
from patchbook.checking.references import value_of
from patchbook.outline import address

from . import answers
from .answers import Answer
from .discriminating import weakness
from .mutation import CHAPTERS, exercises_of

TOPICS = tuple(chapter[3:] for chapter in CHAPTERS)
MOST_LINES = 12
UNWRITTEN = (NOT_WRITTEN, NEEDS_ANOTHER)


def modules(package: str, names) -> list:
    return [importlib.import_module(f"{package}.{name}") for name in names]


TESTS = {
    name.removeprefix("test_"): test
    for module in modules("patchbook.tests", TOPICS)
    for name, test in vars(module).items()
    if name.startswith("test_")
}
GROUPS = sorted(  # those of chapters: one that is being written has answers before it has a text
    {test.__module__.rpartition(".")[2] for test in TESTS.values()}
    & {module.name for module in pkgutil.iter_modules(answers.__path__)}
)
BANKS = {
    name: module.BANK for name, module in zip(GROUPS, modules("tests.project.answers", GROUPS), strict=True)
}
ANSWERS = [answer for bank in BANKS.values() for answer in bank]
RIGHT = [a for a in ANSWERS if not a.diagnosis]
WRONG = [a for a in ANSWERS if a.diagnosis]
HIDDEN = {e.name: e.seeds[-1] for chapter in CHAPTERS for e in exercises_of(chapter)}  # seeds
BENCHES = {name: test.check.bench for name, test in TESTS.items() if test.check.bench}
FIRST = list({a.exercise: a for a in reversed(ANSWERS)}.values())  # one of each exercise


def label(answer: Answer) -> str:
    return f"{answer.exercise}-{answer.name}"


@pytest.mark.parametrize("answer", RIGHT, ids=label)
def test_right_answers_pass(answer, capfd):
    seed = HIDDEN.get(answer.exercise, 0) if RIGHT.index(answer) % 2 else 0  # as many on one as on the other
    assert TESTS[answer.exercise](answer.implementation, seed=seed) is None
    printed = capfd.readouterr()
    assert re.fullmatch(r"✓ .+\n(  \d+ of \d+ checks passed · .+ points\n)?", printed.out)
    assert printed.err == ""


@pytest.mark.parametrize("answer", WRONG, ids=label)
def test_wrong_answers_are_told_what_is_wrong(answer, capfd):
    seed = HIDDEN.get(answer.exercise, 1) if answer.diagnosis in UNWRITTEN else 0  # else a line, and no error
    with pytest.raises(CheckFailed) as failure:
        TESTS[answer.exercise](answer.implementation, seed=seed)
    assert failure.value.diagnosis == answer.diagnosis, str(failure.value)
    message = str(failure.value)
    words = message.removesuffix(address(answer.exercise, answer.diagnosis))
    assert failure.value.more == message.removeprefix(words)
    assert len(message.splitlines()) < MOST_LINES and "patchbook/" not in words
    assert failure.value._render_traceback_() == [f"CheckFailed: {message}"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("answer", FIRST, ids=label)
def test_a_record_judged_elsewhere_gives_the_same_verdict(answer):
    check = TESTS[answer.exercise].check
    there = Record.from_bytes(observe(check, answer.implementation).to_bytes())
    judge(check, there)


@pytest.mark.parametrize("exercise", TESTS)
def test_a_group_of_exercises_has_one_name(exercise):
    """Cases, specification, mistakes (a prediction has none) and answers are modules of the same name."""
    group = TESTS[exercise].__module__.rpartition(".")[2]
    check = TESTS[exercise].check
    assert check.reference.__module__ == f"patchbook.tests.specifications.{group}"
    if check.mistakes:
        (mistakes,) = modules("patchbook.tests.mistakes", [group])
        assert tuple(getattr(mistakes, exercise, ())) == check.mistakes
    if check.bench:
        (mistakes,) = modules("patchbook.tests.mistakes", [group])
        assert getattr(mistakes, exercise) is check.bench
    elsewhere = [
        name for name, bank in BANKS.items() if name != group and exercise in {a.exercise for a in bank}
    ]
    assert not elsewhere, f"answers of {exercise} belong in answers/{group}.py"


@pytest.mark.parametrize("exercise", TESTS)
def test_every_exercise_has_enough_answers(exercise):
    count = Counter(bool(a.diagnosis) for a in ANSWERS if a.exercise == exercise)
    assert count[True] >= 5, "wrong answers"
    assert count[False] >= 3, "right answers"


@pytest.mark.parametrize("exercise", TESTS)
def test_the_cases_tell_every_mistake_from_the_reference_and_the_others(exercise):
    """A learner's values get the name of the first row that gives the same ones: it must be the right row."""
    check = TESTS[exercise].check
    rows = [("reference", check.reference), *((m.id, m.wrong) for m in check.mistakes)]
    values = [(name, [value_of(check, row, case) for case in check.cases(0)]) for name, row in rows]
    for (a, first), (b, second) in itertools.combinations(values, 2):
        assert not all(map(agree, second, first)), f"{b} gives the same values as {a} on every case"
    given = [number for number, case in enumerate(check.cases(0)) if not case.raises]
    broken = [name for name, its in values if given and all(isinstance(its[i], Raised) for i in given)]
    assert not broken, "a way of going wrong that only raises is nobody's values"


@pytest.mark.parametrize("exercise", [name for name, test in TESTS.items() if test.check.compares])
def test_every_case_tells_right_from_wrong_by_far(exercise):
    check = TESTS[exercise].check
    weak = {case.description: weakness(check, case) for case in check.cases(0)}
    assert not any(weak.values()), weak


@pytest.mark.parametrize("exercise", BENCHES)
def test_the_courses_own_cases_refuse_every_wrong_function_and_accept_every_right_one(exercise):
    bench, cases = BENCHES[exercise], TESTS[exercise].check.reference()
    assert bench.function == exercise.removeprefix("cases_for_")
    assert len(bench.right) >= 3 and bench.enough <= len(bench.wrong) <= 6
    assert bench.explain({}, cases) is None and all(bench.caught(cases).values())
    rows = {wrong.id: [bench.gives(case, wrong.wrong) for case in cases] for wrong in bench.wrong}
    for (a, first), (b, second) in itertools.combinations(rows.items(), 2):
        assert not all(map(agree, second, first)), f"{b} gives the same values as {a} on every case"


@pytest.mark.parametrize("exercise", BENCHES)
def test_right_functions_agree_on_whatever_a_right_answer_gives_them(exercise):
    bench = BENCHES[exercise]
    cases = [case for a in RIGHT if a.exercise == exercise for case in as_data(a.implementation())]
    assert cases and not [c for c in cases if not all(bench.accepts(c, right) for right in bench.right)]


@pytest.mark.parametrize("exercise", BENCHES)
def test_cases_that_all_expect_the_same_thing_of_one_input_are_not_enough(exercise):
    """A trivial list: the docstring's example, however often. And a wrong expectation refuses a right one."""
    bench, (case, *_) = BENCHES[exercise], least_telling(exercise)
    for some in ([], [case], [case] * 3):
        assert bench.explain({}, some).id in ("no-cases", "slipped-through")
    assert bench.explain({}, [case | {"expect": "?"}]).id == "refuses-right"


def least_telling(exercise):
    """The cases of the answers that are too few, those first that refuse least."""
    few = [a for a in WRONG if (a.exercise, a.diagnosis) == (exercise, "slipped-through")]
    cases = [case for answer in few for case in as_data(answer.implementation())]
    return sorted(cases, key=lambda case: sum(BENCHES[exercise].caught([case]).values()))


@pytest.mark.parametrize("exercise", TESTS)
def test_an_untouched_stub_is_called_unwritten_and_stops_nothing(exercise, capsys):
    def stub(*args, **kwargs):
        raise NotImplementedError(f"exercise {exercise}")

    TESTS[exercise](stub)
    assert re.fullmatch(rf"○ {exercise} is not (written|answered) yet\.\n", capsys.readouterr().out)
    with pytest.raises(CheckFailed, match=r"not (written|answered) yet"):
        TESTS[exercise](stub, seed=HIDDEN.get(exercise, 1))


def test_names_are_unique():
    ids = [(a.exercise, a.name) for a in ANSWERS]
    assert len(ids) == len(set(ids))
    for test in TESTS.values():
        assert not [a for a, b in itertools.pairwise(sorted(m.id for m in test.check.mistakes)) if a == b]
