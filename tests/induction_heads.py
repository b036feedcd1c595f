"""Checks of chapter 1: induction heads."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.checking import Case, call_as_hook, checks, measured
from patchbook.checking.awkward import awkward_attn_only, awkward_model, with_tokenizer
from patchbook.checking.contract import describe
from patchbook.checking.designed import (
    Condition,
    Rule,
    cache_of_patterns,
    clear_threshold,
    detector_patterns,
)
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.labels import explain_labels
from patchbook.checking.prepared import (
    ablation,
    matrices_apart,
    one_head_of_a_model,
    partial_copier,
    prompt_with_cache,
    repeated_tokens,
    tiny_gpt2,
    two_matrices,
    z_and_head,
)
from patchbook.tests.mistakes import ablation as mistakes_ablation
from patchbook.tests.mistakes import (
    attribution,
    attribution_sums,
    averages,
    detectors,
    head_weights,
    induction_score,
    random_repeats,
    repeating_rows,
)
from patchbook.tests.specifications import attribution_and_ablation as more_specifications
from patchbook.tests.specifications import induction_heads as specifications


def _uniform(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _causal_patterns(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random attention patterns: rows sum to 1, no query sees a later key."""
    patterns = _uniform(seed, *shape, dtype=dtype).exp().tril()
    return patterns / patterns.sum(-1, keepdim=True)


@functools.lru_cache(maxsize=8)
def _cached_patterns(build: Callable[[int], TransformerBridge], seed: int) -> Tensor:
    """A model's patterns on [any token, half, same half]: (layer, head, query, key). Clone before use."""
    model = build(seed)
    _, cache = model.run_with_cache(repeated_tokens(seed, 1, 5), remove_batch_dim=True)
    return torch.stack([cache["pattern", layer].detach() for layer in range(model.cfg.n_layers)])


@checks(specifications.average_over_condition, averages.average_over_condition)
def test_average_over_condition(seed: int) -> Iterator[Case]:
    """The mean of each head's pattern over the pairs where a condition holds."""
    rows: tuple[tuple[str, Condition, Callable[[], Tensor]], ...] = (
        (
            "3 heads, 7 positions, random values, key == query - 1",
            lambda query, key: key == query - 1,
            lambda: _uniform(seed, 3, 7, 7),
        ),
        (
            "5 heads, 8 positions, random values, key > query + 1 or key == 0",
            lambda query, key: key > query + 1 or key == 0,
            lambda: _uniform(seed + 1, 5, 8, 8),
        ),
        (
            "4 heads, 6 positions, float64, one pair only: query 5 and key 2",
            lambda query, key: query == 5 and key == 2,
            lambda: _uniform(seed + 2, 4, 6, 6, dtype=torch.float64),
        ),
        (
            "a model's cached pattern, key >= query - 2 (later keys too: their attention is 0)",
            lambda query, key: key >= query - 2,
            lambda: _cached_patterns(awkward_model, seed)[1].clone(),
        ),
        (
            "the last layer of tiny-gpt2, key == 0 or key == query",
            lambda query, key: key in (0, query),
            lambda: _cached_patterns(tiny_gpt2, seed)[-1].clone(),
        ),
    )
    for index, (text, condition, values) in enumerate(rows):
        arguments = functools.partial(lambda v, c: {"tensor": v(), "condition": c}, values, condition)
        yield Case(text, arguments, grad=index != 1)


def _same(query: int) -> int:
    return query


def _previous(query: int) -> int:
    return query - 1


def _two_back(query: int) -> int:
    return query - 2


def _first(query: int) -> int:
    return 0


def _second(query: int) -> int:
    return 1


def _first_or_second(query: int) -> int:
    return query % 2


def _detector_case(text: str, seed: int, plan: dict[str, Any], grad: bool = True, **after: Any) -> Case:
    """A case whose cache has patterns made to order. after: the arguments after the cache."""
    patterns = functools.cache(lambda: detector_patterns(seed, **plan))  # made once, copied each time
    return Case(text, lambda: {"cache": cache_of_patterns(patterns()), **after}, grad)


