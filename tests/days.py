"""Checks of chapter 4: which day is tomorrow."""

import copy
import functools
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks, measured_days
from patchbook.checking.awkward import VOCAB, awkward_model, different_tokens, random_tokens, with_tokenizer
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.ioi import metric_cases, sweep_cases
from patchbook.tests.mistakes import days_heads, days_logits, days_words, patching
from patchbook.tests.specifications import days as specifications

PROMPTS = "patchbook.prompts.days"  # its functions are ready-made answers to the first exercises


_READY_MADE = {"ready_made": (PROMPTS,)}


@checks(specifications.successor, days_words.successor, **_READY_MADE)
def test_successor(seed: int) -> Iterator[Case]:
    """The word so many steps on in its cycle."""
    rng = random.Random(seed)
    rows = [("Sunday",), ("December", 1), ("Winter", 1), ("Monday", -1), ("November", 3), ("Summer", -6)]
    rows += [(rng.choice(cycle[1:-1]), rng.choice((1, 2))) for cycle in specifications.CYCLES]
    rows += [(rng.choice(specifications.CYCLES[1]), -15), ("Saturday", 0), ("Someday", 1)]
    for word, *step in rows:
        arguments = {"word": word} | ({"step": step[0]} if step else {})
        text = f"successor({', '.join(map(repr, arguments.values()))})"
        yield Case(text, lambda a=arguments: dict(a), raises=ValueError if word == "Someday" else None)


@checks(specifications.today_prompts, days_words.today_prompts, **_READY_MADE)
def test_today_prompts(seed: int) -> Iterator[Case]:
    """Prompts with their right and wrong answers."""
    rng = random.Random(seed)
    days, months, seasons = specifications.CYCLES
    rows = (
        ("Today it is {}, tomorrow it is", ["Sunday", *rng.sample(days[:-1], 2)], {}),
        ("Today it is {}, yesterday it was", ["Monday", *rng.sample(days[1:], 3)], {"step": -1}),
        ("Now it is {}, the next month is", rng.sample(months, 4), {"step": 1}),
        ("After {} comes", list(seasons), {}),
    )
    for pattern, words, step in rows:
        arguments = {"pattern": pattern, "words": words, **step}
        said = f", step {step['step']}" if step else ""
        yield Case(f"{pattern!r} with {', '.join(words)}{said}", lambda a=arguments: copy.deepcopy(a))


def _asked(seed: int, prompt: str, answer: str, noise: float) -> dict[str, Any]:
    """tiny-gpt2, its unembedding shaken, so that it is sure of nothing."""
    model = tiny_gpt2(seed)
    with torch.no_grad():
        model.W_U.add_(noise * randn(seed, *model.W_U.shape))
        model.b_U.add_(0.5 * randn(seed + 1, *model.b_U.shape))
    return {"model": model, "prompt": prompt, "answer": answer}


@checks(specifications.rank_and_prob, days_logits.rank_and_prob)
def test_rank_and_prob(seed: int) -> Iterator[Case]:
    """Rank, logit and probability of an answer."""
    rng = random.Random(seed)
    day, month = rng.choice(specifications.DAYS), rng.choice(specifications.CYCLES[1])
    rows = (
        ("Today it is Sunday, tomorrow it is", " Monday", 0.0),
        (f"Today it is {day}, yesterday it was", " " + rng.choice(specifications.DAYS), 0.05),
        ("November, December and", " " + month, 0.05),
        (f"Now it is {month}, the next month is", " " + rng.choice(specifications.CYCLES[1]), 0.1),
    )
    for index, (prompt, answer, noise) in enumerate(rows):
        build = functools.partial(_asked, seed + index, prompt, answer, noise)
        yield Case(f"{prompt!r}, {answer!r}", build, grad=index != 1)


def _tokens(seed: int, batch: int) -> dict[str, Tensor]:
    """For each prompt a right and a wrong token, never the same."""
    pairs = different_tokens(seed, batch)
    return {"answer_tokens": pairs[:, 0].clone(), "wrong_tokens": pairs[:, 1].clone()}


def _logits(seed: int, batch: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    """Random logits over 6 positions; per_prompt None: not given."""
    arguments = {"logits": 2 * randn(seed, batch, 6, VOCAB, **options), **_tokens(seed, batch)}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_of_days,
    days_logits.logits_to_ave_logit_diff_of_days,
)
def test_logits_to_ave_logit_diff_of_days(seed: int) -> Iterator[Case]:
    """The lead of tomorrow over today at the last position, on average or for each prompt."""
    yield Case("3 prompts of 6, per_prompt not given (False)", lambda: _logits(seed, 3))
    yield Case("4 prompts, per_prompt True", lambda: _logits(seed + 1, 4, True), grad=False)
    yield Case("5 prompts, per_prompt False", lambda: _logits(seed + 2, 5, False))
    yield Case("2 prompts in float64, per_prompt True", lambda: _logits(seed + 3, 2, True, **DOUBLE))


