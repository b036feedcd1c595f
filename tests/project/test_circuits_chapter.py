"""Chapter 6's definitions hold what the text promises, and the engine's circuits are the specification's."""

import pytest
import torch

from patchbook import reference_for
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.patching.circuits import run_circuit
from patchbook.patching.graph import Graph
from patchbook.tests.circuits import SHARES
from patchbook.tests.circuits.circuit_runs import SMALL, some_edges

faithfulness, cpr, cmd = (reference_for(name) for name in ("faithfulness", "cpr", "cmd"))


def last(logits):
    return logits[:, -1, :7].square().mean()


@pytest.mark.parametrize("ablation", ["zero", "mean", "resample"])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_the_engine_runs_the_specifications_circuits(ablation, share):
    model, edges = awkward_model(3, **SMALL), some_edges(4, share)
    clean, corrupted = (random_tokens(seed, batch=3, length=5) for seed in (1, 2))
    plain = reference_for("run_circuit")(model, edges, clean, corrupted, ablation)
    circuit = [Graph.of(model).edge(label) for label in edges]
    others = None if ablation == "zero" else corrupted
    fast = run_circuit(model, clean, [circuit], last, ablation, others)
    torch.testing.assert_close(fast, last(plain)[None], rtol=1e-4, atol=1e-5)


def test_nothing_is_the_corrupted_run_and_everything_the_clean_one():
    model = awkward_model(5, **SMALL)
    clean, corrupted = (random_tokens(seed, batch=3, length=5) for seed in (1, 2))
    for share, tokens in ((0, corrupted), (1, clean)):
        logits = reference_for("run_circuit")(model, some_edges(0, share), clean, corrupted)
        torch.testing.assert_close(logits, model(tokens), rtol=1e-4, atol=1e-4)


def test_faithfulness_has_no_unit_and_no_zero_of_its_own():
    circuit, empty, full = torch.randn(3, 8, generator=torch.Generator().manual_seed(0)).double()
    f = faithfulness(circuit, empty, full)
    assert faithfulness(empty, empty, full) == 0 and faithfulness(full, empty, full) == 1
    assert faithfulness(-3 * circuit + 5, -3 * empty + 5, -3 * full + 5) == pytest.approx(f)


@pytest.mark.parametrize("top, equal", [(1.0, True), (1.3, False)])
def test_cpr_and_cmd_add_up_to_the_width_where_f_stays_below_one(top, equal):
    shares = torch.tensor(SHARES, dtype=torch.float64)
    f = torch.linspace(-0.2, top, len(shares), dtype=torch.float64)
    total, width = cpr(shares, f) + cmd(shares, f), SHARES[-1] - SHARES[0]
    assert (total == pytest.approx(width)) if equal else total > width + 0.01


def test_what_chance_gets_is_the_cpr_of_a_curve_that_rises_at_the_end():
    f = torch.zeros(len(SHARES), dtype=torch.float64)
    f[-1] = 1
    shares = torch.tensor(SHARES, dtype=torch.float64)
    assert reference_for("random_cpr")(SHARES) == pytest.approx(cpr(shares, f))
