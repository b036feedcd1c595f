"""Checks of chapter 2: logit differences of prompts that end in different places."""

import functools
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.ioi.prompts import random_prompts
from patchbook.tests.mistakes import path_metrics as mistakes
from patchbook.tests.specifications import path_metrics as specifications


def _logits_and_prompts(
    seed: int, batch: int = 4, per_prompt: bool | None = None, **options
) -> dict[str, Any]:
    """Random logits of prompts that end in different places; per_prompt None: not given."""
    prompts = random_prompts(seed, batch)
    logits = 2 * randn(seed, *prompts.toks.shape, VOCAB, **options)
    arguments = {"logits": logits, "ioi_dataset": prompts}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_2,
    mistakes.logits_to_ave_logit_diff_2,
)
def test_logits_to_ave_logit_diff_2(seed: int) -> Iterator[Case]:
    """The logit difference of IO and S, each prompt read at its own end."""
    yield Case(
        "4 prompts that end in different places, per_prompt not given (False)",
        lambda: _logits_and_prompts(seed),
    )
    yield Case("3 prompts, per_prompt True", lambda: _logits_and_prompts(seed + 1, 3, True))
    yield Case(
        "5 prompts in float64, per_prompt False", lambda: _logits_and_prompts(seed + 2, 5, False, **DOUBLE)
    )
    yield Case("1 prompt, per_prompt True", lambda: _logits_and_prompts(seed + 3, 1, True))


@checks(specifications.ioi_metric_2, mistakes.ioi_metric_2)
def test_ioi_metric_2(seed: int) -> Iterator[Case]:
    """A metric that is 0 on clean prompts and -1 on corrupted ones."""
    for number, (clean, corrupted) in enumerate(((3.5, 0.25), (2.0, -1.5), (-0.5, 1.75))):
        build = functools.partial(_metric_arguments, seed + number, clean, corrupted)
        yield Case(f"clean {clean}, corrupted {corrupted}", build)


def _metric_arguments(seed: int, clean: float, corrupted: float) -> dict[str, Any]:
    given = _logits_and_prompts(seed)
    ends = {"clean_logit_diff": clean, "corrupted_logit_diff": corrupted}
    return {"logits": given["logits"], **ends, "ioi_dataset": given["ioi_dataset"]}
