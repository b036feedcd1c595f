"""Loading models: the two that ship, gpt2-small by every road, and what is said when there is none."""

import json
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from patchbook import models, zoo
from patchbook.models import ModelUnavailable, available_models, hub, load_model, loading

TINY = list(models.SHIPPED)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No network, no cache, no environment variable: a test that needs one puts it there."""

    def refuse(*_):
        raise OSError("the test has no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PATCHBOOK_MODEL", raising=False)
    answers = hub.answers  # a test may put another in its place
    answers.cache_clear()
    yield
    answers.cache_clear()


@pytest.fixture(scope="module", params=TINY)
def model(request):
    return load_model(request.param)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A folder as a hub download would leave it: GPT-2's architecture, 2 layers, 3 heads."""
    folder = tmp_path_factory.mktemp("checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(loading.TOKENIZER)
    torch.manual_seed(0)
    size = {"n_layer": 2, "n_head": 3, "n_embd": 24, "n_inner": 32, "n_positions": 64}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.bos_token_id}
    config = GPT2Config(vocab_size=len(tokenizer), **size, **ends)
    with models.quietly():
        GPT2LMHeadModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def put_in_cache(checkpoint, repo_id: str) -> None:
    """Lay the checkpoint out as the hub's own cache does."""
    repo = f"{constants.HF_HUB_CACHE}/models--{repo_id.replace('/', '--')}"
    shutil.copytree(checkpoint, f"{repo}/snapshots/0123abc")
    refs = zoo.Path(repo) / "refs"
    refs.mkdir()
    (refs / "main").write_text("0123abc")


@pytest.mark.parametrize("name", TINY)
def test_a_shipped_model_loads_quietly_and_without_a_network(name, capfd):
    loaded = load_model(name)
    assert capfd.readouterr() == ("", "")
    assert not loaded.training
    assert loaded.cfg.model_name == name


def test_tokens_begin_with_endoftext(model):
    tokens = model.to_tokens("Today it is Sunday")
    assert tokens[0, 0] == model.tokenizer.bos_token_id
    assert model.to_str_tokens("Today it is Sunday") == ["<|endoftext|>", "Today", " it", " is", " Sunday"]
    assert model.to_single_token(" Sunday") == tokens[0, -1]


def test_layers_heads_and_widths_all_differ(model):
    cfg = model.cfg
    sizes = [cfg.n_layers, cfg.n_heads, cfg.d_head, cfg.d_model, cfg.d_vocab, cfg.n_ctx]
    assert len(set(sizes)) == len(sizes)
    assert cfg.d_vocab < 4000


def test_weights_have_the_shapes_of_the_literature(model):
    cfg = model.cfg
    layers, heads, width, small = cfg.n_layers, cfg.n_heads, cfg.d_model, cfg.d_head
    for name in ("W_Q", "W_K", "W_V"):
        assert getattr(model, name).shape == (layers, heads, width, small), name
    assert model.W_O.shape == (layers, heads, small, width)
    assert model.W_E.shape == (cfg.d_vocab, width)
    assert model.W_U.shape == (width, cfg.d_vocab)
    assert model.b_U.shape == (cfg.d_vocab,)
    assert model.b_O.shape == (layers, width)
    assert model.OV[0, 1].AB.shape == (width, width)


