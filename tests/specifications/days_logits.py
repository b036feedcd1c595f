"""What chapter 4's exercises must compute: ranks, logit differences and their parts."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge


def rank_and_prob(model: TransformerBridge, prompt: str, answer: str) -> tuple[int, float, float]:
    """Rank (0 is the likeliest), logit and probability of a token at the prompt's end."""
    last = model(model.to_tokens(prompt))[0, -1].detach()
    token = model.to_single_token(answer)
    better = sum(1 for logit in last.tolist() if logit > last[token].item())
    weights = (last - last.max()).exp()
    return better, last[token].item(), (weights[token] / weights.sum()).item()


def logits_to_ave_logit_diff_of_days(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of the answer less that of today's day, at the last position."""
    rows = zip(logits, answer_tokens.tolist(), wrong_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, right] - prompt[-1, wrong] for prompt, right, wrong in rows])
    return differences if per_prompt else differences.mean()


def decompose_logit_diff(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
) -> dict[str, Tensor]:
    """Each vector of the stream along its prompt's direction, over the final scale; and the bias b_U."""
    scale = cache["ln_final.hook_scale"][:, -1]  # (batch, 1)
    directions = (model.W_U[:, answer_tokens] - model.W_U[:, wrong_tokens]).T

    def share(vectors: Tensor) -> Tensor:  # (batch, d_model) -> (batch,)
        centred = vectors - vectors.mean(-1, keepdim=True)
        return (centred / scale * directions).sum(-1)

    layers = range(model.cfg.n_layers)
    return {
        "embedding": share(cache["resid_pre", 0][:, -1]),
        "attention": torch.stack([share(cache["attn_out", layer][:, -1]) for layer in layers]),
        "mlps": torch.stack([share(cache["mlp_out", layer][:, -1]) for layer in layers]),
        "bias": model.b_U[answer_tokens] - model.b_U[wrong_tokens],
    }


def day_metric(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
    corrupted_logit_diff: float,
    clean_logit_diff: float,
) -> Float[Tensor, ""]:
    """How much of the way from corrupted (0) to clean (1); ValueError where there is no way between them."""
    if clean_logit_diff == corrupted_logit_diff:
        raise ValueError("both runs have the same logit difference: nothing can be measured between them")
    difference = logits_to_ave_logit_diff_of_days(logits, answer_tokens, wrong_tokens)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)
