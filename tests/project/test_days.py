"""Chapter 4's specifications agree with TransformerLens; its prediction is judged fairly."""

import pytest
import torch
from transformer_lens import patching

from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.measured_days import wrong_layer
from patchbook.patching.attribution import decompose_logit_diff
from patchbook.prompts.days import WAYS
from patchbook.tests.ioi.patching import sweep_cases
from patchbook.tests.specifications import days_parts, days_patching, days_words


def parts_and_logits(seed: int):
    model, tokens = awkward_model(seed), random_tokens(seed, 3, 6)
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
    answers = torch.stack([torch.randperm(97)[:2] for _ in range(3)])
    return model, cache, answers, logits[:, -1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_parts_add_up_to_the_models_own_logit_difference(seed):
    model, cache, answers, last = parts_and_logits(seed)
    parts = days_parts.decompose_logit_diff(model, cache, *answers.T)
    total = parts["embedding"] + parts["attention"].sum(0) + parts["mlps"].sum(0) + parts["bias"]
    right, wrong = last.gather(1, answers).T
    torch.testing.assert_close(total, right - wrong, atol=1e-4, rtol=1e-5)
    theirs = decompose_logit_diff(model, cache, answers)
    torch.testing.assert_close(parts["attention"], theirs.attention, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_mlp_sweep_agrees_with_transformer_lens(capfd):
    arguments = next(iter(sweep_cases(1, {"n_layers": 2}, {}))).arguments()
    theirs = patching.get_act_patch_mlp_out(*arguments.values())
    torch.testing.assert_close(days_patching.get_act_patch_mlp_out(**arguments), theirs, atol=1e-5, rtol=1e-4)


def test_the_ways_to_corrupt_are_those_of_the_prompts():
    assert days_words.STEPS_ON == WAYS


GAINS = torch.tensor([1.0, -0.5, 4.0, 3.5, 0.2, -0.1])


@pytest.mark.parametrize(
    "layer, diagnosis",
    [
        (2, ""),
        (3, ""),  # nearly as much
        (0, "other-layer"),
        (1, "smallest"),
        (5, "against"),
        (4, "where-it-ends"),
        (6, "no-such-layer"),
        (-4, "counted-from-the-end"),
        (-9, "no-such-layer"),
        (2.0, "not-a-number"),
        ("L2", "not-a-number"),
        (True, "not-a-number"),
        (None, "not-a-number"),
    ],
)
def test_a_layer_is_judged_by_what_it_adds(layer, diagnosis):
    found = wrong_layer(GAINS, layer)
    assert (found.id if found else "") == diagnosis
