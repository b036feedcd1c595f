"""Which heads do what, found with the book's own methods.

Patterns are read on random tokens said twice; the IOI circuit is found with direct logit attribution and
with `transformer_lens.patching`, on the four published templates, each person giving once.
"""

import torch
from torch import Tensor
from transformer_lens import patching

from patchbook.training.measure import repeated_tokens

PATTERNS = {  # what a head attends to from position q, when the text is `half` tokens said twice
    "previous token": lambda q, half: q - 1,
    "current token": lambda q, half: q,
    "first token": lambda q, half: 0,
    "duplicate token": lambda q, half: q - half,
    "induction": lambda q, half: q - half + 1,
}

IOI_ROWS = [  # pattern, first name, second name: as published for GPT-2 small
    ("When {a} and {b} went to the shops, {s} gave the bag to", " John", " Mary"),
    ("When {a} and {b} went to the park, {s} gave the ball to", " Tom", " James"),
    ("When {a} and {b} went to the shops, {s} gave an apple to", " Dan", " Sid"),
    ("After {a} and {b} went to the park, {s} gave a drink to", " Martin", " Amy"),
]


def label(layer: int, head: int) -> str:
    """(3, 5) -> 'L3H5', as TransformerLens counts."""
    return f"L{layer}H{head}"


def as_labels(scores: Tensor, least: float) -> dict[str, float]:
    """{'L3H5': score} for the entries of [layer head] that are at least `least`, largest first."""
    rows = [(label(*index), scores[tuple(index)].item()) for index in (scores >= least).nonzero().tolist()]
    return {name: round(score, 2) for name, score in sorted(rows, key=lambda row: -row[1])}


def pattern_scores(model, half: int = 50) -> dict[str, Tensor]:
    """Kind -> mean attention [layer head] to that position, over the second half of the text."""
    _, cache = model.run_with_cache(repeated_tokens(model, half))
    patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)])
    queries = range(half + 1, 2 * half)  # patterns: (layer, batch, head, query, key)
    return {
        kind: torch.stack([patterns[..., q, key(q, half)] for q in queries]).mean((0, 2))
        for kind, key in PATTERNS.items()
    }


def ioi_batch(model) -> tuple[Tensor, Tensor, Tensor]:
    """Clean tokens [8 pos], corrupted ones (each pair's other prompt), answers [8 2] (right, wrong)."""
    prompts, answers = [], []
    for pattern, a, b in IOI_ROWS:
        for right, wrong in ((b, a), (a, b)):
            names = {"a": a.strip(), "b": b.strip(), "s": wrong.strip()}
            prompts.append(pattern.format(**names))
            answers.append([model.to_single_token(right), model.to_single_token(wrong)])
    tokens = model.to_tokens(prompts)
    swapped = [i ^ 1 for i in range(len(prompts))]
    return tokens, tokens[swapped], torch.tensor(answers)


def mean_difference(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean logit difference after the last token: a scalar."""
    last = logits[:, -1].gather(1, answers)
    return (last[:, 0] - last[:, 1]).mean()


def head_attribution(model, cache, answers: Tensor) -> Tensor:
    """What each head writes straight into the logit difference, in logits: [layer head]."""
    stack = cache.stack_head_results(layer=-1, pos_slice=-1)
    scaled = cache.apply_ln_to_stack(stack, layer=-1, pos_slice=-1)  # (component, batch, d_model)
    directions = model.W_U[:, answers[:, 0]] - model.W_U[:, answers[:, 1]]  # (d_model, batch)
    written = torch.einsum("cbd,db->cb", scaled, directions).mean(1)
    layers, heads = model.cfg.n_layers, model.cfg.n_heads
    return written[: layers * heads].reshape(layers, heads)


def ioi_sweeps(model) -> dict[str, Tensor]:
    """Attribution and the patching sweeps; patched values are 0 for corrupted, 1 for clean."""
    clean, corrupted, answers = ioi_batch(model)
    logits, cache = model.run_with_cache(clean)
    high, low = mean_difference(logits, answers), mean_difference(model(corrupted), answers)

    def metric(patched: Tensor) -> Tensor:
        return (mean_difference(patched, answers) - low) / (high - low)

    every = patching.get_act_patch_attn_head_all_pos_every(model, corrupted, cache, metric)
    return {
        "logit_diff": high,
        "attribution": head_attribution(model, cache, answers),
        "resid_pre": patching.get_act_patch_resid_pre(model, corrupted, cache, metric),
        **dict(zip(("output", "query", "key", "value", "pattern"), every, strict=True)),
    }


def summary(model, gpt2: bool) -> dict:
    """The heads of the model card: label -> score, one table for each measure."""
    least = {"first token": 0.6}
    found = {kind: as_labels(scores, least.get(kind, 0.3)) for kind, scores in pattern_scores(model).items()}
    if not gpt2:
        return {"attention on repeated random tokens": found}
    sweeps = ioi_sweeps(model)
    attribution = sweeps["attribution"]
    return {
        "attention on repeated random tokens": found,
        "ioi": {
            "logit_diff": sweeps["logit_diff"].item(),
            "written by heads": attribution.sum().item(),
            "name movers (attribution)": as_labels(attribution, 0.3),
            "against the answer (attribution)": as_labels(-attribution, 0.1),
            "output patched": as_labels(sweeps["output"], 0.1),
            "query patched": as_labels(sweeps["query"], 0.1),
            "key patched": as_labels(sweeps["key"], 0.1),
            "value patched (S-inhibition)": as_labels(sweeps["value"], 0.1),
            "resid_pre patched": [[round(x, 3) for x in row] for row in sweeps["resid_pre"].tolist()],
        },
    }
