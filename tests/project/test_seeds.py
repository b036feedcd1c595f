"""The table of seeds says what is measured, by the definitions that the chapters have."""

import json
from functools import partial

import pytest
import torch
from transformer_lens.utilities import get_act_name

from patchbook.models import shipped
from patchbook.training import roles, seeds
from patchbook.training.roles import PLACES, Circuit

FOUND = json.loads(seeds.FIGURES.read_text())


@pytest.fixture(scope="module")
def small():
    """Enough prompts to compare two ways of computing, too few to name a head."""
    return Circuit.of("tiny-gpt2", prompts=16)


def test_every_shipped_seed_is_in_the_table():
    assert list(FOUND) == [name for name in shipped() if name != "tiny-attn-only"]
    assert seeds.TABLE.read_text() == seeds.tables(FOUND), "run python -m patchbook.training.seeds again"


def test_the_table_says_what_is_measured():
    found = seeds.circuit_figures(Circuit.of("tiny-gpt2"))
    told = FOUND["tiny-gpt2"]["circuit"]
    for role in PLACES:
        now, then = found["roles"][role], told["roles"][role]
        assert now.keys() == then.keys(), role
        for head, values in now.items():
            assert values == pytest.approx(then[head], abs=0.005), (role, head)
    assert found["alone"] == pytest.approx(told["alone"], abs=0.01)
    for kind, scores in seeds.scores("tiny-gpt2").items():
        assert FOUND["tiny-gpt2"]["scores"][kind] == pytest.approx(scores, abs=0.01)


def by_hooks(found, edit):
    """Logits with each layer's z as `edit(layer, z, means)` says; means: of each template's ABC prompts."""
    hooks = []
    for layer in range(found.model.cfg.n_layers):
        means = found.new["z", layer].clone()
        for group in found.abc.groups:
            means[group] = means[group].mean(0)
        hook = partial(lambda z, hook, layer, means: edit(layer, z.clone(), means), layer=layer, means=means)
        hooks.append((get_act_name("z", layer), hook))
    return found.model.run_with_hooks(found.ioi.toks, fwd_hooks=hooks)


@torch.no_grad()
def test_a_circuit_alone_is_a_run_with_hooks_on_all_else(small):
    found, rows = small.found, torch.arange(small.found.ioi.N)
    circuit = Circuit(found)
    circuit.__dict__["roles"] = {role: {} for role in PLACES} | {
        "name mover": {(3, 0): 0},
        "induction": {(1, 2): 0},
    }

    def ablate(layer, z, means):
        for its_layer, head, place in ((3, 0, "end"), (1, 2, "S2")):
            if its_layer == layer:
                at = found.ioi.word_idx[place]
                means[rows, at, head] = z[rows, at, head]
        return means

    kept = found.by_prompt(by_hooks(found, ablate)).mean().item() / found.clean_logit_diff
    assert circuit.share_alone() == pytest.approx(kept, abs=1e-4)


@torch.no_grad()
def test_what_others_write_without_the_movers_is_what_a_hook_finds(small):
    found, movers = small.found, {(1, 3): 0, (2, 4): 0}  # so that later heads can react
    rows, end, model = torch.arange(found.ioi.N), found.ioi.word_idx["end"], found.model
    gone = Circuit(found)
    gone.__dict__["roles"] = {role: {} for role in PLACES} | {"name mover": movers}
    written = {}

    def knock_out(layer, z, means):
        for head in (head for its_layer, head in movers if its_layer == layer):
            z[rows, end, head] = means[rows, end, head]
        written[layer] = z[rows, end]
        return z

    by_hooks(found, knock_out)
    scale = model.run_with_cache(found.ioi.toks)[1]["ln_final.hook_scale"][rows, end]
    ways = (model.W_U[:, found.ioi.io_tokenIDs] - model.W_U[:, found.ioi.s_tokenIDs]).T / scale
    grown = gone.grown_without_movers()
    for (layer, head), effect in grown.items():
        more = (written[layer] - found.clean["z", layer][rows, end])[:, head] @ model.W_O[layer, head]
        wanted = (more * ways).sum(-1) / found.clean_logit_diff
        assert torch.allclose(effect.by_prompt, wanted, atol=1e-4), (layer, head)
    assert not movers.keys() & grown.keys() and max(abs(effect.mean) for effect in grown.values()) > 0.01


def test_what_a_better_one_would_have_is_read_from_its_figures():
    model = json.loads(json.dumps(FOUND["tiny-gpt2"]))
    assert [question(model) for question in seeds.QUESTIONS.values()][1:] == ["none", "none", ""]
    model["scores"]["induction"]["L1H0"] = 0.05
    model["circuit"]["backup"] = {"L3H1": [0.05, 0.01]}
    answers = [question(model) for question in seeds.QUESTIONS.values()]
    assert answers[1] == "L3H1 0.050 ± 0.010" and answers[3] == "L1H0 0.05"


def test_a_model_that_cannot_has_no_roles(small):
    class CannotRuns:
        can = False

    assert roles.Circuit(CannotRuns()).roles == {role: {} for role in PLACES}
