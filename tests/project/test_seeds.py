"""The table of seeds says what is measured, by the definitions that the chapters have."""

import json

import pytest
import torch

from patchbook import reference_for
from patchbook.models import shipped
from patchbook.patching.effects import Effect
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


def test_a_circuit_alone_keeps_what_chapter_2_says(small):
    circuit = {role: list(heads) for role, heads in small.roles.items()}
    run = reference_for("add_mean_ablation_hook")(small.found.model, small.found.abc, circuit, PLACES)
    kept = small.found.by_prompt(run(small.found.ioi.toks)).mean().item() / small.found.clean_logit_diff
    small.found.model.reset_hooks(including_permanent=True)
    assert small.share_alone() == pytest.approx(kept, abs=1e-4)


def test_what_others_write_without_the_movers_is_what_chapter_2_says(small, monkeypatch):
    movers = {(1, 3): Effect(torch.ones(2)), (2, 4): Effect(torch.ones(2))}  # so that later heads can react
    gone = Circuit(small.found)
    gone.__dict__["roles"] = {role: {} for role in PLACES} | {"name mover": movers}
    before, after = reference_for("get_direct_effects_after_knockout")(
        small.found.model, small.found.ioi, small.found.abc, list(movers)
    )
    shares = (after - before) / small.found.clean_logit_diff
    for head, effect in gone.grown_without_movers().items():
        assert torch.allclose(effect.by_prompt, shares[head], atol=1e-4), head
    assert max(abs(effect.mean) for effect in gone.grown_without_movers().values()) > 0.01


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
