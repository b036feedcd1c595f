"""What the exercises of chapter 1's second half must compute: attribution, ablation, weights."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, FactoredMatrix, TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.checking.labels import HeadScores


def _logit_of(
    model: TransformerBridge, cache: ActivationCache, position: int, token: Tensor
) -> Callable[[Tensor], Tensor]:
    """What a vector in the residual stream at `position` adds to the logit of `token`.

    The final LayerNorm is: subtract the mean, divide by the scale that the whole stream had. (Its weights
    are folded into W_U and b_U.) The mean is 0 already where the model's weights are centred, as they are
    after compatibility mode; subtracting it keeps the sum rule where they are not.
    """

    def to_logit(vector: Float[Tensor, "d_model"]) -> Float[Tensor, ""]:
        if model.cfg.normalization_type is not None:
            vector = (vector - vector.mean()) / cache["ln_final.hook_scale"][0, position]
        return vector @ model.W_U[:, token]

    return to_logit


def logit_attribution(
    tokens: Int[Tensor, "1 seq"], model: TransformerBridge, cache: ActivationCache, token_position: int
) -> Float[Tensor, "layer head"]:
    """One head at a time: its z through its W_O, the final scale, the column of W_U of the next token."""
    to_logit = _logit_of(model, cache, token_position, tokens[0, token_position + 1])
    contributions = model.W_U.new_zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            written = cache["z", layer][0, token_position, head] @ model.W_O[layer, head]
            contributions[layer, head] = to_logit(written)
    return contributions


def full_logit_attribution(
    tokens: Int[Tensor, "1 seq"], model: TransformerBridge, cache: ActivationCache, token_position: int
) -> dict[str, Tensor]:
    """Everything that is ever added to the residual stream, one term at a time, and b_U."""
    correct = tokens[0, token_position + 1]
    to_logit = _logit_of(model, cache, token_position, correct)
    mlps = model.W_U.new_zeros(model.cfg.n_layers)
    biases = model.b_U[correct].clone()
    for layer in range(model.cfg.n_layers):
        biases += to_logit(model.b_O[layer])
        if not model.cfg.attn_only:
            mlps[layer] = to_logit(cache["mlp_out", layer][0, token_position])
    return {
        "embedding": to_logit(cache["resid_pre", 0][0, token_position]),
        "heads": logit_attribution(tokens, model, cache, token_position),
        "mlps": mlps,
        "biases": biases,
    }


def head_zero_ablation_hook(
    z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index_to_ablate: int
) -> Float[Tensor, "batch pos head d_head"]:
    """One head's output set to zero; the others as they were."""
    ablated = z.clone()
    for pos in range(z.shape[1]):
        ablated[:, pos, head_index_to_ablate] = 0.0
    return ablated


def head_mean_ablation_hook(
    z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index_to_ablate: int
) -> Float[Tensor, "batch pos head d_head"]:
    """At each position, the mean of the prompts' vectors there; the other heads as they were."""
    ablated = z.clone()
    for pos in range(z.shape[1]):
        total = sum(z[prompt, pos, head_index_to_ablate] for prompt in range(z.shape[0]))
        ablated[:, pos, head_index_to_ablate] = total / z.shape[0]
    return ablated


def get_ablation_scores(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch seq"],
    ablation_function: Callable = head_zero_ablation_hook,
) -> Float[Tensor, "layer head"]:
    """Ablate one head, run, and compare the loss with the untouched model's. Then the next head."""
    scores = model.W_U.new_zeros(model.cfg.n_layers, model.cfg.n_heads)
    before = _loss_in_second_half(model, tokens, [])
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def ablate(z: Tensor, hook: HookPoint, head: int = head) -> Tensor:
                return ablation_function(z, hook, head_index_to_ablate=head)

            hooks = [(f"blocks.{layer}.attn.hook_z", ablate)]
            scores[layer, head] = _loss_in_second_half(model, tokens, hooks) - before
    return scores


def _loss_in_second_half(model: TransformerBridge, tokens: Tensor, hooks: list) -> Float[Tensor, ""]:
    """Minus the log-probability of the right next token, where that one and its predecessor are repeats."""
    seq_len = (tokens.shape[1] - 1) // 2
    log_probs = model.run_with_hooks(tokens, fwd_hooks=hooks).log_softmax(dim=-1)
    losses = [
        -log_probs[prompt, position, tokens[prompt, position + 1]]
        for prompt in range(tokens.shape[0])
        for position in range(1 + seq_len, 2 * seq_len)
    ]
    return torch.stack(losses).mean()


def full_OV_circuit(model: TransformerBridge, layer: int, head_index: int) -> FactoredMatrix:
    """What each source token's embedding adds to each logit when the head moves it: W_E W_V W_O W_U."""
    read = model.W_E @ model.W_V[layer, head_index]  # (d_vocab, d_head)
    write = model.W_O[layer, head_index] @ model.W_U  # (d_head, d_vocab)
    return FactoredMatrix(read, write)


def top_1_accuracy(full_OV_circuit: FactoredMatrix) -> float:
    """Token by token: is its own logit the largest of its row? A block of rows at a time, for memory."""
    A, B = full_OV_circuit.A, full_OV_circuit.B
    right = 0
    for tokens in torch.arange(A.shape[0], device=A.device).split(256):
        rows = A[tokens] @ B
        right += sum(int(row.argmax() == token) for row, token in zip(rows, tokens, strict=True))
    return right / A.shape[0]


def get_comp_score(W_A: Float[Tensor, "in_A out_A"], W_B: Float[Tensor, "out_A out_B"]) -> float:
    """The size of the product over the sizes of the factors; size is the root of the sum of squares."""

    def size(W: Tensor) -> float:
        return (W * W).sum().sqrt().item()

    return size(W_A @ W_B) / (size(W_A) * size(W_B))


def k_composition_scores(model: TransformerBridge) -> Float[Tensor, "earlier_head later_head"]:
    """For each pair of heads: what the earlier one writes, against what the later one's keys read."""
    scores = model.W_U.new_zeros(model.cfg.n_heads, model.cfg.n_heads)
    for earlier in range(model.cfg.n_heads):
        W_OV = model.W_V[0, earlier] @ model.W_O[0, earlier]
        for later in range(model.cfg.n_heads):
            W_QK = model.W_Q[1, later] @ model.W_K[1, later].T  # queries on the left, keys on the right
            scores[earlier, later] = get_comp_score(W_OV, W_QK.T)
    return scores


def my_induction_heads(measure: Callable[[], HeadScores]) -> list[str]:
    """The heads of the measured model whose induction score is at least 0.4."""
    return measure().labels(0.4)
