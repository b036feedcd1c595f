"""Checks of chapter 2: logit differences of prompts that end in different places."""

from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.ioi.prompts import random_prompts
from patchbook.tests.mistakes import path_metrics as mistakes
from patchbook.tests.specifications import path_metrics as specifications


def _logits_and_prompts(seed: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    prompts = random_prompts(seed)
    logits = 2 * randn(seed, *prompts.toks.shape, VOCAB, **options)
    arguments = {"logits": logits, "ioi_dataset": prompts}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_2,
    mistakes.logits_to_ave_logit_diff_2,
)
def test_logits_to_ave_logit_diff_2(seed: int) -> Iterator[Case]:
    """The logit difference of IO and S, each prompt read at its own end."""
    yield Case("4 prompts that end in different places", lambda: _logits_and_prompts(seed))
    yield Case("per_prompt True", lambda: _logits_and_prompts(seed + 1, True), grad=False)
    yield Case("per_prompt False, float64", lambda: _logits_and_prompts(seed + 2, False, **DOUBLE))


@checks(specifications.ioi_metric_2, mistakes.ioi_metric_2)
def test_ioi_metric_2(seed: int) -> Iterator[Case]:
    """A metric that is 0 on clean prompts and -1 on corrupted ones."""
    for number, (clean, corrupted) in enumerate(((3.5, 0.25), (2.0, -1.5), (-0.5, 1.75))):
        yield Case(
            f"clean {clean}, corrupted {corrupted}",
            lambda number=number, clean=clean, corrupted=corrupted: {
                "logits": _logits_and_prompts(seed + number)["logits"],
                "clean_logit_diff": clean,
                "corrupted_logit_diff": corrupted,
                "ioi_dataset": random_prompts(seed + number),
            },
            grad=number > 0,
        )
