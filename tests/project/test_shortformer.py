"""The shortformer toy model: a random state dict of its layout, against a forward pass written by hand."""

import json
import math
import shutil
import socket
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import AutoTokenizer

from patchbook.models import ModelUnavailable, available_models, hub, load_model, loading, shortformer

NAME = "attn-only-2l-shortformer"
LAYERS, HEADS, D_HEAD, D_MODEL, N_CTX = (
    2,
    3,
    5,
    14,
    64,
)  # heads x d_head is not d_model: nothing may rely on it


def random_state(d_vocab: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Every entry of the public model's layout, its unused ones too; no two sizes are the same."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator) * 0.4

    state = {"embed.W_E": draw(d_vocab, D_MODEL), "pos_embed.W_pos": draw(N_CTX, D_MODEL)}
    for layer in range(LAYERS):
        attn = f"blocks.{layer}.attn."
        for letter in "QKV":
            state[f"{attn}W_{letter}"] = draw(HEADS, D_MODEL, D_HEAD)
            state[f"{attn}b_{letter}"] = draw(HEADS, D_HEAD)
        state |= {f"{attn}W_O": draw(HEADS, D_HEAD, D_MODEL), f"{attn}b_O": draw(D_MODEL)}
        state |= {f"{attn}mask": torch.ones(N_CTX, N_CTX).tril().bool(), f"{attn}IGNORE": torch.tensor(-1e5)}
    return state | {"unembed.W_U": draw(D_MODEL, d_vocab), "unembed.b_U": draw(d_vocab)}


def by_hand(state: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    """Logits of one prompt [pos d_vocab]: loops over layers, heads, queries and keys."""
    W_pos = state["pos_embed.W_pos"]
    x = [state["embed.W_E"][token] for token in tokens]
    for layer in range(LAYERS):
        get = lambda name, head, layer=layer: state[f"blocks.{layer}.attn.{name}"][head]  # noqa: E731
        out = [state[f"blocks.{layer}.attn.b_O"].clone() for _ in x]
        for head in range(HEADS):
            placed = [vector + W_pos[pos] for pos, vector in enumerate(x)]
            q = [vector @ get("W_Q", head) + get("b_Q", head) for vector in placed]
            k = [vector @ get("W_K", head) + get("b_K", head) for vector in placed]
            v = [vector @ get("W_V", head) + get("b_V", head) for vector in x]
            for query in range(len(x)):
                scores = torch.stack([q[query] @ k[key] / math.sqrt(D_HEAD) for key in range(query + 1)])
                z = sum(weight * v[key] for key, weight in enumerate(scores.softmax(0)))
                out[query] = out[query] + z @ get("W_O", head)
        x = [vector + written for vector, written in zip(x, out, strict=True)]
    return torch.stack([vector @ state["unembed.W_U"] + state["unembed.b_U"] for vector in x])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a random state dict and a tokenizer."""
    folder = tmp_path_factory.mktemp("shortformer")
    tokenizer = AutoTokenizer.from_pretrained(loading.TOKENIZER)
    tokenizer.save_pretrained(folder)
    torch.save(random_state(len(tokenizer)), folder / shortformer.WEIGHTS)
    return folder


@pytest.fixture
def state(folder):
    return torch.load(folder / shortformer.WEIGHTS, weights_only=True)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No network and an empty cache."""

    def refuse(*_):
        raise OSError("the test has no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    answers = hub.answers  # a test may put another in its place
    answers.cache_clear()
    yield
    answers.cache_clear()


def some_tokens(length: int, rows: int = 1) -> torch.Tensor:
    return torch.randint(0, 3000, (rows, length), generator=torch.Generator().manual_seed(length))


@torch.no_grad()
@pytest.mark.parametrize("length", [1, 2, 13])
def test_logits_are_those_of_a_forward_pass_by_hand(folder, state, length):
    model, tokens = load_model(folder), some_tokens(length, rows=2)
    for row, logits in zip(tokens, model(tokens), strict=True):
        torch.testing.assert_close(logits, by_hand(state, row), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_stream_carries_no_positions_but_queries_and_keys_do(folder, state):
    model, tokens = load_model(folder), torch.full((1, 5), 7)
    _, cache = model.run_with_cache(tokens)
    embedded = state["embed.W_E"][7].expand(5, -1)
    torch.testing.assert_close(cache["resid_pre", 0][0], embedded)
    assert cache["v", 0][0].std(0).max() < 1e-6, "the same token has the same value everywhere"
    for letter in "QK":
        placed = torch.einsum(
            "pm,hmd->phd", embedded + state["pos_embed.W_pos"][:5], state[f"blocks.0.attn.W_{letter}"]
        )
        want = placed + state[f"blocks.0.attn.b_{letter}"]
        torch.testing.assert_close(cache[letter.lower(), 0][0], want, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_positions_stay_when_hooks_are_reset_and_other_hooks_come_and_go(folder):
    model, tokens = load_model(folder), some_tokens(9)
    before = model(tokens)
    zero = ("blocks.0.attn.hook_z", lambda z, hook: torch.zeros_like(z))
    assert (model.run_with_hooks(tokens, fwd_hooks=[zero]) - before).abs().max() > 1e-3
    model.reset_hooks()
    assert torch.equal(model(tokens), before)


@torch.no_grad()
def test_weights_read_as_in_the_literature(folder, state):
    model = load_model(folder)
    assert model.cfg.positional_embedding_type == "shortformer" and not model.training
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q"):
        want = torch.stack([state[f"blocks.{layer}.attn.{name}"] for layer in range(LAYERS)])
        assert torch.equal(getattr(model, name), want), name
    assert torch.equal(model.W_U, state["unembed.W_U"]) and torch.equal(model.b_U, state["unembed.b_U"])


def test_dtype_is_the_one_asked_for(folder):
    model = load_model(folder, dtype=torch.float64)
    assert model(some_tokens(4)).dtype == torch.float64


def test_an_entry_that_is_missing_is_named(folder, state, tmp_path):
    del state["blocks.1.attn.W_O"]
    shutil.copytree(folder, tmp_path / "broken")
    torch.save(state, tmp_path / "broken" / shortformer.WEIGHTS)
    with pytest.raises(KeyError, match=r"blocks\.1\.attn\.W_O"):
        load_model(tmp_path / "broken")


# --- where it comes from ----------------------------------------------------------------------


def put_in_cache(repo_id: str, files: dict) -> None:
    """Lay files out as the hub's own cache does."""
    repo = Path(f"{constants.HF_HUB_CACHE}/models--{repo_id.replace('/', '--')}")
    (repo / "snapshots" / "0123abc").mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0123abc")
    for name, source in files.items():
        shutil.copy(source, repo / "snapshots" / "0123abc" / name)


def test_without_a_network_it_is_one_clear_error():
    with pytest.raises(ModelUnavailable, match="attn-only-2l-shortformer is not on this machine") as failed:
        load_model(NAME)
    assert "does not answer" in str(failed.value) and 'load_model("tiny-gpt2")' in str(failed.value)


def test_weights_without_their_tokenizer_say_what_is_missing(folder):
    put_in_cache(shortformer.REPO.ids[0], {shortformer.WEIGHTS: folder / shortformer.WEIGHTS})
    with pytest.raises(ModelUnavailable, match="the tokenizer of attn-only-2l-shortformer is not on this"):
        load_model(NAME)


def test_it_loads_from_the_cache_by_its_name(folder, capfd):
    put_in_cache(shortformer.REPO.ids[0], {shortformer.WEIGHTS: folder / shortformer.WEIGHTS})
    files = {name: folder / name for name in ("tokenizer.json", "tokenizer_config.json")}
    put_in_cache(shortformer.TOKENIZER.ids[0], files)
    assert load_model(NAME).cfg.model_name == NAME
    assert capfd.readouterr() == ("", "")
    assert {row.name: row.source for row in available_models()}[NAME] == "local cache of the model hub"


def test_it_asks_the_hub_for_its_weights_alone(monkeypatch, folder):
    asked = []

    def snapshot_download(repo, allow_patterns=None, local_files_only=False):
        if local_files_only:
            raise OSError("nothing in the cache")
        asked.append((repo, allow_patterns))
        return str(folder)

    monkeypatch.setattr(hub, "answers", lambda: True)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    load_model(NAME)
    assert asked == [("callummcdougall/attn_only_2L_half", ["attn_only_2L_half.pth"])]


def test_the_list_of_models_names_it():
    with pytest.raises(ModelUnavailable, match=NAME):
        load_model("gpt3")
    assert json.dumps([row.name for row in available_models()]).count(NAME) == 1