@checks(specifications.heads_with_high_average_pattern, detectors.heads_with_high_average_pattern)
def test_heads_with_high_average_pattern(seed: int) -> Iterator[Case]:
    """Labels of the heads whose average pattern reaches a threshold."""
    two_back = {"rule": _two_back, "condition": lambda query, key: key == query - 2}
    beside = {"rule": _previous, "condition": lambda query, key: abs(query - key) == 1, "scale": 2.0}
    early = {"rule": _first_or_second, "condition": lambda query, key: key <= 1 and query > 1, "scale": 1.8}
    rows = (
        ("key == query - 2", two_back | {"threshold": 0.6, "layers": 3, "length": 6}),
        ("query and key side by side", beside | {"threshold": 0.25, "layers": 2, "length": 7}),
        ("key 0 or 1, query 2 or later", early | {"threshold": 0.35, "layers": 4, "length": 8}),
        ("key == query - 2", two_back | {"threshold": 0.05, "layers": 3, "length": 4}),
    )
    for index, (text, plan) in enumerate(rows):
        plan |= {"decoys": (_same, _first), "dtype": torch.float64 if index == 2 else torch.float32}
        name = f"{plan['layers']} layers, 5 heads, {text}, threshold {plan['threshold']}"
        after = {argument: plan[argument] for argument in ("condition", "threshold")}
        yield _detector_case(name, seed + index, plan, index != 1, **after)
    yield _tiny_case(seed, {"condition": lambda query, key: key == query - 1})


def _tiny_case(seed: int, before: dict[str, Any], condition: Condition | None = None) -> Case:
    """tiny-gpt2's own patterns, and a threshold that no head is close to."""
    patterns = _cached_patterns(tiny_gpt2, seed)
    threshold = clear_threshold(patterns, condition or before["condition"])
    return Case(
        f"tiny-gpt2 on random repeats, threshold {threshold}",
        lambda: {"cache": cache_of_patterns(patterns), **before, "threshold": threshold},
    )


def _detector_cases(
    seed: int, rule: Rule, condition: Condition, decoys: tuple[Rule, ...], low: float = 0.3, length: int = 9
) -> Iterator[Case]:
    """The default threshold, a high one and a low one. (Position 0 can only look at itself: not too low.)"""
    plan = {"rule": rule, "condition": condition, "decoys": decoys}
    yield _detector_case(
        "3 layers, 5 heads, 7 tokens, no threshold given (0.4)", seed, plan | {"threshold": 0.4}
    )
    yield _detector_case(
        "2 layers, 6 heads, 8 tokens, threshold 0.65, float64",
        seed + 1,
        plan | {"threshold": 0.65, "layers": 2, "heads": 6, "length": 8, "dtype": torch.float64},
        grad=False,
        threshold=0.65,
    )
    plan |= {"threshold": low, "layers": 4, "length": length}
    name = f"4 layers, 5 heads, {length} tokens, threshold {low}"
    yield _detector_case(name, seed + 2, plan, threshold=low)


@checks(specifications.current_attn_detector, detectors.current_attn_detector)
def test_current_attn_detector(seed: int) -> Iterator[Case]:
    """Heads whose queries look at themselves."""
    decoys = (_previous, _two_back, _first, _second)
    yield from _detector_cases(seed, _same, lambda query, key: key == query, decoys)


@checks(specifications.prev_attn_detector, detectors.prev_attn_detector)
def test_prev_attn_detector(seed: int) -> Iterator[Case]:
    """Heads whose queries look one token back."""
    decoys = (_same, _two_back, _first, _second)
    condition = lambda query, key: key == query - 1  # noqa: E731
    yield from _detector_cases(seed, _previous, condition, decoys, low=0.08, length=4)


@checks(specifications.first_attn_detector, detectors.first_attn_detector)
def test_first_attn_detector(seed: int) -> Iterator[Case]:
    """Heads that look at position 0."""
    decoys = (_same, _previous, _two_back, _second)
    yield from _detector_cases(seed, _first, lambda query, key: key == 0, decoys)


def _prompt(*ids: int) -> Callable[[], dict[str, Tensor]]:
    return lambda: {"tokens": torch.tensor([ids])}


@checks(specifications.find_repeating_rows, repeating_rows.find_repeating_rows)
def test_find_repeating_rows(seed: int) -> Iterator[Case]:
    """Where each repeated token occurred last."""
    few = torch.randint(3, 9, (1, 17), generator=torch.Generator().manual_seed(seed))
    half = 10 + torch.randperm(80, generator=torch.Generator().manual_seed(seed + 1))[None, :6]
    repeated = torch.cat([torch.full((1, 1), 96), half, half], dim=1)
    yield Case("tokens [[9, 4, 7, 4, 4]]", _prompt(9, 4, 7, 4, 4))
    yield Case("tokens [[5, 2, 5, 0, 0, 5]]", _prompt(5, 2, 5, 0, 0, 5), grad=False)
    yield Case("17 tokens from 6 ids", lambda: {"tokens": few.clone()})
    yield Case("BOS and 6 tokens, twice", lambda: {"tokens": repeated.clone()})
    yield Case("no token twice", _prompt(3, 1, 4, 5))
    yield Case("one token", _prompt(7))


