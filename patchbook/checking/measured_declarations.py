"""Declared circuits, measured again: what is wrong with a learner's task, circuit, claims or reading."""

import functools
from collections.abc import Callable
from typing import Any

from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis
from patchbook.patching.declared import Unfit, edges_of, measured, measured_on, task_of, worked

EXAMPLES = ("names", "days")
VERDICTS = ("fails", "open", "holds")  # each says more than those before it
CLAIMED = ("sufficient", "low", "chance", "necessary", "elsewhere")
NEAR = 0.05  # of a figure as measured
MOST = 1000.0  # that a share may be stated as
MARGIN = 0.1  # above the best of the random circuits

Explained = Callable[[Any], Diagnosis | None]


def _told(explain: Explained) -> Explained:
    """What cannot be measured is a diagnosis."""

    @functools.wraps(explain)
    def told(value: Any) -> Diagnosis | None:
        try:
            return explain(value)
        except Unfit as unfit:
            return Diagnosis(unfit.id, unfit.what, unfit.next)

    return told


@functools.lru_cache(maxsize=1)
def verdicts() -> dict[str, str]:
    """The verdict on each worked example, measured anew."""
    return {name: measured(worked(name)).verdict for name in EXAMPLES}


def wrong_verdicts(value: Any) -> Diagnosis | None:
    """What is wrong with a learner's verdicts on the examples."""
    if not isinstance(value, dict) or {*value} != {*EXAMPLES} or not all(map(_is_verdict, value.values())):
        return Diagnosis(
            "not-verdicts",
            f"this is {describe(value)}; wanted a verdict for each example.",
            'Such as {"names": "holds", "days": "open"}: each is "holds", "fails" or "open".',
        )
    for name, verdict in verdicts().items():
        if value[name] != verdict:
            return Diagnosis(
                f"misjudged-{name}",
                f"the claim of the example {name!r} does not end as you say.",
                "Compare the prompts under falsify with those that the circuit was found on. What do both "
                "need, and what does only one of them need?",
            )
    return None


@_told
def wrong_task(value: Any) -> Diagnosis | None:
    """What is wrong with a declared task."""
    task_of(value)
    return _borrowed(value)


@_told
def wrong_circuit(value: Any) -> Diagnosis | None:
    """What is wrong with a declared circuit. It need not be good: it must be more than chance."""
    task = task_of(value)
    edges = edges_of(value, task)
    if borrowed := _borrowed(value):
        return borrowed
    found = measured_on(task, edges)
    if found.sufficient < found.chance + MARGIN:
        return Diagnosis(
            "no-better-than-chance",
            f"these {found.edges} edges alone do {found.sufficient:.0%} of it; the best random circuit of "
            f"that size does {found.chance:.0%}.",
            "Score the edges by attribution, and keep the largest. How many does it take?",
        )
    return None


@_told
def wrong_claims(value: Any) -> Diagnosis | None:
    """What is wrong with claims about a declared circuit: figures that are not so, a verdict beyond them."""
    task = task_of(value)
    edges = edges_of(value, task)
    figures = value.get("figures")
    if not isinstance(figures, dict) or not all(_is_share(figures.get(name)) for name in CLAIMED):
        return Diagnosis(
            "no-figures",
            "wanted a number under 'figures' for each of " + ", ".join(CLAIMED) + ".",
            "They are shares: 0.25 is a quarter. Measure the circuit, and write down what comes out.",
        )
    if not _is_verdict(value.get("verdict")):
        return Diagnosis("no-verdict", f"wanted one of {', '.join(VERDICTS)} under 'verdict'.", "")
    found = measured_on(task, edges)
    for name in CLAIMED:
        if abs(figures[name] - getattr(found, name)) > NEAR:
            return Diagnosis(
                "figure-off",
                f"{name!r} is {getattr(found, name):.2f} when measured again; you state {figures[name]:.2f}.",
                "Is it the figure of this circuit, on these prompts, with this metric? Measure it once more.",
            )
    stated, measured_again = VERDICTS.index(value["verdict"]), VERDICTS.index(found.verdict)
    if stated == measured_again:
        return None
    if stated > measured_again:
        return Diagnosis(
            "overclaimed",
            f"you say that the claim {_said(value['verdict'])}; by the lines it {_said(found.verdict)}.",
            "Print the evidence: which figure is not for it? A claim that fails is a result. Say so.",
        )
    return Diagnosis(
        "underclaimed",
        f"you say that the claim {_said(value['verdict'])}; by the lines it {_said(found.verdict)}.",
        "Print the evidence. The lines were drawn before anybody measured: they bind you both ways.",
    )


def _said(verdict: str) -> str:
    return "is open" if verdict == "open" else verdict


def _is_verdict(value: Any) -> bool:
    return isinstance(value, str) and value in VERDICTS


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST


def _borrowed(declared: dict[str, Any]) -> Diagnosis | None:
    """A task that is an example's, in the most part."""
    own = {row["clean"] for row in declared["prompts"]}
    for name in EXAMPLES:
        its = {row["clean"] for row in worked(name)["prompts"]}
        if len(own & its) > len(own) / 2:
            return Diagnosis(
                "worked-example",
                f"these are the prompts of the example {name!r}.",
                "Choose a behaviour of your own, or at least sentences of your own.",
            )
    return None