@torch.no_grad()
def test_the_cache_adds_up_to_the_logits(model):
    tokens = model.to_tokens("When John and Mary went to the shops, John gave the bag to")
    logits, cache = model.run_with_cache(tokens)
    stack = cache.decompose_resid(layer=-1)
    torch.testing.assert_close(stack.sum(0), cache["resid_post", -1], atol=1e-4, rtol=1e-4)
    scaled = cache.apply_ln_to_stack(stack, layer=-1)
    torch.testing.assert_close(scaled.sum(0) @ model.W_U + model.b_U, logits, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_heads_and_their_pieces_are_in_the_cache(model):
    cfg, tokens = model.cfg, model.to_tokens("Monday, Tuesday and")
    _, cache = model.run_with_cache(tokens)
    length = tokens.shape[1]
    assert cache["pattern", 1].shape == (1, cfg.n_heads, length, length)
    for name in ("q", "k", "v", "z"):
        assert cache[name, 1].shape == (1, length, cfg.n_heads, cfg.d_head), name
    results = cache.stack_head_results(layer=-1, pos_slice=-1)
    assert results.shape[-1] == cfg.d_model
    assert results.shape[0] >= cfg.n_layers * cfg.n_heads


@torch.no_grad()
@pytest.mark.parametrize("name", ["hook_z", "hook_pattern", "hook_q", "hook_k", "hook_v"])
def test_edits_at_a_hook_change_the_logits_and_go_away(model, name):
    tokens = model.to_tokens("When John and Mary went to the shops, John gave the bag to")
    before = model(tokens)

    def first_position_only(value, hook):
        value = torch.zeros_like(value)
        value[..., 0] = 1.0
        return value

    model.add_hook(f"blocks.0.attn.{name}", first_position_only)
    assert (model(tokens) - before).abs().max() > 1e-3
    model.reset_hooks()
    torch.testing.assert_close(model(tokens), before)


@torch.no_grad()
def test_compatibility_mode_keeps_every_probability(checkpoint):
    raw = GPT2LMHeadModel.from_pretrained(checkpoint).eval()
    ready = load_model(checkpoint)
    tokens = ready.to_tokens("This is a sentence.")
    torch.testing.assert_close(
        ready(tokens).log_softmax(-1), raw(tokens).logits.log_softmax(-1), atol=1e-4, rtol=1e-4
    )
    assert ready.W_U.mean(-1).abs().max() < 1e-5  # centred


def test_raw_weights_are_those_of_the_checkpoint(capfd):
    raw, tokens = models.load_raw("tiny-gpt2"), torch.arange(5)[None]
    folded = load_model("tiny-gpt2")(tokens).log_softmax(-1)
    assert torch.allclose(raw(tokens).logits.log_softmax(-1), folded, atol=1e-4)
    assert raw.lm_head.bias is None and capfd.readouterr() == ("", "")


def test_a_model_that_is_no_gpt2_has_no_raw_weights():
    with pytest.raises(ValueError, match="tiny-attn-only is none"):
        models.load_raw("tiny-attn-only")


def test_tiny_gpt2_has_a_bias_to_be_puzzled_by():
    assert load_model("tiny-gpt2").b_U.std() > 0.02


def test_dtype_is_the_one_asked_for(model):
    again = load_model(model.cfg.model_name, device="cpu", dtype=torch.float64)
    assert again.W_U.dtype == torch.float64
    assert again(again.to_tokens("Go.")).dtype == torch.float64


def test_all_tiny_gpt2s_together_are_small():
    sizes = [path.stat().st_size for path in zoo.ZOO.rglob("tiny-gpt2*/*")]
    assert sum(sizes) < 12e6
    weights = [path.stat().st_size for path in zoo.ZOO.rglob("tiny-gpt2*/model.safetensors")]
    assert 6 * max(weights) + (sum(sizes) - sum(weights)) < 12e6, "all six would not be"


@pytest.fixture
def zoo_with_seed_3(tmp_path, monkeypatch):
    """A zoo where tiny-gpt2@3 ships and no other seed does; its weights are tiny-gpt2's."""
    for name in ("tiny-gpt2", "tiny-gpt2@3"):
        shutil.copytree(zoo.ZOO / "tiny-gpt2", tmp_path / "zoo" / name)
    for file in loading.TOKENIZER_FILES:
        (tmp_path / "zoo" / "tiny-gpt2@3" / file).unlink(missing_ok=True)
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")


def test_a_seed_loads_by_name_and_reads_with_tiny_gpt2s_tokenizer(zoo_with_seed_3, capfd):
    loaded = load_model("tiny-gpt2@3")
    assert loaded.cfg.model_name == "tiny-gpt2@3"
    assert loaded.tokenizer.get_vocab() == load_model("tiny-gpt2").tokenizer.get_vocab()
    assert models.load_raw("tiny-gpt2@3").dtype == torch.float32
    assert load_model("tiny-gpt2@0").cfg.model_name == "tiny-gpt2"
    assert models.shipped() == ("tiny-gpt2", "tiny-attn-only", "tiny-gpt2@3")
    shutil.copytree(zoo.ZOO / "tiny-gpt2", zoo.ZOO / "tiny-gpt2@free")
    assert models.shipped()[-1] == "tiny-gpt2@free" and models.seeds() == ("tiny-gpt2", "tiny-gpt2@3")
    assert "tiny-gpt2@3" in {row.name for row in available_models()}
    assert capfd.readouterr() == ("", "")


def test_a_seed_that_there_is_not_and_one_that_does_not_ship_are_told_apart(zoo_with_seed_3):
    for name in ("tiny-gpt2@5", "tiny-gpt2@", "tiny-gpt2@three"):
        with pytest.raises(ModelUnavailable, match="tiny-gpt2@4, tiny-gpt2@free") as failed:
            load_model(name)
        assert repr(name) in str(failed.value)
    with pytest.raises(ModelUnavailable, match="Here are: tiny-gpt2, tiny-gpt2@3") as failed:
        load_model("tiny-gpt2@2")
    assert "python -m patchbook.training tiny-gpt2@2" in str(failed.value)


@pytest.mark.parametrize("repo_id", loading.ON_THE_HUB["gpt2-small"].ids)
def test_gpt2_small_comes_from_the_cache_without_a_network(checkpoint, repo_id, capfd):
    put_in_cache(checkpoint, repo_id)
    loaded = load_model()
    assert loaded.cfg.n_heads == 3
    assert loaded.cfg.model_name == "gpt2-small"
    assert capfd.readouterr() == ("", "")


def test_half_a_copy_in_the_cache_is_no_copy(checkpoint):
    put_in_cache(checkpoint, "gpt2")
    next(zoo.Path(constants.HF_HUB_CACHE).rglob("model.safetensors")).unlink()
    assert hub.cached(loading.ON_THE_HUB["gpt2-small"]) is None


def test_gpt2_small_is_downloaded_where_the_hub_answers(checkpoint, monkeypatch):
    monkeypatch.setattr(hub, "answers", lambda: True)
    monkeypatch.setattr(hub, "download", lambda repo: checkpoint)
    assert load_model().cfg.model_name == "gpt2-small"


def test_a_download_that_breaks_off_is_one_short_error(monkeypatch):
    def break_off(repo):
        raise OSError("connection reset\nand forty lines more")

    monkeypatch.setattr(hub, "answers", lambda: True)
    monkeypatch.setattr(hub, "download", break_off)
    with pytest.raises(ModelUnavailable, match="connection reset") as failed:
        load_model("gpt2-small")
    assert str(failed.value).count("\n") == 1
    assert failed.value.__suppress_context__


def test_without_a_hub_the_default_is_tiny_and_says_so_in_one_line(capfd):
    assert load_model().cfg.model_name == "tiny-gpt2"
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert "tiny-gpt2" in out and "hub" in out


def test_without_a_hub_gpt2_small_says_what_to_do():
    with pytest.raises(ModelUnavailable, match="does not answer") as failed:
        load_model("gpt2-small")
    assert 'load_model("tiny-gpt2")' in str(failed.value)


def test_the_environment_variable_names_the_default(monkeypatch, checkpoint, capfd):
    monkeypatch.setenv("PATCHBOOK_MODEL", "tiny-attn-only")
    assert load_model().cfg.n_layers == 2
    monkeypatch.setenv("PATCHBOOK_MODEL", str(checkpoint))
    assert load_model().cfg.n_heads == 3
    assert capfd.readouterr() == ("", "")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelUnavailable, match="tiny-attn-only") as failed:
        load_model("gpt3")
    assert "'gpt3'" in str(failed.value)