def _induction_tokens(seed: int) -> Tensor:
    """11 tokens from 4 ids, shuffled until the first one occurs again twice and some occur side by side."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.tensor([3, 3, 3, 5, 5, 5, 8, 8, 8, 1, 2])
    while True:
        tokens = ids[torch.randperm(len(ids), generator=generator)]
        if (tokens == tokens[0]).sum() == 3 and (tokens[1:] != tokens[:-1]).all():
            return tokens[None]


def _induction_plan(tokens: Tensor, off_by_one: bool) -> dict[str, Any]:
    """Heads that look where they should, and one decoy for each way to look beside it."""
    row, step = tokens[0].tolist(), int(off_by_one)
    last = {p: max(e for e in range(p) if row[e] == row[p]) for p in range(len(row)) if row[p] in row[:p]}
    first = {position: tokens[0].tolist().index(tokens[0, position].item()) for position in last}
    ends = {position: earlier for position, earlier in last.items() if earlier == 0}

    def looks(earlier: dict[int, int], step: int, late: int = 0) -> Rule:
        return lambda query: earlier[query - late] + step if query - late in earlier else None

    return {
        "rule": looks(last, step),
        "condition": lambda query, key: query in last and key == last[query] + step,
        "decoys": (
            looks(last, 1 - step),
            looks(last, -1),
            looks(first, step),
            looks(last, step, late=1),
            looks(last, 0, late=1),
            looks(last, 0, late=-1),
            looks({p: e for p, e in last.items() if p not in ends}, step),
            _same,
        ),
        "length": tokens.shape[1],
    }


@checks(specifications.induction_attn_detector, repeating_rows.induction_attn_detector)
def test_induction_attn_detector(seed: int) -> Iterator[Case]:
    """Heads that look just after the last earlier copy of their token, or at the copy."""
    rows: tuple[tuple[str, float, int, dict[str, Any]], ...] = (
        ("off_by_one and threshold not given (True, 0.4)", 0.4, 3, {}),
        ("off_by_one False, threshold not given (0.4)", 0.4, 4, {"off_by_one": False}),
        ("off_by_one True, threshold 0.75", 0.75, 3, {"off_by_one": True, "threshold": 0.75}),
        ("off_by_one False, threshold 0.6", 0.6, 3, {"off_by_one": False, "threshold": 0.6}),
    )
    for index, (text, threshold, layers, options) in enumerate(rows):
        tokens = _induction_tokens(seed + index)
        plan = _induction_plan(tokens, options.get("off_by_one", True))
        plan |= {"threshold": threshold, "layers": layers}
        plan |= {"dtype": torch.float64 if index == 3 else torch.float32}
        name = f"{layers} layers, 5 heads, 11 tokens, {text}"
        yield _detector_case(name, seed + index, plan, index != 2, tokens=tokens, **options)
    repeats = repeated_tokens(seed, 1, 5)
    condition = _induction_plan(repeats, True)["condition"]
    yield _tiny_case(seed, {"tokens": repeats, "off_by_one": True}, condition)


def _facts_of_repeats(arguments: dict[str, Any], values: tuple[Any, Any]) -> dict[str, Any]:
    """What is the same for every right answer: the drawn tokens are not, so they are not compared."""
    model, seq_len = arguments["model"], arguments["seq_len"]
    shape = (arguments.get("batch_size", 1), 1 + 2 * seq_len)
    facts: dict[str, Any] = {"shape": describe(values[0]).rpartition(" of shape ")[2]}
    if any(not torch.is_tensor(v) or v.shape != shape or v.dtype.is_floating_point for v in values):
        return facts
    both = torch.cat(values)
    half, repeat = both[:, 1:].chunk(2, dim=1)
    return facts | {
        "BOS comes first": bool((both[:, 0] == model.tokenizer.bos_token_id).all()),
        "the second half repeats the first": torch.equal(half, repeat),
        "each token stands twice in a row": torch.equal(both[:, 1::2], both[:, 2::2]),
        "all tokens are in the vocabulary": bool(((both >= 0) & (both < model.cfg.d_vocab)).all()),
        "a half holds different tokens": bool((half != half[:, :1]).any()),
        "each prompt has tokens of its own": shape[0] == 1 or bool((values[0] != values[0][:1]).any()),
        "a second call draws other tokens": not torch.equal(*values),
        "the whole vocabulary is drawn from": _covers(half, model.cfg.d_vocab),
    }


def _covers(half: Tensor, d_vocab: int) -> bool:
    """Whether a large draw reaches nearly all ids; a small one cannot say and passes."""
    return half.numel() < 20 * d_vocab or len(half.unique()) > 0.95 * d_vocab


def _model_with_tokenizer(seed: int) -> TransformerBridge:
    return with_tokenizer(awkward_model(seed))


@checks(
    specifications.generate_repeated_tokens, random_repeats.generate_repeated_tokens, facts=_facts_of_repeats
)
def test_generate_repeated_tokens(seed: int) -> Iterator[Case]:
    """BOS, random tokens, and the same tokens again."""

    def arguments(**sizes: int) -> Callable[[], dict[str, Any]]:
        return lambda: {"model": _model_with_tokenizer(seed), **sizes}

    model = "a model with 97 tokens, of which BOS is 61"
    yield Case(f"{model}; seq_len 7, batch_size 3", arguments(seq_len=7, batch_size=3))
    yield Case(f"{model}; seq_len 9, batch_size not given (1)", arguments(seq_len=9), grad=False)
    yield Case(f"{model}; seq_len 40, batch_size 60", arguments(seq_len=40, batch_size=60))
    yield Case(
        "tiny-gpt2; seq_len 4, batch_size 2", lambda: {"model": tiny_gpt2(0), "seq_len": 4, "batch_size": 2}
    )


STORE = "induction_score_store"


def _fill_store(implementation: Any, arguments: dict[str, Any]) -> Any:
    """Call the hook for every layer, the last one first, with a store of the right size in its globals.

    Gives the store; or what the hook returned, when TransformerLens would put that in the pattern's place.
    """
    patterns, hooks = arguments["patterns"], arguments["hooks"]
    store = torch.full((len(patterns), patterns[0].shape[1]), -1.0, dtype=patterns[0].dtype)
    with _lent(implementation, STORE, store) as names:
        for layer in reversed(patterns):
            returned = implementation(patterns[layer], hook=hooks[layer])
            if returned is not None and returned is not patterns[layer]:
                return returned
        return names[STORE]


@contextlib.contextmanager
def _lent(implementation: Any, name: str, value: Any) -> Iterator[dict[str, Any]]:
    """A value under a global name of the function's own notebook (or file), for as long as the block runs."""
    while hasattr(implementation, "func") or hasattr(implementation, "__wrapped__"):
        implementation = getattr(implementation, "func", None) or implementation.__wrapped__
    names = getattr(implementation, "__globals__", {})
    before = {name: names[name]} if name in names else {}
    names[name] = value
    try:
        yield names
    finally:
        del names[name]
        names.update(before)


