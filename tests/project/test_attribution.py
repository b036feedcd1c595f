"""Attribution: all components and the bias add up to the model's own logit difference."""

import pytest
import torch
from transformer_lens import TransformerBridge
from transformers import GPT2Config, GPT2LMHeadModel

from patchbook import reference_for, zoo
from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.models import load_model
from patchbook.patching.attribution import (
    accumulated_logit_diff,
    decompose_logit_diff,
    logit_diff_directions,
    stack_to_logit_diff,
    unembedding_bias,
)
from patchbook.prompts.capitals import NINE_TOKENS, RAGGED, CapitalSet
from patchbook.prompts.ioi import published_prompts

ATOL = 1e-5


@pytest.fixture(scope="module")
def random_gpt2(tmp_path_factory) -> TransformerBridge:
    """GPT-2's architecture with random weights, loaded as gpt2-small is; LayerNorms moved off their start."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("random")
    tokenizer = AutoTokenizer.from_pretrained(zoo.ZOO / "tiny-gpt2")
    tokenizer.save_pretrained(folder)
    end = tokenizer.bos_token_id
    shape = {"n_layer": 3, "n_head": 5, "n_embd": 20, "n_positions": 64, "vocab_size": len(tokenizer)}
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(bos_token_id=end, eos_token_id=end, **shape))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    model.save_pretrained(folder)
    return load_model(folder)


@pytest.fixture(params=["tiny-gpt2", "tiny-attn-only", "awkward", "awkward 1", "attn-only", "random GPT-2"])
def model(request, random_gpt2):
    if request.param in ("tiny-gpt2", "tiny-attn-only"):
        return load_model(request.param)
    made = {"awkward": awkward_model, "awkward 1": lambda: awkward_model(1), "attn-only": awkward_attn_only}
    return random_gpt2 if request.param == "random GPT-2" else made[request.param]()


def a_run(model, seed: int = 3):
    """Logits and cache of 4 random prompts, with an answer pair for each."""
    answers = torch.tensor([[3, 7], [9, 1], [50, 60], [7, 3]])
    with torch.no_grad():
        return *model.run_with_cache(random_tokens(seed, batch=4, length=8)), answers


def true_difference(logits, answers, positions=None):
    at = logits[:, -1] if positions is None else logits[torch.arange(len(logits)), positions]
    right, wrong = at.gather(1, answers).T
    return right - wrong


def test_components_and_bias_are_the_logit_difference(model):
    logits, cache, answers = a_run(model)
    parts = decompose_logit_diff(model, cache, answers)
    want = true_difference(logits, answers)
    assert (parts.total - want).abs().max() < ATOL
    assert (parts.by_layer()[1].sum(0) - want).abs().max() < ATOL
    assert (accumulated_logit_diff(model, cache, answers)[1][-1] - want).abs().max() < ATOL
    assert (want - parts.in_the_stream - parts.unembedding_bias).abs().max() < ATOL


def test_the_bias_is_real_where_there_is_a_layernorm_and_nothing_where_there_is_none(model):
    _, cache, answers = a_run(model)
    bias = decompose_logit_diff(model, cache, answers).unembedding_bias
    assert torch.equal(bias, unembedding_bias(model, answers))
    if model.cfg.normalization_type is None:
        assert (bias == 0).all()
    else:
        assert bias.abs().min() > 1e-3 and torch.equal(bias[0], -bias[3]), "swapped answers, opposite bias"


def test_each_part_is_what_its_component_writes():
    model = awkward_model(2, dtype=torch.float64)
    _, cache, answers = a_run(model)
    parts = decompose_logit_diff(model, cache, answers)
    scale = cache["ln_final.hook_scale"][:, -1]
    direction = logit_diff_directions(model, answers) / scale
    head = cache["z", 1][:, -1, 4] @ model.W_O[1, 4]
    assert torch.allclose(parts.heads[1, 4], (head * direction).sum(-1))
    assert torch.allclose(parts.mlps[2], (cache["mlp_out", 2][:, -1] * direction).sum(-1))
    assert torch.allclose(parts.attention[0], (cache["attn_out", 0][:, -1] * direction).sum(-1))
    assert torch.allclose(parts.attention_biases[1], (model.b_O[1] * direction).sum(-1))
    labels, values = parts.by_layer()
    assert labels == ["embedding", "attn 0", "mlp 0", "attn 1", "mlp 1", "attn 2", "mlp 2", "b_U"]
    assert torch.equal(values[6], parts.mlps[2])


def test_the_lens_reads_the_stream_before_each_layer():
    model = awkward_model(2)
    _, cache, answers = a_run(model)
    labels, values = accumulated_logit_diff(model, cache, answers)
    assert labels == ["before 0", "before 1", "before 2", "end"]
    parts = decompose_logit_diff(model, cache, answers)
    after_one = parts.embedding + parts.attention[0] + parts.mlps[0] + parts.unembedding_bias
    assert torch.allclose(values[1], after_one, atol=ATOL)


def test_prompts_of_several_lengths_are_read_where_they_end():
    model = load_model("tiny-gpt2")
    ds = CapitalSet(RAGGED, model.tokenizer)
    answers = ds.answer_tokens[:, [0, 2]]
    with torch.no_grad():
        logits, cache = model.run_with_cache(ds.toks)
    parts = decompose_logit_diff(model, cache, answers, ds.word_idx["stop"])
    want = true_difference(logits, answers, ds.word_idx["stop"])
    assert (parts.total - want).abs().max() < ATOL
    lens = accumulated_logit_diff(model, cache, answers, ds.word_idx["stop"])[1]
    assert (lens[-1] - want).abs().max() < ATOL


def test_any_stack_of_vectors_can_be_read():
    model = load_model("tiny-gpt2")
    ds = CapitalSet(NINE_TOKENS, model.tokenizer)
    with torch.no_grad():
        _, cache = model.run_with_cache(ds.toks)
    stack = torch.stack([cache["resid_pre", 0][:, -1], cache["resid_post", -1][:, -1]])
    shares = stack_to_logit_diff(model, cache, stack, ds.answer_tokens[:, :2])
    parts = decompose_logit_diff(model, cache, ds.answer_tokens[:, :2])
    assert torch.allclose(shares, torch.stack([parts.embedding, parts.in_the_stream]), atol=ATOL)


def test_what_cannot_be_right_is_refused():
    model = awkward_model(0)
    _, cache, answers = a_run(model)
    with pytest.raises(ValueError, match="for each of 4 prompts"):
        decompose_logit_diff(model, cache, answers[:2])
    with torch.no_grad():
        _, alone = model.run_with_cache(random_tokens(0, batch=1), remove_batch_dim=True)
    with pytest.raises(ValueError, match="batch dimension"):
        accumulated_logit_diff(model, alone, answers[:1])
    raw = TransformerBridge.boot_transformers(str(zoo.ZOO / "tiny-gpt2"))
    with pytest.raises(ValueError, match="weights are apart"):
        decompose_logit_diff(raw, raw.run_with_cache(random_tokens(0, batch=4))[1], answers)


def test_the_puzzle_of_chapter_3_leaves_nothing_over(model):
    _, _, answers = a_run(model)
    gap = reference_for("missing_logits")(model, random_tokens(3, batch=4, length=8), answers).detach()
    bias = reference_for("logit_diff_from_bias")(model, answers)
    assert (gap - bias).abs().max() < ATOL
    assert torch.equal(bias, unembedding_bias(model, answers))


def test_mirrored_answers_hide_the_bias_and_one_sided_answers_show_it():
    model = load_model("tiny-gpt2")
    mirrored = unembedding_bias(model, published_prompts(model.tokenizer).answer_tokens)
    assert mirrored.abs().min() > 1e-3 and mirrored.mean().abs() < 1e-6
    one_sided = CapitalSet(NINE_TOKENS, model.tokenizer).answer_tokens[:, :2]
    assert unembedding_bias(model, one_sided).mean().abs() > 0.05


def test_the_exercise_splits_as_the_package_does(model):
    tokens = random_tokens(3, batch=4, length=8)
    _, cache = model.run_with_cache(tokens)
    four = torch.tensor([[3, 7, 8, 11], [9, 1, 2, 12], [50, 60, 61, 13], [7, 3, 4, 14]])
    shown = reference_for("logit_attribution_by_type")(model, cache, four, 2)
    parts = decompose_logit_diff(model, cache, four[:, [0, 2]])
    biases = parts.attention_biases.sum(0) + parts.unembedding_bias
    wanted = {"embedding": parts.embedding, "heads": parts.heads, "mlps": parts.mlps, "biases": biases}
    for name, value in wanted.items():
        assert torch.allclose(shown[name], value.mean(-1), atol=ATOL), name
