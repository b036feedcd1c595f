"""What stands for a learner's sweep: the engine for an unwritten one, and over a large model."""

from types import SimpleNamespace

import pytest
import torch

from patchbook import load_model, or_reference
from patchbook.checking import fallback
from patchbook.checking.awkward import random_tokens
from patchbook.patching import sweeps


def get_act_patch_resid_pre(model, corrupted_tokens, clean_cache, patching_metric):
    raise NotImplementedError("exercise get_act_patch_resid_pre")


def written(*arguments):
    return "the learner's"


written.__name__ = "get_act_patch_block_every"


@pytest.fixture
def model():
    return load_model("tiny-gpt2")


def test_an_unwritten_sweep_is_the_engines(model, capsys):
    clean, corrupted = random_tokens(0, 2, 5), random_tokens(1, 2, 5)
    given = (model, corrupted, model.run_with_cache(clean)[1], lambda logits: logits[:, -1, 3].mean())
    with torch.no_grad():
        found = or_reference(get_act_patch_resid_pre)(*given)
        assert torch.equal(found, sweeps.get_act_patch_resid_pre(*given))
    assert "not written yet" in capsys.readouterr().out


def test_a_written_sweep_is_the_learners_on_a_small_model_and_the_engines_on_a_large_one(
    model, capsys, monkeypatch
):
    assert or_reference(written)(model) == "the learner's" and not capsys.readouterr().out
    monkeypatch.setattr(sweeps, "get_act_patch_block_every", lambda *arguments: "the engine's")
    large = SimpleNamespace(cfg=SimpleNamespace(n_layers=12, d_model=768))
    sweep = or_reference(written)
    assert [sweep(large), sweep(large)] == ["the engine's", "the engine's"]
    assert capsys.readouterr().out.count("the course's own get_act_patch_block_every is used") == 1


def test_every_fast_function_is_that_of_an_exercise():
    for exercises in fallback.FAST.values():
        for exercise in exercises:
            assert callable(fallback.fast_version(exercise)) and callable(fallback.reference_for(exercise))
    assert fallback.fast_version("get_copying_scores") is None
