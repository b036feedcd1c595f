"""Answers to the capstone: verdicts, tasks, circuits, claims. A function stands for the value it returns."""

import functools

from patchbook.patching.declared import worked
from patchbook.patching.graph import Graph

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
YEAR = ["January", "February", "March", "April", "May", "June"]
YEAR += ["July", "August", "September", "October", "November", "December"]
NAMES_EXAMPLE, DAYS_EXAMPLE = worked("names"), worked("days")


def rows(text, words, first=0, shift=3):
    """A prompt for each word: the text with it and the next; the one after the last that is said is right."""
    spoken, found, n = text.count("{"), [], len(words)
    for i in range(first, first + 7):
        said = [[words[(start + k) % n] for k in range(2)] for start in (i, i + shift)]
        clean, corrupted = (text.format(*some) for some in said)
        answer, last = f" {words[(i + spoken) % n]}", f" {words[(i + spoken - 1) % n]}"
        found.append({"clean": clean, "corrupted": corrupted, "right": answer, "wrong": last})
    return found


def task(**changed):
    whole = {
        "model": "tiny-gpt2",
        "metric": "logit difference",
        "prompts": rows("{0}, {1} and", WEEK),
        "falsify": rows("Today it is {0}, tomorrow it is", WEEK),
    }
    return whole | changed


def with_prompt(**changed):
    """The task with one prompt changed."""
    first, *others = rows("{0}, {1} and", WEEK)
    return task(prompts=[first | changed, *others])


# my_verdicts
@right("my_verdicts")
def as_stated_in_the_files():
    return {"names": NAMES_EXAMPLE["verdict"], "days": DAYS_EXAMPLE["verdict"]}


@right("my_verdicts")
def written_down():
    return {"names": "holds", "days": "fails"}


@right("my_verdicts")
def in_another_order():
    return dict([("days", "fails"), ("names", "holds")])


@wrong("my_verdicts", "misjudged-days")
def both_hold():
    return {"names": "holds", "days": "holds"}


@wrong("my_verdicts", "misjudged-names")
def both_fail():
    return {"names": "fails", "days": "fails"}


@wrong("my_verdicts", "misjudged-days")
def undecided_about_days():
    return {"names": "holds", "days": "open"}


@wrong("my_verdicts", "not-verdicts")
def one_word():
    return "days"


@wrong("my_verdicts", "not-verdicts")
def true_and_false():
    return {"names": True, "days": False}


@wrong("my_verdicts", "not-written")
def verdicts_left_open():
    return _unwritten("my_verdicts")


def _unwritten(exercise):
    raise NotImplementedError(f"exercise {exercise}")


# my_task
@right("my_task")
def lists_of_days():
    return task()


@right("my_task")
def months_by_probability():
    return task(metric="probability difference", prompts=rows("{0}, {1} and", YEAR))


@right("my_task")
def other_sentences():
    return task(falsify=rows("Today it is {0} so tomorrow it is", WEEK))


@wrong("my_task", "not-a-task")
def a_list_of_prompts():
    return rows("{0}, {1} and", WEEK)


@wrong("my_task", "not-a-task")
def nothing_that_may_falsify_it():
    return {name: value for name, value in task().items() if name != "falsify"}


@wrong("my_task", "unknown-model")
def a_model_that_does_not_ship():
    return task(model="gpt2-small")


@wrong("my_task", "unknown-metric")
def a_metric_of_its_own():
    return task(metric=["kl"])


@wrong("my_task", "how-many")
def two_prompts():
    return task(prompts=rows("{0}, {1} and", WEEK)[:2])


@wrong("my_task", "not-prompts")
def without_a_wrong_answer():
    return with_prompt(wrong=None)


@wrong("my_task", "same-prompt")
def a_corruption_that_changes_nothing():
    return with_prompt(corrupted="Monday, Tuesday and")


@wrong("my_task", "lengths-differ")
def a_longer_prompt():
    return with_prompt(clean="Monday and then Tuesday and")


@wrong("my_task", "not-one-token")
def two_tokens_for_one():
    return with_prompt(right=" Wednesday morning")


@wrong("my_task", "one-answer")
def right_is_wrong():
    return with_prompt(right=" Tuesday")


@wrong("my_task", "twice")
def the_same_prompt_twice():
    return task(prompts=[*rows("{0}, {1} and", WEEK), rows("{0}, {1} and", WEEK)[0]])


@wrong("my_task", "same-elsewhere")
def the_same_again():
    return task(falsify=rows("{0}, {1} and", WEEK))