def _run(seed: int, batch: int, length: int, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    with torch.no_grad():
        _, cache = model.run_with_cache(random_tokens(seed, batch, length))
    return {"model": model, "cache": cache, **_tokens(seed, batch)}


@checks(specifications.decompose_logit_diff, days_logits.decompose_logit_diff)
def test_decompose_logit_diff(seed: int) -> Iterator[Case]:
    """The parts that a logit difference is made of."""
    yield Case("3 layers, 2 prompts of 6", lambda: _run(seed, 2, 6))
    yield Case("4 layers, 3 prompts of 5", lambda: _run(seed + 1, 3, 5, n_layers=4), grad=False)
    yield Case("3 layers, 4 prompts of 7, float64", lambda: _run(seed + 2, 4, 7, **DOUBLE))


@checks(specifications.corrupt_day, days_words.corrupt_day, **_READY_MADE)
def test_corrupt_day(seed: int) -> Iterator[Case]:
    """The day that takes a prompt's day's place."""
    rng = random.Random(seed)
    same, after = specifications.STEPS_ON
    rows = [("Sunday", same), ("Saturday", after), (rng.choice(specifications.DAYS[:4]), same)]
    rows += [(rng.choice(specifications.DAYS[:4]), after), ("Sunday", after), ("Monday", "at random")]
    for day, way in rows:
        error = None if way in specifications.STEPS_ON else ValueError
        yield Case(f"{day}, {way!r}", lambda day=day, way=way: {"day": day, "way": way}, raises=error)


@checks(specifications.day_metric, days_logits.day_metric)
def test_day_metric(seed: int) -> Iterator[Case]:
    """The logit difference on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("3 prompts of 6, corrupted -1.3, clean 2.9", 3, -1.3, 2.9, {}),
        ("2 prompts in float64, corrupted 1.7, clean -2.2", 2, 1.7, -2.2, DOUBLE),
        ("corrupted and clean both 1.5", 4, 1.5, 1.5, {}),
    )
    yield from metric_cases(seed, rows, _logits)
    yield Case("3 prompts, better than the clean run", lambda: _beyond_clean(seed + 5))


def _beyond_clean(seed: int) -> dict[str, Any]:
    arguments = _logits(seed, 3)
    rows, last = torch.arange(3), arguments["logits"][:, -1]
    differences = last[rows, arguments["answer_tokens"]] - last[rows, arguments["wrong_tokens"]]
    difference = differences.mean().item()
    return arguments | {"corrupted_logit_diff": difference - 3, "clean_logit_diff": difference - 1}


@checks(specifications.get_act_patch_mlp_out, patching.get_act_patch_mlp_out)
def test_get_act_patch_mlp_out(seed: int) -> Iterator[Case]:
    """Patching what each MLP writes, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {})


def _two_tables(seed: int, layers: int, heads: int, **options) -> dict[str, Tensor]:
    return {name: randn(seed + i, layers, heads, **options) for i, name in enumerate("xy")}


@checks(specifications.scatter_rows, days_heads.scatter_rows)
def test_scatter_rows(seed: int) -> Iterator[Case]:
    """One point for each head, with its label and its layer."""
    yield Case("3 layers, 5 heads", lambda: _two_tables(seed, 3, 5))
    yield Case("4 layers, 2 heads", lambda: _two_tables(seed + 2, 4, 2), grad=False)
    yield Case("2 layers, 7 heads, float64", lambda: _two_tables(seed + 4, 2, 7, **DOUBLE))


@checks(specifications.heads_by_depth, days_heads.heads_by_depth)
def test_heads_by_depth(seed: int) -> Iterator[Case]:
    """The heads that matter, by third of the model."""
    rows = ((3, 5, 0.7), (4, 6, 0.9), (7, 3, 0.5), (12, 2, 0.8))
    for index, (layers, heads, threshold) in enumerate(rows):
        yield Case(
            f"{layers} layers, {heads} heads, threshold {threshold}",
            lambda i=index, n=layers, h=heads, t=threshold: {
                "patched": randn(seed + i, n, h),
                "threshold": t,
            },
            grad=index != 1,
        )


def _knows_days(seed: int, counted: dict[tuple[int, int], int], **options) -> TransformerBridge:
    """A random model with a word for each day, some of whose heads map that many days to the next."""
    model = awkward_model(seed, **options)
    rng = random.Random(seed)
    places = rng.sample([i for i in range(VOCAB) if i != 61], len(specifications.DAYS))
    with_tokenizer(model, {" " + day: place for day, place in zip(specifications.DAYS, places, strict=True)})
    with torch.no_grad():
        for (layer, head), hits in counted.items():
            _write_circuit(model, layer, head, places, _circuit_of(rng, hits, model.W_E.dtype))
    return model


