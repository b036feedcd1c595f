"""Which heads do what, found with the book's own methods.

Patterns are read on random tokens said twice; the IOI circuit is found with direct logit attribution and by
patching, the third name being the other one. A head is named by MANY prompts, with its standard error. Only
the sweep over positions keeps to the four published templates, which have one length.
"""

import torch
from torch import Tensor
from transformer_lens import patching

from patchbook.patching import sweeps
from patchbook.patching.effects import Effect, by_head
from patchbook.prompts.ioi import TEMPLATES, IOIDataset
from patchbook.training.measure import HELD_OUT, repeated_tokens

MANY = 320  # prompts by which a head is named
FEW = 8  # what a first look has, to compare with
BY_CHANCE = "how many heads chance alone would name"

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


def named(values: Tensor, least: float) -> dict[str, list[float]]:
    """{'L3H5': [mean, standard error]} of the heads that [layer head prompt] names, largest first."""
    effects = {label(*head): effect for head, effect in by_head(values).items()}
    rows = {name: effect for name, effect in effects.items() if effect.mean >= effect.line(least)}
    ordered = sorted(rows.items(), key=lambda row: -row[1].mean)
    return {name: [round(effect.mean, 3), round(effect.error, 3)] for name, effect in ordered}


def by_chance(values: Tensor, line: float) -> dict[str, float]:
    """How many heads chance alone would name: on few prompts, on all, and with the second line, too."""
    effects = by_head(values).values()

    def expected(k: int | None, line_of) -> float:
        return round(sum(effect.by_chance(line_of(effect), k) for effect in effects), 2)

    return {
        "line": line,
        f"on {FEW} prompts": expected(FEW, lambda effect: line),
        f"on {MANY} prompts": expected(None, lambda effect: line),
        "and three standard errors": expected(None, lambda effect: effect.line(line)),
    }


def patterns_by_text(model, half: int, texts: int) -> dict[str, Tensor]:
    """Kind -> attention [layer head text] to that position, averaged over the second half of each text."""
    found: dict[str, list[Tensor]] = {kind: [] for kind in PATTERNS}
    for part in repeated_tokens(model, half, texts).split(32):
        _, cache = model.run_with_cache(part, names_filter=lambda name: name.endswith("hook_pattern"))
        patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)])
        queries = range(half + 1, 2 * half)  # patterns: (layer, batch, head, query, key)
        for kind, key in PATTERNS.items():
            found[kind].append(torch.stack([patterns[..., q, key(q, half)] for q in queries]).mean(0))
    return {kind: torch.cat(parts, dim=1).transpose(1, 2) for kind, parts in found.items()}


def pattern_scores(model, half: int = 50) -> dict[str, Tensor]:
    """Kind -> mean attention [layer head], on 16 texts: enough to watch a training."""
    return {kind: values.mean(-1) for kind, values in patterns_by_text(model, half, 16).items()}


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


def resid_pre_sweep(model) -> Tensor:
    """The stream patched by layer and position, on the published prompts; 0 for corrupted, 1 for clean."""
    clean, corrupted, answers = ioi_batch(model)
    logits, cache = model.run_with_cache(clean)
    high, low = mean_difference(logits, answers), mean_difference(model(corrupted), answers)

    def metric(patched: Tensor) -> Tensor:
        return (mean_difference(patched, answers) - low) / (high - low)

    return patching.get_act_patch_resid_pre(model, corrupted, cache, metric)


def ioi_sweeps(model) -> dict[str, Tensor]:
    """By name [layer head prompt]: what heads write (logits), patched shares; and the logit differences."""
    ioi = IOIDataset("mixed", MANY, model.tokenizer, seed=HELD_OUT, templates=TEMPLATES[:8])
    other = ioi.gen_flipped_prompts("ABB->ABA, BAB->BAA")
    rows, end = torch.arange(MANY), ioi.word_idx["end"]

    def differences(logits: Tensor) -> Tensor:
        return logits[rows, end, ioi.io_tokenIDs] - logits[rows, end, ioi.s_tokenIDs]

    logits, cache = model.run_with_cache(ioi.toks)
    high, low = differences(logits), differences(model(other.toks))
    way = (high - low).mean()
    every = sweeps.get_act_patch_attn_head_all_pos_every(
        model, other.toks, cache, lambda patched: (differences(patched) - low) / way, reduce="none"
    )
    z = torch.stack([cache["z", layer][rows, end] for layer in range(model.cfg.n_layers)])
    scaled = z / cache["ln_final.hook_scale"][rows, end][:, None]
    directions = model.W_U[:, ioi.io_tokenIDs] - model.W_U[:, ioi.s_tokenIDs]
    return {
        "logit_diff": high,
        "attribution": torch.einsum("lphd,lhdm,mp->lhp", scaled, model.W_O, directions),
        **dict(zip(("output", "query", "key", "value", "pattern"), every.values, strict=True)),
    }


def summary(model, gpt2: bool) -> dict:
    """The heads of the model card, one table for each measure: label -> mean and standard error."""
    least = {"first token": 0.6}
    found = {
        kind: named(values, least.get(kind, 0.3))
        for kind, values in patterns_by_text(model, 50, MANY).items()
    }
    if not gpt2:
        return {"attention on repeated random tokens": found}
    swept = ioi_sweeps(model)
    attribution, logit_diff = swept.pop("attribution"), Effect(swept.pop("logit_diff"))
    measures = {
        "name movers (attribution)": (attribution, 0.3),
        "against the answer (attribution)": (-attribution, 0.1),
        **{f"{what} patched": (values, 0.1) for what, values in swept.items()},
    }
    return {
        "attention on repeated random tokens": found,
        "ioi": {
            "prompts": MANY,
            "logit_diff": logit_diff.mean,
            "written by heads": attribution.mean(-1).sum().item(),
            **{what: named(values, line) for what, (values, line) in measures.items()},
            "resid_pre patched": [[round(x, 3) for x in row] for row in resid_pre_sweep(model).tolist()],
        },
        BY_CHANCE: {what: by_chance(values, line) for what, (values, line) in measures.items()},
    }
