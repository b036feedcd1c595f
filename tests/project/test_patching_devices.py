"""The engine works where the model is: on a device that is not the CPU, too."""

import pytest
import torch

from patchbook import load_model
from patchbook.checking.awkward import random_tokens
from patchbook.patching import paths, sweeps
from patchbook.patching.circuits import run_circuit
from patchbook.patching.edges import edge_effects
from patchbook.patching.estimates import attribute
from patchbook.patching.graph import Graph
from tests.project.stub_device import StubDevice, there

CLEAN, CORRUPTED, ROWS = random_tokens(3, 2, 5), random_tokens(4, 2, 5), torch.arange(2)


def last(logits):
    return (logits[:, -1, 3] - logits[:, -1, 9]).mean()


def any_end(logits):
    return logits[ROWS, [4, 3], [5, 6]].mean()


def everywhere(logits):
    return logits.log_softmax(-1)[:, :, 5].mean()


class Prompts:
    def __init__(self, toks):
        self.toks = toks


def every_name(model, metric, clean, corrupted):
    """Each function of the engine, once."""
    with torch.no_grad():
        cache = model.run_with_cache(clean)[1]
        yield sweeps.get_act_patch_block_every(model, corrupted, cache, metric)
        yield sweeps.get_act_patch_attn_head_all_pos_every(model, corrupted, cache, metric)
    given = (model, metric, Prompts(clean), Prompts(corrupted))
    yield paths.get_path_patch_head_to_final_resid_post(*given)
    yield paths.get_path_patch_head_to_heads([(2, 1), (3, 0)], "v", *given)
    edges = Graph.of(model).edges[-40:]
    yield edge_effects(model, clean, corrupted, metric, edges).values
    yield attribute(model, clean, corrupted, metric, steps=2).values
    for ablation in ("zero", "mean", "resample"):
        yield run_circuit(model, clean, [edges, []], metric, ablation, corrupted)


@pytest.mark.parametrize("metric", [last, any_end, everywhere])
def test_all_of_it_is_the_same_on_another_device(metric):
    here = [*every_name(load_model("tiny-gpt2", device="cpu"), metric, CLEAN, CORRUPTED)]
    with StubDevice(), torch.enable_grad():
        model = load_model("tiny-gpt2", device=StubDevice.NAME)
        tokens = (CLEAN.to(StubDevice.NAME), CORRUPTED.to(StubDevice.NAME))
        elsewhere = [*every_name(model, metric, *tokens)]
        assert [*map(there, elsewhere)] == [True] * len(elsewhere)
        found = [value.cpu() for value in elsewhere]
    for one, other in zip(here, found, strict=True):
        assert torch.allclose(one, other, equal_nan=True, atol=1e-5)