@pytest.fixture
def silent_hub(monkeypatch):
    """A hub that takes the call and never says a word."""
    monkeypatch.undo()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(hub, "PATIENCE", 0.3)
        yield


def test_a_hub_that_never_answers_is_not_waited_for(silent_hub):
    assert not hub.answers(), "and it returns: whoever waited for that hub would wait for ever"


def test_a_hub_that_says_no_is_still_there(monkeypatch):
    monkeypatch.setattr(hub, "asked", lambda address: True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert hub.answers()
    hub.answers.cache_clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not hub.answers()


def test_available_models_says_why_not(monkeypatch, checkpoint):
    rows = {row.name: row for row in available_models()}
    assert list(rows) == [*models.shipped(), "gpt2-small", "attn-only-2l-shortformer"]
    assert rows["tiny-gpt2"].reachable and not rows["gpt2-small"].reachable
    assert "no answer" in rows["gpt2-small"].why
    put_in_cache(checkpoint, "gpt2")
    assert {row.name: row.reachable for row in available_models()}["gpt2-small"]


def test_asking_what_is_available_needs_no_torch():
    code = (
        "import sys, patchbook, patchbook.models as m; m.available_models(); "
        "print([name for name in ('torch', 'transformer_lens') if name in sys.modules])"
    )
    env = {"HF_HUB_OFFLINE": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "[]"


def test_words_that_are_no_list_are_named():
    with pytest.raises(ValueError, match=r"'cities'.*days"):
        zoo.words("cities")


@pytest.mark.parametrize("name", ["names", "places", "objects", "days", "months", "seasons"])
def test_every_listed_word_is_one_token_after_a_space(name):
    tokenizer = AutoTokenizer.from_pretrained(loading.TOKENIZER)
    assert [word for word in zoo.words(name) if len(tokenizer.tokenize(" " + word)) != 1] == []


@pytest.mark.parametrize("length, prompts", json.loads("""[
    [11, ["Hello. Hello. Hello. Hello. Hello.", "Matthew really does not know what he is doing.",
          "This is a sentence. This is another sentence.", "Filling up to eleven tokens.\\nGo."]],
    [9, ["Today it is Sunday, tomorrow it is", "Today it is Wednesday, yesterday it was",
         "Now it is August, the next month"]],
    [15, ["When John and Mary went to the shops, John gave the bag to",
          "After Martin and Amy went to the park, Amy gave a drink to"]]]"""))  # fmt: skip
def test_published_prompts_have_the_length_they_have_in_gpt2(length, prompts):
    tokenizer = AutoTokenizer.from_pretrained(loading.TOKENIZER)
    assert [1 + len(tokenizer.tokenize(prompt)) for prompt in prompts] == [length] * len(prompts)


@pytest.mark.parametrize(
    ("layers", "heads", "device", "slow"),
    [
        (12, 12, "cpu", True),
        (12, 12, torch.device("cpu"), True),
        (12, 12, "cuda:0", False),
        (12, 12, "mps", False),
        (4, 6, "cpu", False),
    ],
)
def test_a_large_model_is_slow_without_a_gpu(layers, heads, device, slow):
    cfg = SimpleNamespace(n_layers=layers, n_heads=heads, device=device)
    assert models.is_slow(SimpleNamespace(cfg=cfg)) == slow
