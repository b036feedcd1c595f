"""A logit difference taken apart, with the bias put right: the parts add up to the model's own number.

    parts = decompose_logit_diff(model, cache, answer_tokens)
    parts.total                       # (batch,), the true logit differences
    parts.heads.mean(-1)              # (layer, head), what each head writes straight to the answer
    labels, values = accumulated_logit_diff(model, cache, answer_tokens)      # the logit lens

The residual stream is a sum, and the final LayerNorm divides all of it by one scale. So every vector in it
has a share of logit(right) - logit(wrong). One share is not in the stream: the LayerNorm's own bias, folded
into b_U, which adds b_U[right] - b_U[wrong]. Leave it out, and the shares miss the true difference by just
that much (`unembedding_bias`).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge


@dataclass(frozen=True)
class LogitDiffParts:
    """Everything that is added to a logit difference, in logits, for each prompt.

    embedding: tokens and positions. heads: each head's output. mlps: each MLP's output, its bias included;
    zeros where the model has none. attention_biases: b_O of each layer. unembedding_bias: b_U[right] -
    b_U[wrong].
    """

    embedding: Float[Tensor, "batch"]
    heads: Float[Tensor, "layer head batch"]
    mlps: Float[Tensor, "layer batch"]
    attention_biases: Float[Tensor, "layer batch"]
    unembedding_bias: Float[Tensor, "batch"]

    @property
    def total(self) -> Float[Tensor, "batch"]:
        """The sum of all parts: the logit difference of each prompt."""
        return self.in_the_stream + self.unembedding_bias

    @property
    def in_the_stream(self) -> Float[Tensor, "batch"]:
        """What the residual stream accounts for: the total without b_U."""
        layers = self.attention.sum(0) + self.mlps.sum(0)
        return self.embedding + layers

    @property
    def attention(self) -> Float[Tensor, "layer batch"]:
        """What each attention layer writes: its heads and its b_O."""
        return self.heads.sum(1) + self.attention_biases

    def by_layer(self) -> tuple[list[str], Float[Tensor, "component batch"]]:
        """Labels and values: the embedding, each layer's attention and MLP, the unembedding's bias."""
        labels, rows = ["embedding"], [self.embedding]
        for layer, (attention, mlp) in enumerate(zip(self.attention, self.mlps, strict=True)):
            labels += [f"attn {layer}", f"mlp {layer}"]
            rows += [attention, mlp]
        return [*labels, "b_U"], torch.stack([*rows, self.unembedding_bias])


def decompose_logit_diff(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch 2"],
    positions: Int[Tensor, "batch"] | None = None,
) -> LogitDiffParts:
    """Each component's share of logit(column 0) - logit(column 1), prompt by prompt.

    >>> logits, cache = model.run_with_cache(tokens)
    >>> right, wrong = logits[:, -1].gather(1, answer_tokens).T
    >>> torch.allclose(decompose_logit_diff(model, cache, answer_tokens).total, right - wrong, atol=1e-5)
    True

    Args:
        model: in compatibility mode, as `load_model` gives it.
        cache: of `model` on a batch of prompts.
        answer_tokens: for each prompt the right and the wrong token.
        positions: where each prompt is read; None is the last position. Prompts padded on the right need it.

    Raises ValueError for a cache without its batch dimension, answers of another shape, or a model whose
    final LayerNorm is not folded.
    """
    layers, width = range(model.cfg.n_layers), model.W_U.shape[0]
    z = torch.stack([_at(cache["z", layer], positions) for layer in layers])  # (layer, batch, head, d_head)
    written = torch.einsum("lbhd,lhdm->lhbm", z, model.W_O)
    batch = z.shape[1]
    b_O = model.b_O[:, None].expand(-1, batch, width)
    mlps = written.new_zeros(len(layers), batch, width)
    if not model.cfg.attn_only:
        mlps = torch.stack([_at(cache["mlp_out", layer], positions) for layer in layers])

    def share(stack: Tensor) -> Tensor:
        return stack_to_logit_diff(model, cache, stack, answer_tokens, positions)

    return LogitDiffParts(
        embedding=share(_at(cache["resid_pre", 0], positions)),
        heads=share(written),
        mlps=share(mlps),
        attention_biases=share(b_O),
        unembedding_bias=unembedding_bias(model, answer_tokens),
    )


def stack_to_logit_diff(
    model: TransformerBridge,
    cache: ActivationCache,
    stack: Float[Tensor, "*components batch d_model"],
    answer_tokens: Int[Tensor, "batch 2"],
    positions: Int[Tensor, "batch"] | None = None,
) -> Float[Tensor, "*components batch"]:
    """What vectors of the residual stream add to each prompt's logit difference; b_U is not among them.

    The vectors stand at `positions`. The scale is that of the whole stream there, so shares add up.
    Raises ValueError as `decompose_logit_diff` does.
    """
    _refuse(model, cache, answer_tokens)
    if model.cfg.normalization_type is not None:
        scale = _at(cache["ln_final.hook_scale"], positions)  # (batch, 1)
        stack = (stack - stack.mean(-1, keepdim=True)) / scale
    return (stack * logit_diff_directions(model, answer_tokens)).sum(-1)


def logit_diff_directions(
    model: TransformerBridge, answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch d_model"]:
    """The direction of the residual stream that raises the right logit over the wrong one."""
    right, wrong = answer_tokens.T
    return (model.W_U[:, right] - model.W_U[:, wrong]).T


def unembedding_bias(
    model: TransformerBridge, answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch"]:
    """b_U[right] - b_U[wrong]: what no vector of the stream writes."""
    right, wrong = answer_tokens.T
    return model.b_U[right] - model.b_U[wrong]


def accumulated_logit_diff(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch 2"],
    positions: Int[Tensor, "batch"] | None = None,
) -> tuple[list[str], Float[Tensor, "component batch"]]:
    """The logit lens: labels, and the difference if the stream were read before each layer, and at the end.

    b_U is in every row, so the last one is the model's own logit difference.
    """
    layers = range(model.cfg.n_layers)
    stream = [_at(cache["resid_pre", layer], positions) for layer in layers]
    stream.append(_at(cache["resid_post", layers[-1]], positions))
    shares = stack_to_logit_diff(model, cache, torch.stack(stream), answer_tokens, positions)
    labels = [f"before {layer}" for layer in layers] + ["end"]
    return labels, shares + unembedding_bias(model, answer_tokens)


def _at(activation: Tensor, positions: Tensor | None) -> Tensor:
    """(batch, pos, ...) -> (batch, ...): each prompt at its own position, or all at the last."""
    if positions is None:
        return activation[:, -1]
    return activation[torch.arange(len(activation), device=activation.device), positions]


def _refuse(model: TransformerBridge, cache: ActivationCache, answer_tokens: Tensor) -> None:
    if not cache.has_batch_dim:
        raise ValueError(
            "wanted a cache with its batch dimension: leave remove_batch_dim out of run_with_cache."
        )
    batch = cache["resid_pre", 0].shape[0]
    if answer_tokens.shape != (batch, 2):
        raise ValueError(
            f"wanted a right and a wrong answer for each of {batch} prompts, shape ({batch}, 2), "
            f"but got answer_tokens of shape {tuple(answer_tokens.shape)}."
        )
    if not _folded(model):
        raise ValueError(
            "wanted a model whose final LayerNorm is folded into W_U and b_U, but its weights are apart.\n"
            "Use patchbook.load_model, or enable_compatibility_mode(fold_ln=True)."
        )


def _folded(model: TransformerBridge) -> bool:
    """Whether the final LayerNorm has no weight and no bias of its own left."""
    if model.cfg.normalization_type is None:
        return True
    final = model.ln_final
    return bool((final.weight == 1).all()) and bool((final.bias == 0).all())
