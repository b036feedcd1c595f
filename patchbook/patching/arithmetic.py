"""A model's forward pass in plain matrix products, on the bridge's own weights.

A patched run needs a part of the model only: some layers, some positions, some heads. The bridge computes all
of it, through hook points that nobody reads. `Arithmetic.of(model)` takes the weights once (views, no copies)
and offers the steps one by one; tests hold them to the bridge.

Axes: any leading ones, then `pos d_model` for the stream and `pos head d_head` for q, k, v and z.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from transformer_lens import TransformerBridge

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}
NORMS = {None: None, "LN": "weights", "LNPRE": "none"}
OTHERWISE = {  # settings that would need other arithmetic, with the only value that does not
    "gated_mlp": False,
    "parallel_attn_mlp": False,
    "scale_attn_by_inverse_layer_idx": False,
    "use_attn_scale": True,
    "attn_scores_soft_cap": -1.0,
    "output_logits_soft_cap": -1.0,
    "attention_dir": "causal",
    "final_rms": False,
}
SHORT = 32  # up to so many keys plain products are faster than torch's fused attention, on a CPU
SMALL = 4  # how often as long an operation takes in a product of many small matrices


@dataclass(frozen=True)
class Norm:
    """A LayerNorm. weight, bias: None where they are folded into what follows."""

    eps: float
    weight: Tensor | None = None
    bias: Tensor | None = None

    def __call__(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


def unnormalised(x: Tensor) -> Tensor:
    return x


@dataclass(frozen=True)
class Layer:
    """One layer's weights. The maps are (output, input), as torch's `linear` wants them."""

    norm1: Callable[[Tensor], Tensor]
    norm2: Callable[[Tensor], Tensor]
    qkv: dict[str, tuple[Tensor, Tensor]]  # by letter, (head · d_head, d_model) and its bias
    W_O: Float[Tensor, "head d_head d_model"]
    b_O: Float[Tensor, " d_model"]
    mlp: tuple[Tensor, Tensor, Tensor, Tensor] | None  # W_in, b_in, W_out, b_out


@dataclass(frozen=True)
class Arithmetic:
    """A model, step by step. Make it with `Arithmetic.of(model)`, anew when weights change."""

    layers: tuple[Layer, ...]
    norm: Callable[[Tensor], Tensor]
    W_E: Float[Tensor, "d_vocab d_model"]
    W_pos: Float[Tensor, "n_ctx d_model"] | None  # added to the embedding
    key_pos: Float[Tensor, "n_ctx d_model"] | None  # added to what queries and keys read (shortformer)
    rotary: tuple[Tensor, Tensor] | None  # cosines and sines, (n_ctx, rotary_dim)
    W_U: Float[Tensor, "d_vocab d_model"]
    b_U: Float[Tensor, " d_vocab"]
    activation: Callable[[Tensor], Tensor]
    n_heads: int

    @classmethod
    def of(cls, model: TransformerBridge) -> "Arithmetic":
        """The model's weights. Raises ValueError for an architecture that these steps do not compute."""
        _refuse_others(model)
        with torch.no_grad():
            kind = NORMS[_norm_type(model)]
            first = Norm(model.cfg.eps) if kind else unnormalised
            norm_of = partial(_norm, eps=model.cfg.eps) if kind == "weights" else (lambda _: first)
            attn_only = bool(model.cfg.attn_only)
            return cls(
                layers=tuple(_layer(block, norm_of, attn_only) for block in model.blocks),
                norm=norm_of(model.ln_final) if kind else unnormalised,
                W_E=model.W_E.detach(),
                W_pos=_positions(model),
                key_pos=getattr(model, "shortformer_positions", None),
                rotary=_rotary(model),
                W_U=model.W_U.detach().T,
                b_U=model.b_U.detach(),
                activation=ACTIVATIONS[model.cfg.act_fn],
                n_heads=model.cfg.n_heads,
            )

    @property
    def attn_only(self) -> bool:
        return self.layers[0].mlp is None

    def embed(self, tokens: Int[Tensor, "... pos"]) -> Float[Tensor, "... pos d_model"]:
        """The stream before layer 0."""
        x = self.W_E[tokens]
        return x if self.W_pos is None else x + self.W_pos[: tokens.shape[-1]]

    def read(self, layer: int, letter: str, normed: Tensor, at: slice | Tensor) -> Tensor:
        """q, k or v from the normalised stream at the prompt's positions `at`: (..., head, d_head)."""
        return self.vectors(layer, letter, self.placed(letter, normed, at))

    def placed(self, letter: str, normed: Tensor, at: slice | Tensor) -> Tensor:
        """What queries, keys or values read of the normalised stream: a shortformer adds positions to two."""
        return normed if self.key_pos is None or letter == "v" else normed + self.key_pos[at]

    def vectors(self, layer: int, letter: str, placed: Tensor) -> Tensor:
        """q, k or v, as TransformerLens's hooks have them: before a rotation."""
        weight, bias = self.layers[layer].qkv[letter]
        return functional.linear(placed, weight, bias).unflatten(-1, (self.n_heads, -1))

    def rotated(self, x: Float[Tensor, "... pos head d_head"], at: slice | Tensor) -> Tensor:
        """A query or key at its position; the same where the model does not rotate."""
        if self.rotary is None:
            return x
        cos, sin = (table[at, None] for table in self.rotary)
        turned, rest = x.split([cos.shape[-1], x.shape[-1] - cos.shape[-1]], dim=-1)
        other = torch.stack((-turned[..., 1::2], turned[..., 0::2]), dim=-1).flatten(-2)
        return torch.cat([turned * cos + other * sin, rest], dim=-1)

    def pattern(
        self,
        q: Float[Tensor, "... query head d_head"],
        k: Float[Tensor, "... key head d_head"],
        at: slice | Tensor,
    ) -> Float[Tensor, "... head query key"]:
        """Attention of queries at `at` to the keys of the whole prompt."""
        q, k = self.rotated(q, at).transpose(-3, -2), self.rotated(k, slice(k.shape[-3])).transpose(-3, -2)
        return attention(k @ (q / q.shape[-1] ** 0.5).transpose(-2, -1), at).transpose(-2, -1)

    def mix(self, pattern: Tensor, v: Float[Tensor, "... key head d_head"]) -> Tensor:
        """z, as (..., query head d_head)."""
        return (pattern @ v.transpose(-3, -2)).transpose(-3, -2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, at: slice | Tensor) -> Tensor:
        """z of queries at `at`, from the keys and values of the whole prompt; the pattern is not kept."""
        if k.shape[-3] <= SHORT:
            return self.mix(self.pattern(q, k, at), v)
        q, k = self.rotated(q, at), self.rotated(k, slice(k.shape[-3]))
        positions = torch.arange(k.shape[-3], device=k.device)
        seen = (positions <= positions[at, None])[None, None]
        rows = torch.broadcast_shapes(q.shape[:-3], k.shape[:-3], v.shape[:-3])
        flat = [x.expand(*rows, *x.shape[-3:]).flatten(0, len(rows) - 1).transpose(1, 2) for x in (q, k, v)]
        z = functional.scaled_dot_product_attention(*flat, attn_mask=seen)  # fast with four axes only
        return z.transpose(1, 2).unflatten(0, rows)

    def few_ask(self, queries: int, changed: int, length: int) -> bool:
        """Whether `ask` costs less than to make the keys and values of `changed` positions."""
        made, asked = changed * self.W_E.shape[1], queries * self.n_heads * length
        return self.rotary is None and SMALL * asked <= made

    def ask(
        self,
        layer: int,
        q: Float[Tensor, "... query head d_head"],
        normed: Float[Tensor, "... key d_model"],
        at: slice | Tensor,
    ) -> Float[Tensor, "... query head d_head"]:
        """`attend`, with keys and values never made: for few queries.

        q · (W_K x) is (q W_K) · x: queries go to the stream's space, and what they hear comes back from
        there. A key's bias is the same for all keys, so no pattern shows it.
        """
        (W_K, _), (W_V, b_V) = (self.layers[layer].qkv[letter] for letter in "kv")
        W_K, W_V, b_V = (one.unflatten(0, (self.n_heads, -1)) for one in (W_K, W_V, b_V))
        asked = torch.einsum("...qhd,hdm->...hqm", q / q.shape[-1] ** 0.5, W_K)
        keys = self.placed("k", normed, slice(normed.shape[-2]))
        scores = keys @ asked.flatten(-3, -2).transpose(-2, -1)  # (..., key, head · query)
        pattern = attention(scores.unflatten(-1, (self.n_heads, -1)).transpose(-3, -2), at)
        heard = pattern.transpose(-3, -2).flatten(-2).transpose(-2, -1) @ normed
        return torch.einsum("...hqm,hdm->...qhd", heard.unflatten(-2, (self.n_heads, -1)), W_V) + b_V

    def attn_out(self, layer: int, z: Float[Tensor, "... head d_head"]) -> Float[Tensor, "... d_model"]:
        """What all heads of a layer write, and b_O."""
        its = self.layers[layer]
        return torch.matmul(z.flatten(-2), its.W_O.flatten(0, 1)) + its.b_O

    def mlp_out(self, layer: int, mid: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """What the MLP writes when it reads `mid`; zeros in a model without MLPs."""
        return self.mlp(layer, self.layers[layer].norm2(mid))

    def mlp(self, layer: int, normed: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """What the MLP writes when it reads this of the normalised stream."""
        if self.attn_only:
            return torch.zeros_like(normed)
        W_in, b_in, W_out, b_out = self.layers[layer].mlp
        return functional.linear(self.activation(functional.linear(normed, W_in, b_in)), W_out, b_out)

    def logits(
        self, final: Float[Tensor, "... d_model"], tokens: Int[Tensor, " token"] | None = None
    ) -> Float[Tensor, "... d_vocab"]:
        """What the end of the stream says: of all tokens, or of these."""
        W_U, b_U = (self.W_U, self.b_U) if tokens is None else (self.W_U[tokens], self.b_U[tokens])
        return functional.linear(self.norm(final), W_U, b_U)


def attention(scores: Float[Tensor, "... key query"], at: slice | Tensor) -> Tensor:
    """What queries at `at` give to each key. Keys come first: a softmax over a short last axis is slow."""
    positions = torch.arange(scores.shape[-2], device=scores.device)
    return scores.masked_fill_(positions[:, None] > positions[at], -torch.inf).softmax(-2)


def _layer(block, norm_of: Callable, attn_only: bool) -> Layer:
    attn = block.attn
    flat = {
        letter: (
            getattr(attn, f"W_{letter.upper()}").detach().transpose(1, 2).flatten(0, 1),
            getattr(attn, f"b_{letter.upper()}").detach().flatten(),
        )
        for letter in "qkv"
    }
    mlp = None
    if not attn_only:
        maps = block.mlp.W_in, block.mlp.b_in, block.mlp.W_out, block.mlp.b_out
        mlp = tuple(one.detach().T if one.ndim == 2 else one.detach() for one in maps)
    return Layer(
        norm1=norm_of(getattr(block, "ln1", None)),
        norm2=unnormalised if attn_only else norm_of(getattr(block, "ln2", None)),
        qkv=flat,
        W_O=attn.W_O.detach(),
        b_O=attn.b_O.detach(),
        mlp=mlp,
    )


def _norm_type(model: TransformerBridge) -> str | None:
    kind = model.cfg.normalization_type
    return kind if kind is None else kind.upper()


def _norm(module, eps: float) -> Norm:
    """A LayerNorm with its weights, or without where they are 1 and 0."""
    weight, bias = module.weight.detach(), module.bias.detach()
    folded = bool((weight == 1).all()) and bool((bias == 0).all())
    return Norm(eps) if folded else Norm(eps, weight, bias)


def _positions(model: TransformerBridge) -> Tensor | None:
    kind = (model.cfg.positional_embedding_type or "standard").lower()
    return model.W_pos.detach() if kind == "standard" else None


def _rotary(model: TransformerBridge) -> tuple[Tensor, Tensor] | None:
    for module in model.original_model.modules():
        if hasattr(module, "cos_cached"):
            tables = module.cos_cached, module.sin_cached
            return tuple(table.to(device=model.W_E.device, dtype=model.W_E.dtype) for table in tables)
    return None


def _refuse_others(model: TransformerBridge) -> None:
    cfg = model.cfg
    wrong = [name for name, wanted in OTHERWISE.items() if getattr(cfg, name, wanted) != wanted]
    if _norm_type(model) not in NORMS:
        wrong.append("normalization_type")
    if cfg.act_fn not in ACTIVATIONS:
        wrong.append("act_fn")
    if (cfg.n_key_value_heads or cfg.n_heads) != cfg.n_heads:
        wrong.append("n_key_value_heads")
    if (cfg.positional_embedding_type or "standard").lower() not in ("standard", "rotary", "shortformer"):
        wrong.append("positional_embedding_type")
    if wrong:
        raise ValueError(
            f"wanted a model like GPT-2 or one of attention only, but its {wrong[0]} is "
            f"{getattr(cfg, wrong[0])!r}. transformer_lens.patching runs any model."
        )
