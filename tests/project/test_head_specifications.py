"""The specifications of chapter 1's second half agree with the model itself and with TransformerLens."""

import pytest
import torch

from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.checking.prepared import ablation, prompt_with_cache, repeated_tokens, tiny_gpt2
from patchbook.tests.specifications import attribution_sums, head_weights
from patchbook.tests.specifications.ablation import get_ablation_scores

MODELS = (awkward_model, awkward_attn_only, tiny_gpt2)


@pytest.mark.parametrize("position", [0, 4, 9])
@pytest.mark.parametrize("model", MODELS)
def test_the_parts_of_a_logit_add_up_to_it(model, position):
    arguments = prompt_with_cache(model(3), 3, position)
    parts = attribution_sums.full_logit_attribution(**arguments)
    logits = arguments["model"](arguments["tokens"])
    logit = logits[0, position, arguments["tokens"][0, position + 1]]
    assert sum(part.sum() for part in parts.values()).item() == pytest.approx(logit.item(), abs=1e-4)


def test_the_sum_rule_holds_where_the_weights_are_not_centred():
    model = awkward_model(2)
    with torch.no_grad():
        model.W_E.add_(0.3)
        model.blocks[1].mlp.out.bias.add_(0.2)
    arguments = prompt_with_cache(model, 2, 5)
    logit = model(arguments["tokens"])[0, 5, arguments["tokens"][0, 6]]
    total = sum(part.sum() for part in attribution_sums.full_logit_attribution(**arguments).values())
    assert total.item() == pytest.approx(logit.item(), abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_ablation_scores_are_differences_of_the_model_s_own_loss(model):
    tokens, zero, model = repeated_tokens(4, 2, 5), ablation(torch.zeros_like), model(4)
    scores = get_ablation_scores(model, tokens, zero)
    hook = ("blocks.1.attn.hook_z", lambda z, hook: zero(z, hook, 2))
    options = {"return_type": "loss", "loss_per_token": True}
    rise = model.run_with_hooks(tokens, fwd_hooks=[hook], **options) - model(tokens, **options)
    torch.testing.assert_close(scores[1, 2], rise[:, -4:].mean(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_composition_scores_agree_with_transformer_lens(model):
    model = model(5)
    theirs = model.all_composition_scores("K").scores[0, :, 1]
    torch.testing.assert_close(head_weights.k_composition_scores(model), theirs, rtol=1e-4, atol=1e-5)


def test_the_OV_circuit_is_what_a_head_adds_when_it_looks_at_one_token():
    model = awkward_attn_only(6)
    tokens = random_tokens(6, batch=1, length=1)  # alone in the prompt, a token can only look at itself
    _, cache = model.run_with_cache(tokens)
    written = (cache["z", 0][0, 0, 3] - model.b_V[0, 3]) @ model.W_O[0, 3] @ model.W_U
    circuit = head_weights.full_OV_circuit(model, 0, 3)
    torch.testing.assert_close(circuit.AB[tokens[0, 0]], written, rtol=1e-4, atol=1e-4)
