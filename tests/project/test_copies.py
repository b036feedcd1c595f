"""Copies of a model are whole, and nothing that happens to one shows in another."""

import torch
from transformer_lens import TransformerBridge

from patchbook import load_model
from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.models.copies import Copies
from patchbook.patching import declared

TOKENS = random_tokens(0, 2, 6)


def logits(model: TransformerBridge) -> torch.Tensor:
    with torch.no_grad():
        return model(TOKENS)


def weights(model: TransformerBridge) -> dict[str, torch.Tensor]:
    return dict([*model.named_parameters(), *model.named_buffers()])


def test_a_copy_is_the_model_and_shares_no_memory_with_it():
    for model in (awkward_model(3), awkward_attn_only(3), load_model("tiny-gpt2")):
        copy = Copies(model)()
        ours, theirs = weights(copy), weights(model)
        assert ours.keys() == theirs.keys() and copy.hook_dict.keys() == model.hook_dict.keys()
        for name, weight in ours.items():
            assert torch.equal(weight, theirs[name]) and type(weight) is type(theirs[name]), name
            assert weight.requires_grad == theirs[name].requires_grad, name
        assert not {w.data_ptr() for w in ours.values()} & {w.data_ptr() for w in theirs.values()}
        assert torch.equal(logits(copy), logits(model)) and not copy.training


def test_edits_hooks_and_settings_stay_in_the_copy_they_were_made_in():
    model = awkward_model(4)
    copies, wanted = Copies(model), logits(model)
    for edited in (model, copies()):
        edited.W_E.data.zero_()
        edited.cfg.n_ctx = 1
        edited.add_hook("blocks.0.hook_resid_pre", lambda value, hook: value * 0)
        fresh = copies()
        assert torch.equal(logits(fresh), wanted) and fresh.cfg.n_ctx == 64
        assert not fresh.hook_dict["blocks.0.hook_resid_pre"].fwd_hooks


def test_a_model_that_has_run_with_autograd_on_can_be_copied():
    model = awkward_model(5)
    wanted = model(TOKENS)
    torch.testing.assert_close(logits(Copies(model)()), wanted.detach())


def test_a_copy_has_a_tokenizer_of_its_own():
    model = load_model("tiny-gpt2")
    copies, text = Copies(model), "When Mary and John went"
    copies().tokenizer.padding_side = "left"
    fresh = copies()
    assert fresh.tokenizer.padding_side == model.tokenizer.padding_side == "right"
    assert torch.equal(fresh.to_tokens(text), model.to_tokens(text))


def test_a_declaration_is_measured_on_a_model_that_nobody_has_changed():
    example = declared.worked("names")
    with torch.no_grad():
        declared.task_of(example).model.embed.weight.zero_()
    assert declared.task_of(example).model.embed.weight.abs().max() > 0
