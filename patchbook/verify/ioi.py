"""The published figures of chapter 2: indirect object identification, and the heads that others named."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking.fallback import reference_for
from patchbook.prompts.ioi import IOIDataset, published_prompts
from patchbook.verify.measuring import answer_rows, difference_rows, final_logits, mean, token
from patchbook.verify.rows import Row

OURS = 100  # prompts of our own, for the figures of the paper whose prompts are not in the file
ATTENDS = 0.1  # mean attention from which a head counts as looking at a role
HALF = 50  # random tokens, said twice
INDUCTION = 0.4  # induction score from which a head counts as an induction head
LABEL = re.compile(r"L(\d+)H(\d+)")
NONE_SUCH = "no such head"


@torch.no_grad()
def rows(model: TransformerBridge, figures: dict[str, Any]) -> Iterator[Row]:
    """Every figure of the section "ioi", and the list of induction heads."""
    ioi = figures["ioi"]
    yield from _differences(model, ioi)
    yield from _single(model, ioi["single"])
    yield from _attributed(model, ioi["direct_logit_attribution_prompt0"])
    yield from _paper(model, ioi["paper"])
    yield _faithfulness(model, ioi["heads"], ioi["paper"]["faithfulness_gap"])
    yield from _heads(model, ioi["heads"])
    yield from _induction(model, figures["induction_heads_on_random_repeats"])


def _logit_differences(logits: Float[Tensor, "batch d_vocab"], answers: Tensor) -> list[float]:
    right, wrong = logits.gather(1, answers).T
    return (right - wrong).tolist()


def _differences(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    """Eight prompts, and the other prompt of each pair with the answers kept."""
    ds = published_prompts(model.tokenizer)
    logits = final_logits(model, ds.sentences)
    measured = _logit_differences(logits, ds.answer_tokens)
    yield from difference_rows("ioi", ds.sentences, figure["per_prompt_logit_diff"], measured)
    yield Row("ioi", "mean", figure["mean_logit_diff"], mean(measured), "logit difference")
    swapped = _logit_differences(logits, ds.answer_tokens.flip(1))
    wanted = figure["corrupted_mean_logit_diff"]
    yield Row("ioi", "corrupted, mean", wanted, mean(swapped), "logit difference")


def _single(model: TransformerBridge, figure: dict[str, Any]) -> Iterator[Row]:
    yield from answer_rows(model, "ioi", figure)
    probabilities = final_logits(model, [figure["prompt"]])[0].softmax(-1)
    john = probabilities[token(model, " John")].item()
    what = f"{figure['prompt']} … John: probability"
    yield Row("ioi", what, figure["john_prob"], john, "probability")


def _head(label: str) -> tuple[int, int]:
    layer, head = LABEL.fullmatch(label).groups()
    return int(layer), int(head)


def _has(model: TransformerBridge, label: str) -> bool:
    layer, head = _head(label)
    return layer < model.cfg.n_layers and head < model.cfg.n_heads


def _attributed(model: TransformerBridge, published: dict[str, float]) -> Iterator[Row]:
    """What heads write directly to the first prompt's logit difference."""
    ds = published_prompts(model.tokenizer)[:1]
    _, cache = model.run_with_cache(ds.toks)
    right, wrong = ds.answer_tokens[0]
    written = _written(model, cache, model.W_U[:, right] - model.W_U[:, wrong])
    for label, wanted in published.items():
        got, why = (written[_head(label)].item(), "") if _has(model, label) else (None, NONE_SUCH)
        yield Row("ioi", f"{label}: direct attribution, first prompt", wanted, got, "logit difference", why)


def _written(
    model: TransformerBridge, cache: ActivationCache, direction: Tensor
) -> Float[Tensor, "layer head"]:
    """What each head writes along a direction at the last position of a single prompt, in logits."""
    scale = cache["ln_final.hook_scale"][0, -1]
    z = torch.stack([cache["z", layer][0, -1] for layer in range(model.cfg.n_layers)])
    return torch.einsum("lhd,lhdm->lhm", z, model.W_O) @ direction / scale