@checks(
    specifications.induction_score_hook,
    induction_score.induction_score_hook,
    call=_fill_store,
    gives=Float[Tensor, "layer head"],
)
def test_induction_score_hook(seed: int) -> Iterator[Case]:
    """Each head's induction score, written into the store by a hook."""
    rows = ((0, 6, 2, torch.float32), (1, 4, 3, torch.float64), (2, 20, 1, torch.float32))
    for index, seq_len, batch, dtype in rows:
        yield Case(
            f"batch {batch}, seq_len {seq_len}, 3 layers, 5 heads; the store holds -1 before",
            functools.partial(_patterns_and_hooks, seed + index, batch, 1 + 2 * seq_len, dtype),
            grad=index != 1,
        )


def _patterns_and_hooks(seed: int, batch: int, length: int, dtype: torch.dtype) -> dict[str, Any]:
    """For each layer a pattern, and the hook point that would hand it over in a run of a model."""
    patterns = _causal_patterns(seed, 3, batch, 5, length, length, dtype=dtype)
    hooks = {layer: HookPoint() for layer in range(3)}
    for layer, hook in hooks.items():
        hook.name = f"blocks.{layer}.attn.hook_pattern"
    return {"patterns": dict(enumerate(patterns)), "hooks": hooks}


# --- attribution, ablation, weights (second half of the chapter)
def _prompts(seed: int) -> Iterator[Case]:
    """The cases of both attribution exercises."""
    double = {"dtype": torch.float64}
    rows = (
        ("attention-only model, no LayerNorm, position 3", awkward_attn_only, 3, {}),
        ("GPT-2-like model, position 4", awkward_model, 4, {}),
        ("GPT-2-like model, the last prediction", awkward_model, 9, {}),
        ("GPT-2-like model in float64, position 6, no autograd", awkward_model, 6, double),
        ("attention-only model, position 0", awkward_attn_only, 0, {}),
        ("tiny-gpt2, position 5", tiny_gpt2, 5, {}),
    )
    for text, model, position, options in rows:

        def arguments(text=text, model=model, position=position, options=options):
            built = model(seed + position, **options)
            return prompt_with_cache(built, seed + position, position, "no autograd" not in text)

        yield Case(text, arguments, grad="no autograd" not in text)


