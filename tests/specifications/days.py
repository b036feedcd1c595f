"""What the exercises of chapter 4 must compute: which day is tomorrow, and who says so."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook import zoo
from patchbook.tests.specifications import ioi

CYCLES = tuple(tuple(zoo.words(name)) for name in ("days", "months", "seasons"))
DAYS = CYCLES[0]
STEPS_ON = {"same as the answer": 1, "the day after the answer": 2}


def successor(word: str, step: int = 1) -> str:
    """The word so many steps on in its cycle. ValueError for a word of no cycle."""
    for cycle in CYCLES:
        for place, candidate in enumerate(cycle):
            if candidate == word:
                return cycle[(place + step) % len(cycle)]
    raise ValueError(f"{word!r} is no day, month or season")


def today_prompts(pattern: str, words: list[str], step: int = 1) -> list[tuple[str, str, str]]:
    """For each word: the pattern with it, the right answer and the wrong one, each with a space."""
    return [(pattern.replace("{}", word), " " + successor(word, step), " " + word) for word in words]


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


def corrupt_day(day: str, way: str) -> str:
    """The day that takes a prompt's day's place. ValueError for an unknown day or way."""
    if day not in DAYS or way not in STEPS_ON:
        raise ValueError(f"no such day or way: {day!r}, {way!r}")
    return successor(day, STEPS_ON[way])


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


def get_act_patch_mlp_out(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: ioi.Metric,
) -> Float[Tensor, "layer pos"]:
    """What each MLP writes, one position at a time; the forward pass is rebuilt, not hooked."""
    return ioi.get_act_patch_block_every(model, corrupted_tokens, clean_cache, patching_metric)[2]


def scatter_rows(
    x: Float[Tensor, "layer head"], y: Float[Tensor, "layer head"]
) -> list[tuple[str, int, float, float]]:
    """Label, layer, x and y of each head, layer by layer."""
    layers, heads = x.shape
    return [
        (f"L{layer}H{head}", layer, x[layer, head].item(), y[layer, head].item())
        for layer in range(layers)
        for head in range(heads)
    ]


def heads_by_depth(patched: Float[Tensor, "layer head"], threshold: float) -> dict[str, list[str]]:
    """Heads whose value is large either way, by the third of the model that their layer lies in."""
    layers, heads = patched.shape
    found: dict[str, list[str]] = {"early": [], "middle": [], "late": []}
    for layer in range(layers):
        third = "early" if 3 * layer < layers else "middle" if 3 * layer < 2 * layers else "late"
        for head in range(heads):
            if abs(patched[layer, head].item()) >= threshold:
                found[third].append(f"L{layer}H{head}")
    return found


def ov_successor_score(model: TransformerBridge, layer: int, head: int) -> float:
    """The fraction of days for which the head's OV circuit makes the next day the largest of the days."""
    tokens = [model.to_single_token(" " + day) for day in DAYS]
    hits = 0
    for place, token in enumerate(tokens):
        written = model.W_E[token] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U
        hits += written[tokens].argmax().item() == (place + 1) % len(tokens)
    return hits / len(tokens)


def days_pca(vectors: Float[Tensor, "day d_model"], k: int = 2) -> Float[Tensor, "day k"]:
    """Coordinates along the k directions in which the vectors differ most, largest first."""
    centred = vectors - vectors.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    return centred @ directions.flip(1)[:, :k]


def tomorrow_layer(gains: Callable) -> int:
    """The layer that adds most to the lead of tomorrow over today, in the model in use."""
    return int(gains().argmax())