def _paper(model: TransformerBridge, figure: dict[str, float]) -> Iterator[Row]:
    """The paper's means over 100,000 prompts, here over fewer prompts of our own."""
    ds = IOIDataset("mixed", OURS, model.tokenizer)
    logits = model(ds.toks)[torch.arange(ds.N), ds.word_idx["end"]]
    measured = torch.tensor(_logit_differences(logits, ds.answer_tokens))
    right = logits.softmax(-1).gather(1, ds.answer_tokens)[:, 0].mean().item()
    above = (measured > 0).float().mean().item()
    rows = (
        ("mean logit difference", "mean_logit_diff_100k", measured.mean().item(), "logit difference"),
        ("share with IO above S", "io_above_s", above, "share"),
        ("probability of IO", "io_prob", right, "share"),
    )
    for what, name, got, kind in rows:
        text = f"paper, {what} ({OURS} other prompts)"
        yield Row("ioi", text, figure[name], got, f"{kind}, other prompts")


def _faithfulness(model: TransformerBridge, circuit: dict[str, list[str]], published: float) -> Row:
    """How much of the mean logit difference is lost when all but the published heads are mean-ablated."""
    what, kind = f"paper, faithfulness gap ({OURS} other prompts)", "logit difference, other prompts"
    if not all(_has(model, label) for labels in circuit.values() for label in labels):
        return Row("ioi", what, published, None, kind, NONE_SUCH)
    ds = IOIDataset("mixed", OURS, model.tokenizer)
    means = ds.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    heads = {name: [_head(label) for label in labels] for name, labels in circuit.items()}
    places = {name: LOOKS.get(name, ("S1+1",))[0] for name in circuit}
    cut_out = reference_for("add_mean_ablation_hook")(model, means, heads, places)
    gap = _mean_difference(model, ds) - _mean_difference(cut_out, ds)
    return Row("ioi", what, published, abs(gap), kind)


def _mean_difference(run: Callable[[Tensor], Tensor], ds: IOIDataset) -> float:
    """Mean logit difference of a model, or of anything else that turns tokens into logits."""
    return mean(_logit_differences(run(ds.toks)[torch.arange(ds.N), ds.word_idx["end"]], ds.answer_tokens))


# Class of heads -> from which role it looks to which. Those who write to the answer look alike here.
LOOKS = {
    "name_mover": ("end", "IO"),
    "backup_name_mover": ("end", "IO"),
    "negative_name_mover": ("end", "IO"),
    "s_inhibition": ("end", "S2"),
    "induction": ("S2", "S1+1"),
    "duplicate_token": ("S2", "S1"),
}


def _heads(model: TransformerBridge, published: dict[str, list[str]]) -> Iterator[Row]:
    """How many heads of each class look where the class is said to look, on prompts of our own."""
    ds = IOIDataset("mixed", OURS, model.tokenizer)
    _, cache = model.run_with_cache(ds.toks, names_filter=lambda name: name.endswith("hook_pattern"))
    patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)], dim=1)
    for kind, labels in published.items():
        if kind in LOOKS:
            query, key = (ds.word_idx[role] for role in LOOKS[kind])
            attention = patterns[torch.arange(ds.N), :, :, query, key].mean(0)  # (layer, head)
        else:  # previous-token heads: at every real token
            back = patterns.diagonal(-1, -2, -1)  # (batch, layer, head, query - 1)
            real = ds.attention_mask[:, None, None, 1:]
            attention = (back * real).sum((0, -1)) / real.sum((0, -1))
        where = " to ".join(LOOKS.get(kind, ("every token", "the one before it")))
        yield _found(model, f"{kind} heads that look from {where}", labels, attention, ATTENDS)


def _found(
    model: TransformerBridge, what: str, labels: list[str], scores: Float[Tensor, "layer head"], least: float
) -> Row:
    """How many of the published heads reach a score."""
    found = [label for label in labels if _has(model, label) and scores[_head(label)] >= least]
    return Row("ioi", what, len(labels), len(found), "heads found")


def _induction(model: TransformerBridge, labels: list[str]) -> Iterator[Row]:
    """Induction scores of the published heads on random tokens, said twice."""
    generator = torch.Generator().manual_seed(0)
    half = torch.randint(model.cfg.d_vocab, (8, HALF), generator=generator)
    tokens = torch.cat([torch.full((8, 1), model.tokenizer.bos_token_id), half, half], dim=1)
    _, cache = model.run_with_cache(tokens, names_filter=lambda name: name.endswith("hook_pattern"))
    layers = (cache["pattern", layer] for layer in range(model.cfg.n_layers))
    scores = torch.stack([pattern.diagonal(1 - HALF, -2, -1).mean((0, -1)) for pattern in layers])
    yield _found(model, "induction heads on random repeats", labels, scores, INDUCTION)