def _circuit_of(rng: random.Random, hits: int, dtype: torch.dtype) -> Tensor:
    """A map of days to days: `hits` of them to the next day, the others to any but the next: (7, 7)."""
    n = len(specifications.DAYS)
    circuit = randn(rng.randrange(1000), n, n, dtype=dtype)
    chosen = set(rng.sample(range(n), hits))
    for day in range(n):
        step = 1 if day in chosen else rng.choice((0, -1, 2))
        circuit[day, (day + step) % n] += 6
    return circuit * randn(rng.randrange(1000), n, 1, dtype=dtype).exp()  # rows and columns disagree


def _write_circuit(
    model: TransformerBridge, layer: int, head: int, places: list[int], circuit: Tensor
) -> None:
    """Give a head weights for which W_E W_V W_O W_U on the days is `circuit`. d_head is 7, too."""
    attn, width = model.blocks[layer].attn, model.cfg.d_head
    rows = slice(head * width, (head + 1) * width)
    W_V = torch.linalg.pinv(model.W_E[places])  # (d_model, 7)
    W_O = circuit @ torch.linalg.pinv(model.W_U[:, places])  # (7, d_model)
    attn.v.weight[rows] = W_V.T
    attn.o.weight[:, rows] = W_O.T


@checks(specifications.ov_successor_score, days_heads.ov_successor_score)
def test_ov_successor_score(seed: int) -> Iterator[Case]:
    """How many days a head's OV circuit maps to the next."""
    rows = ((1, 2, 5, {}), (2, 0, 7, {}), (0, 1, 2, DOUBLE), (2, 1, 3, {}))
    for index, (layer, head, hits, options) in enumerate(rows):
        heads = {(layer, head): hits, (head, layer): (hits + 3) % 8}
        build = functools.partial(_knows_days, seed + index, heads, **options)
        yield Case(
            f"layer {layer}, head {head}{' in float64' if options else ''}",
            lambda b=build, i=layer, h=head: {"model": b(), "layer": i, "head": h},
            grad=index != 1,
        )


def _without_sign(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Each column so that its largest entry is positive: which way a direction points carries nothing.

    Where vectors do not differ at all, coordinates are rounding errors: they count as 0.
    """
    found = implementation(*arguments.values())
    if not torch.is_tensor(found) or found.dim() != 2 or not found.numel() or not found.isfinite().all():
        return found
    found = torch.where(found.abs() < 1e-3, 0.0, found)
    largest = found.abs().argmax(0, keepdim=True)
    return found * found.gather(0, largest).sign()


def _vectors(seed: int, number: int, width: int, k: int | None = None, **options) -> dict[str, Any]:
    """Random vectors that share a mean; no two directions have nearly the same spread."""
    basis = torch.linalg.qr(randn(seed, width, width, dtype=torch.float64)).Q
    spread = 3.0 * 0.7 ** torch.arange(width, dtype=torch.float64)
    vectors = (randn(seed + 1, number, width, dtype=torch.float64) * spread) @ basis.T
    vectors = (vectors + 4 * randn(seed + 2, 1, width, dtype=torch.float64)).to(
        options.get("dtype", torch.float32)
    )
    return {"vectors": vectors} | ({} if k is None else {"k": k})


@checks(specifications.days_pca, days_heads.days_pca, call=_without_sign)
def test_days_pca(seed: int) -> Iterator[Case]:
    """Where the days lie along the directions in which they differ most."""
    yield Case("7 vectors of 20, k not given (2)", lambda: _vectors(seed, 7, 20))
    # float64, so that the directions with the least spread are as certain as those with the most
    yield Case("12 vectors of 9 in float64, k 3", lambda: _vectors(seed + 3, 12, 9, 3, **DOUBLE), grad=False)
    yield Case("7 vectors of 16, k 1", lambda: _vectors(seed + 6, 7, 16, 1))


def _answer(answer: Any, arguments: dict[str, Any]) -> Any:
    """A learner's layer as it stands; the stub's is a question mark."""
    if answer == "?":
        raise NotImplementedError("exercise tomorrow_layer")
    return answer(*arguments.values()) if callable(answer) else answer


@checks(
    specifications.tomorrow_layer,
    call=_answer,
    explain=lambda arguments, layer: measured_days.wrong_layer(arguments["gains"](), layer),
)
def test_tomorrow_layer(seed: int) -> Iterator[Case]:
    """The layer of the model in use that turns today into tomorrow."""
    gains = functools.partial(measured_days.gains, os.environ.get("PATCHBOOK_MODEL"))
    yield Case("the model in use, 'Today it is …, tomorrow it is'", lambda: {"gains": gains})