@wrong("my_task", "no-behaviour")
def what_the_model_does_not_do():
    turned = [row | {"right": row["wrong"], "wrong": row["right"]} for row in rows("{0}, {1} and", WEEK)]
    return task(prompts=turned)


@wrong("my_task", "survives-corruption")
def a_corruption_beside_the_point():
    there, here = (f"At the {p} it is {{0}}, tomorrow it is" for p in ("park", "school"))
    pairs = zip(rows(there, WEEK), rows(here, WEEK), strict=True)
    return task(falsify=[one | {"corrupted": other["clean"]} for one, other in pairs])


@wrong("my_task", "worked-example")
def the_example():
    return DAYS_EXAMPLE


@wrong("my_task", "not-written")
def task_left_open():
    return _unwritten("my_task")


# my_circuit
@functools.cache
def labels():
    return [edge.label for edge in Graph(4, 6).edges]


def without_mlps(layer):
    return [label for label in labels() if f"MLP {layer}" not in label]


@right("my_circuit")
def the_edges_of_an_example():
    return task(prompts=rows("Today it is {0} so tomorrow it is", WEEK), edges=DAYS_EXAMPLE["edges"])


@right("my_circuit")
def some_of_it_is_more_than_chance():
    return task(edges=DAYS_EXAMPLE["edges"])


@right("my_circuit")
def twice_the_same_edge():
    edges = DAYS_EXAMPLE["edges"]
    return task(prompts=rows("Today it is {0} so tomorrow it is", WEEK), edges=[*edges, edges[0]])


@wrong("my_circuit", "no-edges")
def a_task_without_edges():
    return task()


@wrong("my_circuit", "no-edges")
def heads_by_number():
    return task(edges=[(0, 1), (2, 3)])


@wrong("my_circuit", "no-such-edge")
def a_head_for_an_edge():
    return task(edges=["L0H1"])


@wrong("my_circuit", "too-large")
def nearly_everything():
    return task(edges=without_mlps(0)[:600])


@wrong("my_circuit", "no-path")
def from_nowhere():
    return task(edges=["L0H1 -> logits", "L0H2 -> L1H0.q"])


@wrong("my_circuit", "no-better-than-chance")
def one_thin_path():
    return task(edges=["embedding -> logits"])


@wrong("my_circuit", "worked-example")
def the_examples_own():
    return NAMES_EXAMPLE


@wrong("my_circuit", "how-many")
def a_circuit_of_no_task():
    return task(prompts=[], edges=["embedding -> logits"])


@wrong("my_circuit", "not-written")
def circuit_left_open():
    return _unwritten("my_circuit")


# my_claims
@right("my_claims")
def the_example_that_holds():
    return NAMES_EXAMPLE


@right("my_claims")
def the_example_that_fails():
    return DAYS_EXAMPLE


@right("my_claims")
def one_that_is_honest_about_little():
    declared = task(edges=["embedding -> logits"])
    figures = {"sufficient": 0.0, "low": 0.0, "chance": 0.0, "necessary": 0.0, "elsewhere": 0.0}
    return declared | {"figures": figures, "verdict": "fails"}


@wrong("my_claims", "overclaimed")
def it_holds_all_the_same():
    return DAYS_EXAMPLE | {"verdict": "holds"}


@wrong("my_claims", "underclaimed")
def too_modest():
    return NAMES_EXAMPLE | {"verdict": "open"}


@wrong("my_claims", "figure-off")
def as_good_elsewhere():
    whole = DAYS_EXAMPLE
    return whole | {"figures": whole["figures"] | {"elsewhere": 0.9}}


@wrong("my_claims", "figure-off")
def in_percent():
    whole = NAMES_EXAMPLE
    return whole | {"figures": {name: 100 * value for name, value in whole["figures"].items()}}


@wrong("my_claims", "no-figures")
def only_a_verdict():
    return {name: value for name, value in NAMES_EXAMPLE.items() if name != "figures"}


@wrong("my_claims", "no-figures")
def a_figure_that_is_none():
    whole = NAMES_EXAMPLE
    return whole | {"figures": whole["figures"] | {"low": float("nan")}}


@wrong("my_claims", "no-verdict")
def no_word_for_it():
    return NAMES_EXAMPLE | {"verdict": "perhaps"}


@wrong("my_claims", "no-edges")
def claims_about_nothing():
    return NAMES_EXAMPLE | {"edges": []}


@wrong("my_claims", "not-written")
def claims_left_open():
    return _unwritten("my_claims")
