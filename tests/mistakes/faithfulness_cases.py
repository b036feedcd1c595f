"""What cases of chapter 6 are held against: right and wrong functions faithfulness."""

from jaxtyping import Float
from torch import Tensor

from patchbook.checking import Bench, Mistake
from patchbook.tests.mistakes import circuit_scores

_WRONG = {row.id: row.wrong for row in circuit_scores.faithfulness}
LEAST = 0.1  # between the model and nothing: with less the ratio means nothing


def faithfulness(
    circuit: Float[Tensor, "batch"], empty: Float[Tensor, "batch"], full: Float[Tensor, "batch"]
) -> float:
    of_circuit, of_nothing, of_model = (sum(m.tolist()) / len(m) for m in (circuit, empty, full))
    return (of_circuit - of_nothing) / (of_model - of_nothing)


def _of_sums(circuit, empty, full):
    return ((circuit.sum() - empty.sum()) / (full.sum() - empty.sum())).item()


def _of_mean_gains(circuit, empty, full):
    return (circuit - empty).mean().item() / (full - empty).mean().item()


def _outside(circuit, empty, full):
    apart = abs((full - empty).mean().item())
    return "" if apart >= LEAST else f"the model must differ from nothing by {LEAST} or more in the mean"


cases_for_faithfulness = Bench(
    right=(faithfulness, _of_sums, _of_mean_gains),
    wrong=(
        Mistake(
            "mean-of-ratios",
            _WRONG["mean-of-ratios"],
            "it takes a ratio for each prompt, and the mean of those.",
            "When do the mean of ratios and the ratio of means agree?",
        ),
        Mistake(
            "nothing-is-zero",
            _WRONG["empty-ignored"],
            "it takes the empty circuit's score to be 0.",
            "What is the score of nothing in your cases?",
        ),
        Mistake(
            "off-above-only",
            _WRONG["empty-off-above-only"],
            "the score of nothing is taken off above the line only.",
            "What is the score of nothing in your cases?",
        ),
        Mistake(
            "at-most-one",
            lambda circuit, empty, full: min(1.0, faithfulness(circuit, empty, full)),
            "no circuit scores more than 1.",
            "Can a circuit do more than the model?",
        ),
        Mistake(
            "no-sign",
            lambda circuit, empty, full: abs(faithfulness(circuit, empty, full)),
            "a circuit that does worse than nothing scores above 0.",
            "Can a circuit do worse than nothing?",
        ),
        Mistake(
            "what-is-missing",
            _WRONG["what-is-missing"],
            "it gives the share that the circuit lacks.",
            "At one half, what is there and what is missing are the same.",
        ),
    ),
    enough=6,
    outside=_outside,
)
