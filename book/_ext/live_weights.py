"""A model's weights in one small file, for the model that runs in the book's pages.

The weights are those of `load_model`, folded and centred, so what the page computes is what a notebook
computes. A weight keeps three of its four bytes, a rounding of at most 2^-17 of its size: logits then move by
about 1e-4. With two bytes (half precision) they move by 5e-3, and figures would no longer agree with the
notebooks' to three digits.

    file      = gzip(number of bytes of the head, 4 bytes | head | first bytes | second bytes | third bytes)
    head      = JSON: config, tensors ([name, shape], in order), tokens (in order of their numbers), merges
    bytes     = of all weights in a row, the most significant first; equal bytes side by side compress better

Linear maps are (output, input): the page's loops read a row at a time.
"""

import base64
import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformer_lens import TransformerBridge

from patchbook import zoo
from patchbook.patching.arithmetic import Arithmetic

MODELS = ("tiny-gpt2", "tiny-attn-only")
TOKENIZER = zoo.ZOO / "tiny-gpt2" / "tokenizer.json"  # both models read with it


def packed(name: str, model: TransformerBridge) -> bytes:
    """The whole file of a model."""
    tensors = dict(named(Arithmetic.of(model)))
    head = json.dumps(head_of(name, model, tensors), separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 4)
    flat = torch.cat([tensor.flatten() for tensor in tensors.values()]).numpy()
    return gzip.compress(struct.pack("<I", len(head)) + head + three_bytes(flat), mtime=0)


def named(arithmetic: Arithmetic) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights by TransformerLens's names, maps as (output, input)."""
    yield "W_E", arithmetic.W_E
    if arithmetic.W_pos is not None:
        yield "W_pos", arithmetic.W_pos
    for number, layer in enumerate(arithmetic.layers):
        for letter, (weight, bias) in layer.qkv.items():
            yield f"{number}.W_{letter.upper()}", weight
            yield f"{number}.b_{letter.upper()}", bias
        yield f"{number}.W_O", layer.W_O.flatten(0, 1).T
        yield f"{number}.b_O", layer.b_O
        if layer.mlp is not None:
            yield from zip(
                (f"{number}.{w}" for w in ("W_in", "b_in", "W_out", "b_out")), layer.mlp, strict=True
            )
    yield "W_U", arithmetic.W_U
    yield "b_U", arithmetic.b_U


def head_of(name: str, model: TransformerBridge, tensors: dict[str, torch.Tensor]) -> dict:
    """What the page must know before it reads weights."""
    cfg, tokenizer = model.cfg, json.loads(TOKENIZER.read_text(encoding="utf-8"))
    tokens = sorted(tokenizer["model"]["vocab"].items(), key=lambda row: row[1])
    extra = {row["content"]: row["id"] for row in tokenizer["added_tokens"]}
    return {
        "config": {
            "name": name,
            "n_layers": cfg.n_layers,
            "n_heads": cfg.n_heads,
            "d_head": cfg.d_head,
            "d_model": cfg.d_model,
            "d_mlp": 0 if cfg.attn_only else cfg.d_mlp,
            "n_ctx": cfg.n_ctx,
            "d_vocab": cfg.d_vocab,
            "eps": cfg.eps,
            "normed": cfg.normalization_type is not None,
            "rotary": 0 if "W_pos" in tensors else cfg.rotary_dim,
            "bos": model.tokenizer.bos_token_id,
        },
        "tensors": [[key, list(tensor.shape)] for key, tensor in tensors.items()],
        "tokens": [token for token, _ in tokens],
        "special": extra,
        "merges": [" ".join(pair) for pair in tokenizer["model"]["merges"]],
    }


def three_bytes(values: np.ndarray) -> bytes:
    """float32 rounded to three bytes, plane by plane."""
    bits = values.astype("<f4").view("<u4")
    rounded = (bits + 0x7F + ((bits >> 8) & 1)) >> 8  # to the nearest, ties to even
    return b"".join((rounded >> shift & 0xFF).astype(np.uint8).tobytes() for shift in (16, 8, 0))


def as_script(name: str, file: bytes) -> str:
    """The same file as a script: a page opened from a disk may fetch nothing, but it may load scripts."""
    return f'(self.patchbookWeights??={{}})["{name}"]="{base64.b64encode(file).decode()}"\n'


def write(folder: Path, name: str, model: TransformerBridge) -> None:
    """A model's file into `folder`, as bytes and as a script."""
    file = packed(name, model)
    (folder / f"{name}.bin").write_bytes(file)
    (folder / f"{name}.js").write_text(as_script(name, file), encoding="utf-8")