_READY_MADE = {"ready_made": ("transformer_lens.ActivationCache.ActivationCache.logit_attrs",)}


@checks(more_specifications.logit_attribution, attribution.logit_attribution, **_READY_MADE)
def test_logit_attribution(seed: int) -> Iterator[Case]:
    """Each head's direct contribution to the logit of the correct next token."""
    yield from _prompts(seed)


def _parts(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """A number of shape (1,) is as good as one of shape ()."""
    parts = implementation(*arguments.values())
    if not isinstance(parts, dict):
        return parts
    return {n: p.reshape(()) if torch.is_tensor(p) and p.shape == (1,) else p for n, p in parts.items()}


@checks(
    more_specifications.full_logit_attribution,
    attribution_sums.full_logit_attribution,
    call=_parts,
    **_READY_MADE,
)
def test_full_logit_attribution(seed: int) -> Iterator[Case]:
    """All parts of a logit, which add up to it."""
    yield from _prompts(seed)


def _heads_to_ablate(seed: int) -> Iterator[Case]:
    """The cases of both ablation hooks."""
    yield Case("head 1 of 5, 2 prompts of 6", lambda: z_and_head(seed, 2, 1))
    yield Case("head 0 of 5, 3 prompts of 6", lambda: z_and_head(seed + 1, 3, 0), grad=False)
    yield Case("head 4 of 5, one prompt", lambda: z_and_head(seed + 2, 1, 4))
    yield Case("head 3 of 5, 4 prompts, float64", lambda: z_and_head(seed + 3, 4, 3, torch.float64))


_AS_HOOK = {"call": call_as_hook, "may_change": frozenset({"z"})}


@checks(more_specifications.head_zero_ablation_hook, mistakes_ablation.head_zero_ablation_hook, **_AS_HOOK)
def test_head_zero_ablation_hook(seed: int) -> Iterator[Case]:
    """A hook that sets one head's output to zero."""
    yield from _heads_to_ablate(seed)


@checks(more_specifications.head_mean_ablation_hook, mistakes_ablation.head_mean_ablation_hook, **_AS_HOOK)
def test_head_mean_ablation_hook(seed: int) -> Iterator[Case]:
    """A hook that sets one head's output to its mean over the batch."""
    yield from _heads_to_ablate(seed)


# Ours, not the learner's: a third one shows whether the argument is used.
_ZERO = ablation(torch.zeros_like)
_MEAN = ablation(lambda one: one.mean(dim=0, keepdim=True))
_HALF = ablation(lambda one: one / 2)


@checks(more_specifications.get_ablation_scores, mistakes_ablation.get_ablation_scores)
def test_get_ablation_scores(seed: int) -> Iterator[Case]:
    """How much the loss in the second half rises when each head is ablated."""
    double = {"dtype": torch.float64}
    rows = (
        ("attention-only model, 2 prompts, seq_len 5, zero ablation", awkward_attn_only, {}, (2, 5), _ZERO),
        ("GPT-2-like model, float64, 3 prompts, seq_len 4, halved", awkward_model, double, (3, 4), _HALF),
        ("tiny-gpt2, 2 prompts, seq_len 6, mean ablation, no autograd", tiny_gpt2, {}, (2, 6), _MEAN),
    )
    for index, (text, model, options, sizes, function) in enumerate(rows, seed):

        def arguments(index=index, model=model, options=options, sizes=sizes, function=function):
            tokens = repeated_tokens(index, *sizes)
            return {"model": model(index, **options), "tokens": tokens, "ablation_function": function}

        yield Case(text, arguments, grad="no autograd" not in text)


@checks(more_specifications.full_OV_circuit, head_weights.full_OV_circuit)
def test_full_OV_circuit(seed: int) -> Iterator[Case]:
    """A head's map from source tokens to output logits."""
    rows = (
        ("GPT-2-like model, layer 2, head 1", awkward_model, 2, 1, {}),
        ("attention-only model, layer 1, head 0", awkward_attn_only, 1, 0, {}),
        ("GPT-2-like model in float64, layer 0, head 2", awkward_model, 0, 2, {"dtype": torch.float64}),
    )
    for text, model, layer, head, options in rows:
        build = functools.partial(model, seed + layer, **options)
        yield Case(
            text, lambda b=build, i=layer, h=head: {"model": b(), "layer": i, "head_index": h}, layer != 0
        )


@checks(more_specifications.top_1_accuracy, head_weights.top_1_accuracy)
def test_top_1_accuracy(seed: int) -> Iterator[Case]:
    """How many tokens a head copies."""
    rows = (
        ("97 tokens, rank 7, some copied", lambda: partial_copier(seed, 97, 7, 1.0)),
        ("300 tokens, rank 12, most copied", lambda: partial_copier(seed + 1, 300, 12, 2.0)),
        ("150 tokens, rank 9, nearly none copied", lambda: partial_copier(seed + 2, 150, 9, -1.5)),
        ("120 tokens in float64", lambda: partial_copier(seed + 3, 120, 8, 0.5, torch.float64)),
        ("one head of a random model", lambda: one_head_of_a_model(seed)),
    )
    for index, (text, matrix) in enumerate(rows):
        yield Case(text, lambda build=matrix: {"full_OV_circuit": build()}, grad=index != 1)


_COMPOSITION = (
    "transformer_lens.utilities.matrix.composition_scores",
    "transformer_lens.model_bridge.transformer_bridge.TransformerBridge.all_composition_scores",
)


@checks(more_specifications.get_comp_score, head_weights.get_comp_score, ready_made=_COMPOSITION)
def test_get_comp_score(seed: int) -> Iterator[Case]:
    """How well one matrix reads what another writes."""
    yield Case("W_A 6 by 9, W_B 9 by 6", lambda: two_matrices(seed, 6, 9))
    yield Case("W_A 20 by 4, W_B 4 by 20", lambda: two_matrices(seed + 1, 20, 4), grad=False)
    yield Case("two 7 by 7 matrices, float64", lambda: two_matrices(seed + 2, 7, 7, torch.float64))
    yield Case("two 8 by 8 matrices, W_B reads next to nothing of W_A", lambda: matrices_apart(seed + 3))


@checks(more_specifications.k_composition_scores, head_weights.k_composition_scores, ready_made=_COMPOSITION)
def test_k_composition_scores(seed: int) -> Iterator[Case]:
    """How much layer 0's heads write into the keys of layer 1's."""
    yield Case("attention-only model, 2 layers of 5 heads", lambda: {"model": awkward_attn_only(seed)})
    yield Case("GPT-2-like model, 3 layers of 5 heads", lambda: {"model": awkward_model(seed)}, grad=False)
    yield Case("the same in float64", lambda: {"model": awkward_model(seed + 1, dtype=torch.float64)})
    yield Case("tiny-gpt2", lambda: {"model": tiny_gpt2(seed)})


def _answer(answer: Any, arguments: dict[str, Any]) -> Any:
    """A learner's list as it stands; the stub's holds a question mark."""
    if isinstance(answer, list) and answer == ["?"]:
        raise NotImplementedError("exercise my_induction_heads")
    return answer(*arguments.values()) if callable(answer) else answer


def _wrong_heads(arguments: dict[str, Any], labels: Any) -> Diagnosis | None:
    return explain_labels(arguments["measure"](), labels)


@checks(more_specifications.my_induction_heads, call=_answer, explain=_wrong_heads)
def test_my_induction_heads(seed: int) -> Iterator[Case]:
    """The induction heads of the model in use."""
    measure = functools.partial(measured.induction_heads, os.environ.get("PATCHBOOK_MODEL"), seed)
    yield Case("the model in use, on random repeated tokens", lambda: {"measure": measure})
