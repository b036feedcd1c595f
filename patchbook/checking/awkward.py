"""Small random models whose every dimension differs, so that a swapped axis cannot pass.

On GPT-2 small layers and heads are both 12: a transposed result has the right shape there.
"""

import functools

import torch
from tokenizers import Tokenizer, models
from transformer_lens import TransformerBridge
from transformer_lens.config import TransformerBridgeConfig
from transformers import PreTrainedTokenizerFast

from patchbook.models.copies import Copies

VOCAB = 97
BOS = 61
_SIZES = {"n_layers": 3, "n_heads": 5, "d_model": 20, "d_head": 7, "d_mlp": 33}


def awkward_model(seed: int = 0, dtype: torch.dtype = torch.float32, **config) -> TransformerBridge:
    """A random GPT-2-like model: 3 layers, 5 heads of 7, width 20, 97 tokens, in compatibility mode.

    Every weight is random, biases and LayerNorms too, so that leaving one out shows.
    config: overrides of TransformerBridgeConfig, such as n_layers=2.
    """
    return _as(_gpt2_like(seed, **config)(), dtype)


def awkward_attn_only(seed: int = 0, dtype: torch.dtype = torch.float32) -> TransformerBridge:
    """A random attention-only model like tiny-attn-only: 2 layers, 5 heads of 6, rotary, no LayerNorm."""
    return _as(_attn_only(seed)(), dtype)


# A check needs dozens of fresh models. Booting takes 0.15 s and copying 0.002 s: each kind is booted once.
@functools.lru_cache(maxsize=256)
def _gpt2_like(seed: int, **config) -> Copies:
    model = _random(seed, normalization_type="LN", **_SIZES | config)
    model.enable_compatibility_mode(
        fold_ln=True,
        center_writing_weights=True,
        center_unembed=True,
        refactor_factored_attn_matrices=False,
    )
    return Copies(model)


@functools.lru_cache(maxsize=256)
def _attn_only(seed: int) -> Copies:
    sizes = _SIZES | {"n_layers": 2, "d_head": 6, "d_mlp": 0}
    rotary = {"positional_embedding_type": "rotary", "rotary_dim": 6}
    return Copies(_random(seed, normalization_type=None, attn_only=True, **sizes, **rotary))


@functools.lru_cache(maxsize=64)
def _booted(**config) -> Copies:
    settings = {"n_ctx": 64, "d_vocab": VOCAB, "act_fn": "gelu", "device": "cpu"} | config
    return Copies(TransformerBridge.boot_native(TransformerBridgeConfig(**settings)).eval())


def _random(seed: int, **config) -> TransformerBridge:
    model = _booted(**config)()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return model


def _as(model: TransformerBridge, dtype: torch.dtype) -> TransformerBridge:
    """The model in another dtype. b_U is a buffer after folding, not a parameter."""
    if dtype != torch.float32:
        model.cfg.dtype = dtype
        for weight in (*model.parameters(), *model.buffers()):
            weight.data = weight.data.to(dtype) if weight.is_floating_point() else weight.data
    return model


def random_tokens(seed: int, batch: int = 2, length: int = 11) -> torch.Tensor:
    """Random token ids below 97: Int["batch length"]."""
    return torch.randint(VOCAB, (batch, length), generator=torch.Generator().manual_seed(seed))


def different_tokens(seed: int, batch: int, number: int = 2) -> torch.Tensor:
    """For each prompt so many token ids below 97, all different: Int["batch number"]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randperm(VOCAB, generator=generator)[:number] for _ in range(batch)])


def with_tokenizer(model: TransformerBridge, known: dict[str, int] | None = None) -> TransformerBridge:
    """The model with a tokenizer of its own, whose BOS is neither the first nor the last of the 97 tokens.

    known: words with the id that each shall have; the other tokens are called w0, w1, ….
    """
    end = "<|endoftext|>"
    names = {i: f"w{i}" for i in range(model.cfg.d_vocab)} | {i: word for word, i in (known or {}).items()}
    words = {name: i for i, name in (names | {BOS: end}).items()}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token=next(iter(words)))),
        name_or_path="awkward",
        bos_token=end,
        eos_token=end,
        pad_token=end,
    )
    model.tokenizer, model.cfg.tokenizer_prepends_bos = tokenizer, False
    return model
