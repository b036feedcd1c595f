"""Checks of chapter 2: indirect object identification."""

import functools
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.checking import Case, call_as_hook, checks, measured_ioi
from patchbook.checking.awkward import VOCAB, awkward_model, different_tokens, random_tokens, with_tokenizer
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.labels import HeadScores, explain_labels
from patchbook.tests.mistakes import ioi as mistakes
from patchbook.tests.mistakes import ioi_circuit as circuit_mistakes
from patchbook.tests.mistakes import ioi_paths as path_mistakes
from patchbook.tests.mistakes import logit_differences, patching
from patchbook.tests.specifications import ioi as specifications
from patchbook.tests.specifications import ioi_circuit as circuit_specifications
from patchbook.tests.specifications import ioi_paths as path_specifications

Metric = Callable[[Tensor], Tensor]


def _logits_and_answers(seed: int, batch: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    """Random logits over 6 positions; per_prompt None: not given."""
    arguments = {
        "logits": 2 * randn(seed, batch, 6, VOCAB, **options),
        "answer_tokens": different_tokens(seed, batch),
    }
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


def _a_models_logits(seed: int) -> dict[str, Any]:
    logits = awkward_model(seed)(random_tokens(seed, batch=3, length=6))
    return {"logits": logits.detach(), "answer_tokens": different_tokens(seed, 3)}


@checks(
    specifications.logits_to_ave_logit_diff,
    logit_differences.logits_to_ave_logit_diff,
)
def test_logits_to_ave_logit_diff(seed: int) -> Iterator[Case]:
    """The logit difference at the last position, on average or for each prompt."""
    yield Case("2 prompts of 6, per_prompt not given (False)", lambda: _logits_and_answers(seed, 2))
    yield Case("4 prompts, per_prompt True", lambda: _logits_and_answers(seed + 1, 4, True), grad=False)
    yield Case("5 prompts, per_prompt False", lambda: _logits_and_answers(seed + 2, 5, False))
    double = functools.partial(_logits_and_answers, seed + 3, 3, True, **DOUBLE)
    yield Case("3 prompts in float64, per_prompt True", double)
    yield Case("a model's logits of 3 prompts", lambda: _a_models_logits(seed))


def _parts_of(model: TransformerBridge, cache, kind: str) -> Tensor:
    """Residual stream at the last position: all of it, as it grows, or what each head writes."""
    layers = range(model.cfg.n_layers)
    if kind == "the final residual stream":
        return cache["resid_post", layers[-1]][:, -1]
    if kind == "the stream before each layer and at the end":
        return torch.stack(
            [*(cache["resid_pre", i][:, -1] for i in layers), cache["resid_post", layers[-1]][:, -1]]
        )
    z = torch.stack([cache["z", i][:, -1] for i in layers])  # (layer, batch, head, d_head)
    return torch.einsum("lbhd,lhdm->lhbm", z, model.W_O)


def _stack_and_directions(seed: int, kind: str, batch: int, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    with torch.no_grad():
        _, cache = model.run_with_cache(random_tokens(seed, batch, length=6))
        right, wrong = different_tokens(seed, batch).T
        directions = (model.W_U[:, right] - model.W_U[:, wrong]).T
        stack = _parts_of(model, cache, kind)
    return {"residual_stack": stack, "cache": cache, "logit_diff_directions": directions}


@checks(specifications.residual_stack_to_logit_diff, logit_differences.residual_stack_to_logit_diff)
def test_residual_stack_to_logit_diff(seed: int) -> Iterator[Case]:
    """What each component adds to the logit difference."""
    rows = (
        ("the stream before each layer and at the end", 2, {}, "(component, batch, d_model)"),
        ("the final residual stream", 3, {}, "(batch, d_model)"),
        ("every head", 4, DOUBLE, "(layer, head, batch, d_model) in float64"),
        ("every head", 1, {}, "(layer, head, batch, d_model), one prompt"),
    )
    for kind, batch, options, axes in rows:
        build = functools.partial(_stack_and_directions, seed, kind, batch, **options)
        yield Case(f"{kind}, {axes}; {batch} prompts", build, grad=batch != 3)


@checks(specifications.topk_of_Nd_tensor, mistakes.topk_of_Nd_tensor)
def test_topk_of_Nd_tensor(seed: int) -> Iterator[Case]:
    """Where the k largest entries stand."""
    yield Case("3 by 5, k 4", lambda: {"tensor": randn(seed, 3, 5), "k": 4})
    yield Case("2 by 3 by 4, k 3", lambda: {"tensor": randn(seed + 1, 2, 3, 4), "k": 3}, grad=False)
    yield Case("7 numbers, k 2", lambda: {"tensor": randn(seed + 2, 7), "k": 2})
    negative = functools.partial(randn, seed + 3, 6, 4, **DOUBLE)
    yield Case("6 by 4, all negative, float64, k 5", lambda: {"tensor": -negative().abs() - 0.1, "k": 5})


def metric_cases(seed: int, rows: tuple, logits_and_answers: Callable) -> Iterator[Case]:
    """A metric between two given ends. Rows: text, prompts, corrupted and clean logit difference, options."""
    for index, (text, batch, corrupted, clean, options) in enumerate(rows):

        def arguments(index=index, batch=batch, corrupted=corrupted, clean=clean, options=options):
            ends = {"corrupted_logit_diff": corrupted, "clean_logit_diff": clean}
            return logits_and_answers(seed + index, batch, **options) | ends

        yield Case(text, arguments, raises=ValueError if clean == corrupted else None)


@checks(specifications.ioi_metric, logit_differences.ioi_metric)
def test_ioi_metric(seed: int) -> Iterator[Case]:
    """The logit difference on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("2 prompts of 6, corrupted -1.3, clean 2.9", 2, -1.3, 2.9, {}),
        ("3 prompts in float64, corrupted 0.7, clean -2.2", 3, 0.7, -2.2, DOUBLE),
    )
    yield from metric_cases(seed, rows, _logits_and_answers)
    yield Case("4 prompts, better than the clean run", lambda: _beyond_clean(seed + 2))


def _beyond_clean(seed: int) -> dict[str, Any]:
    arguments = _logits_and_answers(seed, 4)
    difference = logit_difference(arguments["answer_tokens"])(arguments["logits"]).item()
    return arguments | {"corrupted_logit_diff": difference - 3, "clean_logit_diff": difference - 1}


def _hook_case(
    seed: int, argument: str, name: str, layer: int, batch: int, index: dict[str, int], **options
) -> Case:
    """The arguments of a patching hook, at a real hook point, from runs on two batches of prompts."""

    def arguments() -> dict[str, Any]:
        model = awkward_model(seed, **options)
        (_, corrupted), (_, clean) = (
            model.run_with_cache(random_tokens(2 * seed + run, batch, length=6)) for run in range(2)
        )
        hook = model.hook_dict[get_act_name(name, layer)]
        return {argument: corrupted[name, layer].clone(), "hook": hook, **index, "clean_cache": clean}

    where = ", ".join(f"{axis} {i}" for axis, i in index.items())
    kind = " in float64" if options else ""
    return Case(f"{name} of layer {layer}, {where}; {batch} prompts of 6{kind}", arguments, grad=layer != 2)


def _as_hook(argument: str) -> dict[str, Any]:
    return {"call": call_as_hook, "may_change": frozenset({argument})}


_COMPONENT = "corrupted_residual_component"


@checks(specifications.patch_residual_component, patching.patch_residual_component, **_as_hook(_COMPONENT))
def test_patch_residual_component(seed: int) -> Iterator[Case]:
    """A hook that patches one position."""
    yield _hook_case(seed, _COMPONENT, "resid_pre", 1, 2, {"pos": 2})
    yield _hook_case(seed, _COMPONENT, "mlp_out", 2, 2, {"pos": 5})
    yield _hook_case(seed, _COMPONENT, "attn_out", 0, 3, {"pos": 0})
    yield _hook_case(seed, _COMPONENT, "resid_pre", 2, 3, {"pos": 4}, **DOUBLE)


_VECTOR = "corrupted_head_vector"


@checks(specifications.patch_head_vector, patching.patch_head_vector, **_as_hook(_VECTOR))
def test_patch_head_vector(seed: int) -> Iterator[Case]:
    """A hook that patches one head's vectors."""
    yield _hook_case(seed, _VECTOR, "z", 1, 2, {"head_index": 1})
    yield _hook_case(seed, _VECTOR, "q", 2, 2, {"head_index": 4})
    yield _hook_case(seed, _VECTOR, "v", 0, 3, {"head_index": 0})
    yield _hook_case(seed, _VECTOR, "k", 1, 4, {"head_index": 3}, **DOUBLE)


_PATTERN = "corrupted_head_pattern"


@checks(specifications.patch_attn_patterns, patching.patch_attn_patterns, **_as_hook(_PATTERN))
def test_patch_attn_patterns(seed: int) -> Iterator[Case]:
    """A hook that patches one head's attention pattern."""
    yield _hook_case(seed, _PATTERN, "pattern", 1, 2, {"head_index": 1})
    yield _hook_case(seed, _PATTERN, "pattern", 2, 2, {"head_index": 4})
    yield _hook_case(seed, _PATTERN, "pattern", 0, 3, {"head_index": 0})
    yield _hook_case(seed, _PATTERN, "pattern", 1, 4, {"head_index": 3}, **DOUBLE)


def logit_difference(answers: Tensor) -> Metric:
    """Mean logit difference at the last position."""

    def metric(logits: Tensor) -> Tensor:
        right, wrong = logits[:, -1].gather(1, answers).T
        return (right - wrong).mean()

    return metric


def share_of_the_way(answers: Tensor, corrupted_logits: Tensor, clean_logits: Tensor) -> Metric:
    """The logit difference, 0 where the corrupted run is and 1 where the clean run is."""
    difference = logit_difference(answers)
    corrupted, clean = difference(corrupted_logits), difference(clean_logits)
    return lambda logits: (difference(logits) - corrupted) / (clean - corrupted)


def log_probability(answers: Tensor) -> Metric:
    """Mean log-probability of the right answers over all positions, not the last alone."""
    return lambda logits: logits.log_softmax(-1)[torch.arange(len(answers)), :, answers[:, 0]].mean()


def _patching_arguments(seed: int, kind: str, batch: int, length: int, **model: Any) -> dict[str, Any]:
    """Prompts to run, the cache of other prompts to patch from, and the metric that `kind` names."""
    built, answers = awkward_model(seed, **model), different_tokens(seed, batch)
    prompts, others = (random_tokens(2 * seed + run, batch, length) for run in range(2))
    (logits, _), (other_logits, cache) = built.run_with_cache(prompts), built.run_with_cache(others)
    ends = (logits.detach(), other_logits.detach())  # (corrupted, clean)
    metrics = {
        "logit difference": logit_difference(answers),
        "share of the way": share_of_the_way(answers, *(ends[::-1] if kind.startswith("noising") else ends)),
        "log-probability": log_probability(answers),
    }
    return {
        "model": built,
        "corrupted_tokens": prompts,
        "clean_cache": cache,
        "patching_metric": next(metric for name, metric in metrics.items() if name in kind),
    }


def sweep_cases(seed: int, small: dict[str, int], large: dict[str, int]) -> Iterator[Case]:
    """The cases of a sweep: two models, three metrics, both directions. The first is the quickest."""
    rows = (
        ("denoising: clean cache into corrupted prompts; logit difference", 3, 4, small),
        ("noising: corrupted cache into clean prompts; share of the way", 2, 6, large),
        ("denoising in float64; log-probability at all positions", 2, 5, small | DOUBLE),
    )
    for kind, batch, length, sizes in rows:
        layers, heads = sizes.get("n_layers", 3), sizes.get("n_heads", 5)
        yield Case(
            f"{layers} layers, {heads} heads, {batch} prompts of {length}; {kind}",
            functools.partial(_patching_arguments, seed, kind, batch, length, **sizes),
            grad=not kind.startswith("noising"),
        )


@checks(specifications.get_act_patch_resid_pre, patching.get_act_patch_resid_pre)
def test_get_act_patch_resid_pre(seed: int) -> Iterator[Case]:
    """Patching the residual stream before each layer, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {})


@checks(specifications.get_act_patch_block_every, patching.get_act_patch_block_every)
def test_get_act_patch_block_every(seed: int) -> Iterator[Case]:
    """Patching resid_pre, attn_out and mlp_out, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {"n_layers": 4})  # three rows: not three layers


@checks(specifications.get_act_patch_attn_head_out_all_pos, patching.get_act_patch_attn_head_out_all_pos)
def test_get_act_patch_attn_head_out_all_pos(seed: int) -> Iterator[Case]:
    """Patching each head's output, at all positions."""
    yield from sweep_cases(seed, {"n_layers": 2, "n_heads": 3}, {})


@checks(specifications.get_act_patch_attn_head_all_pos_every, patching.get_act_patch_attn_head_all_pos_every)
def test_get_act_patch_attn_head_all_pos_every(seed: int) -> Iterator[Case]:
    """Patching each head's z, q, k, v and pattern, at all positions."""
    yield from sweep_cases(seed, {"n_layers": 2, "n_heads": 3}, {"n_heads": 4})  # five rows: not five heads


PEOPLE = ("Mary", "John", "Anna", "Tom", "Kate", "Paul", "Emma", "Luke", "Rose", "Mark")


@checks(specifications.flip_names, mistakes.flip_names)
def test_flip_names(seed: int) -> Iterator[Case]:
    """A prompt's three names after a corruption by rule."""
    rows = (
        ("ABB", "ABB->XYZ, BAB->XYZ"),
        ("BAB", "ABB->XYZ, BAB->AXX"),
        ("ABB", "ABB->BAA, BAB->ABA"),
        ("BAB", "ABB->BAA, BAB->ABA"),
        ("ABB", "BAB->XAX,ABB->XAX"),
        ("BAB", "BAB->ZAY, ABB->XYY"),
        ("ABB", "BAB->XYZ"),
        ("BAB", "ABB->XYZ, BAB->YBX"),
    )
    for index, (reads, rule) in enumerate(rows):

        def arguments(index=index, reads=reads, rule=rule):
            people = random.Random(seed + index).sample(PEOPLE, 7)
            names = dict(zip("AB", people, strict=False))
            return {
                "names": tuple(names[letter] for letter in reads),
                "rule": rule,
                "fresh_names": people[2:],
            }

        shown = ", ".join(arguments()["names"])
        yield Case(f'({shown}), rule "{rule}"', arguments)


# --- path patching and the circuit (second half of the chapter)


@dataclass(frozen=True)
class Prompts:
    """What the second half's exercises use of a dataset (see patchbook.prompts.ioi.IOIDataset)."""

    toks: Tensor
    word_idx: dict[str, Tensor]
    io_tokenIDs: list[int]
    s_tokenIDs: list[int]
    groups: list[Tensor]

    @property
    def N(self) -> int:
        return len(self.toks)


def _prompts(seed: int, batch: int = 4, length: int = 6) -> Prompts:
    """Random prompts of two templates, whose roles stand at different places in each."""
    rng = random.Random(seed)
    ends = [length - 1 - i % 2 for i in range(1, batch + 1)]  # the first prompt is a short one
    places = [[*sorted(rng.sample(range(end), 4)), end] for end in ends]
    roles = {r: torch.tensor([p[i] for p in places]) for i, r in enumerate(("IO", "S1", "S1+1", "S2", "end"))}
    io, s = different_tokens(seed, batch).T.tolist()
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    return Prompts(random_tokens(seed, batch, length), roles, io, s, [order[:1], order[1:]])


def _logits_and_prompts(seed: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    prompts = _prompts(seed)
    logits = 2 * randn(seed, *prompts.toks.shape, VOCAB, **options)
    arguments = {"logits": logits, "ioi_dataset": prompts}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    path_specifications.logits_to_ave_logit_diff_2,
    path_mistakes.logits_to_ave_logit_diff_2,
)
def test_logits_to_ave_logit_diff_2(seed: int) -> Iterator[Case]:
    """The logit difference of IO and S, each prompt read at its own end."""
    yield Case("4 prompts that end in different places", lambda: _logits_and_prompts(seed))
    yield Case("per_prompt True", lambda: _logits_and_prompts(seed + 1, True), grad=False)
    yield Case("per_prompt False, float64", lambda: _logits_and_prompts(seed + 2, False, **DOUBLE))


@checks(path_specifications.ioi_metric_2, path_mistakes.ioi_metric_2)
def test_ioi_metric_2(seed: int) -> Iterator[Case]:
    """A metric that is 0 on clean prompts and -1 on corrupted ones."""
    for number, (clean, corrupted) in enumerate(((3.5, 0.25), (2.0, -1.5), (-0.5, 1.75))):
        yield Case(
            f"clean {clean}, corrupted {corrupted}",
            lambda number=number, clean=clean, corrupted=corrupted: {
                "logits": _logits_and_prompts(seed + number)["logits"],
                "clean_logit_diff": clean,
                "corrupted_logit_diff": corrupted,
                "ioi_dataset": _prompts(seed + number),
            },
            grad=number > 0,
        )


def _z_cache(model: TransformerBridge, tokens: Tensor) -> ActivationCache:
    with torch.no_grad():
        return model.run_with_cache(tokens, names_filter=lambda name: name.endswith("hook_z"))[1]


def _a_hook_on_heads(seed: int, layer: int, name: str = "z", **options) -> tuple[Any, ...]:
    """A random activation, its hook point, and the caches of two runs: of other prompts, of other words."""
    model = awkward_model(seed, **options)
    hook = model.hook_dict[get_act_name(name, layer)]
    caches = []
    for offset in (0, 1):
        with torch.no_grad():
            caches.append(model.run_with_cache(random_tokens(seed + offset, 4, 6))[1])
    activation = randn(seed, 4, 6, 5, 7, dtype=model.W_E.dtype)
    return activation, hook, *caches


def _freeze_arguments(seed: int, layer: int, sender: tuple[int, int], **options) -> dict[str, Any]:
    activation, hook, new, orig = _a_hook_on_heads(seed, layer, **options)
    arguments = {"orig_head_vector": activation, "hook": hook, "new_cache": new, "orig_cache": orig}
    return arguments | {"head_to_patch": sender}


@checks(
    path_specifications.patch_or_freeze_head_vectors,
    path_mistakes.patch_or_freeze_head_vectors,
    call=call_as_hook,
    may_change=frozenset({"orig_head_vector"}),
)
def test_patch_or_freeze_head_vectors(seed: int) -> Iterator[Case]:
    """A hook that freezes every head but the sender."""
    yield Case("the sender's own layer, L1H2", lambda: _freeze_arguments(seed, 1, (1, 2)))
    yield Case("another layer than the sender's", lambda: _freeze_arguments(seed, 2, (1, 2)), grad=False)
    yield Case("layer 2, sender L2H0", lambda: _freeze_arguments(seed + 1, 2, (2, 0)))
    yield Case("float64", lambda: _freeze_arguments(seed + 2, 2, (2, 1), **DOUBLE), grad=False)


def _input_arguments(seed: int, layer: int, heads: list, name: str = "q", **options) -> dict[str, Any]:
    activation, hook, patched, _ = _a_hook_on_heads(seed, layer, name, **options)
    return {"orig_activation": activation, "hook": hook, "patched_cache": patched, "head_list": heads}


@checks(
    path_specifications.patch_head_input,
    path_mistakes.patch_head_input,
    call=call_as_hook,
    may_change=frozenset({"orig_activation"}),
)
def test_patch_head_input(seed: int) -> Iterator[Case]:
    """A hook that gives the receivers what they heard in another run."""
    heads = [(0, 1), (2, 1), (1, 2), (2, 0), (1, 0)]
    yield Case("queries of layer 2, receivers in three layers", lambda: _input_arguments(seed, 2, heads))
    yield Case("values of layer 1", lambda: _input_arguments(seed, 1, heads, "v"), grad=False)
    yield Case("a layer without receivers", lambda: _input_arguments(seed, 0, [(2, 3), (1, 4)], "k"))
    yield Case("float64", lambda: _input_arguments(seed + 1, 1, [(1, 2), (1, 0)], **DOUBLE), grad=False)


def _last_logit_difference(answers: Tensor, logits: Tensor) -> Tensor:
    """Mean logit difference at the last position."""
    pairs = logits[:, -1].gather(1, answers)
    return (pairs[:, 0] - pairs[:, 1]).mean()


def _path_arguments(seed: int, cached: bool = False, **options) -> dict[str, Any]:
    """Arguments that both path patches share, from the model on."""
    model = awkward_model(seed, **options)
    new, orig = _prompts(seed + 1, batch=2), _prompts(seed, batch=2)
    answers = different_tokens(seed, 2)
    arguments = {
        "model": model,
        "patching_metric": functools.partial(_last_logit_difference, answers),
        "new_dataset": new,
        "orig_dataset": orig,
    }
    if cached:
        arguments |= {"new_cache": _z_cache(model, new.toks), "orig_cache": _z_cache(model, orig.toks)}
    return arguments


@checks(
    path_specifications.get_path_patch_head_to_final_resid_post,
    path_mistakes.get_path_patch_head_to_final_resid_post,
)
def test_get_path_patch_head_to_final_resid_post(seed: int) -> Iterator[Case]:
    """Path patching from every head to the end of the residual stream."""
    yield Case("3 layers of 5 heads, no caches given", lambda: _path_arguments(seed), grad=False)
    yield Case("caches of z given", lambda: _path_arguments(seed + 2, cached=True))
    yield Case("float64", lambda: _path_arguments(seed + 4, **DOUBLE), grad=False)


def _receiver_arguments(seed: int, heads: list, name: str, **options) -> dict[str, Any]:
    return {"receiver_heads": heads, "receiver_input": name} | _path_arguments(seed, **options)


@checks(
    path_specifications.get_path_patch_head_to_heads,
    path_mistakes.get_path_patch_head_to_heads,
)
def test_get_path_patch_head_to_heads(seed: int) -> Iterator[Case]:
    """Path patching from every earlier head to the queries, keys or values of some heads."""
    receivers = _receiver_arguments
    yield Case("queries of L2H1 and L2H4", lambda: receivers(seed, [(2, 1), (2, 4)], "q"), grad=False)
    yield Case("keys of L2H0 and L1H3", lambda: receivers(seed + 2, [(2, 0), (1, 3)], "k", cached=True))
    yield Case("values of L1H2 alone, float64", lambda: receivers(seed, [(1, 2)], "v", **DOUBLE), grad=False)
    yield Case("values of L1H3, L2H2, L2H3", lambda: receivers(seed + 4, [(1, 3), (2, 2), (2, 3)], "v"))


def _copying_arguments(seed: int, k: int, number: int, **options) -> dict[str, Any]:
    """Words of the awkward tokenizer; wide logits, so that copying depends on every part."""
    words = random.Random(seed).sample([f"w{i}" for i in range(10, VOCAB) if i != 61], number)
    return {"model": with_tokenizer(awkward_model(seed, **options)), "k": k, "names": words}


@checks(path_specifications.get_copying_scores, path_mistakes.get_copying_scores)
def test_get_copying_scores(seed: int) -> Iterator[Case]:
    """How many names a head's OV circuit copies."""
    yield Case("the 20 largest logits, 60 names", lambda: _copying_arguments(seed, 20, 60), grad=False)
    yield Case("the 5 largest logits, 70 names", lambda: _copying_arguments(seed + 1, 5, 70))
    yield Case("the 12 largest logits, float64", lambda: _copying_arguments(seed + 2, 12, 50, **DOUBLE))


CIRCUIT = {"senders": [(0, 1), (1, 0)], "movers": [(1, 2), (2, 4)], "readers": [(0, 3), (2, 0)]}
POSITIONS = {"senders": "S1+1", "movers": "end", "readers": "S2"}


def _run_twice(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Logits of the ablated model, and again after reset_hooks(): permanent hooks must still be there."""
    *given, tokens = arguments.values()
    ablated = implementation(*given) or arguments["model"]
    runs = [ablated(tokens)]
    if isinstance(ablated, TransformerBridge):
        ablated.reset_hooks()
    runs.append(ablated(tokens))
    arguments["model"].reset_hooks(including_permanent=True)
    return torch.stack(runs)


def _ablation_arguments(seed: int, circuit: dict = CIRCUIT, **options) -> dict[str, Any]:
    return {
        "model": awkward_model(seed, **options),
        "means_dataset": _prompts(seed),
        "circuit": circuit,
        "seq_pos_to_keep": POSITIONS,
        "is_permanent": True,
        "tokens": random_tokens(seed + 1, 4, 6),
    }


@checks(
    circuit_specifications.add_mean_ablation_hook,
    circuit_mistakes.add_mean_ablation_hook,
    call=_run_twice,
    gives=Float[Tensor, "2 batch pos d_vocab"],
)
def test_add_mean_ablation_hook(seed: int) -> Iterator[Case]:
    """Everything but a circuit set to its mean."""
    yield Case("6 heads kept, each at its position", lambda: _ablation_arguments(seed), grad=False)
    few = {"senders": [(0, 4)], "movers": [(1, 1)], "readers": []}
    yield Case("2 heads kept", lambda: _ablation_arguments(seed + 2, few))
    yield Case("float64", lambda: _ablation_arguments(seed + 4, **DOUBLE), grad=False)


def _minimality_arguments(seed: int, head: tuple[int, int], K: list, **options) -> dict[str, Any]:
    return {
        "model": awkward_model(seed, **options),
        "ioi_dataset": _prompts(seed),
        "abc_dataset": replace(_prompts(seed), toks=random_tokens(seed + 1, 4, 6)),
        "circuit": CIRCUIT,
        "seq_pos_to_keep": POSITIONS,
        "head": head,
        "K": K,
    }


@checks(circuit_specifications.get_minimality_score, circuit_mistakes.get_minimality_score)
def test_get_minimality_score(seed: int) -> Iterator[Case]:
    """How much one head matters once others are gone."""
    yield Case("L2H4 without L1H2", lambda: _minimality_arguments(seed, (2, 4), [(1, 2)]), grad=False)
    yield Case("L0H1 without two others", lambda: _minimality_arguments(seed + 1, (0, 1), [(1, 0), (2, 0)]))
    yield Case("L1H2, K empty", lambda: _minimality_arguments(seed + 2, (1, 2), []), grad=False)
    yield Case(
        "L0H3, float64", lambda: _minimality_arguments(seed + 3, (0, 3), [(2, 0)], **DOUBLE), grad=False
    )


def _prediction(exercise: str) -> dict[str, Any]:
    """Options of a check on a list of labels; the stub's list holds a question mark."""

    def answer(answer: Any, arguments: dict[str, Any]) -> Any:
        if isinstance(answer, list) and answer == ["?"]:
            raise NotImplementedError(f"exercise {exercise}")
        return answer(*arguments.values()) if callable(answer) else answer

    def explain(arguments: dict[str, Any], labels: Any) -> Diagnosis | None:
        return explain_labels(arguments["measure"](), labels)

    return {"call": answer, "explain": explain}


def _role(kind: str, seed: int) -> Case:
    """Heads of this kind in the model in use, on prompts that the seed chooses."""

    def measure() -> HeadScores:
        return measured_ioi.roles(os.environ.get("PATCHBOOK_MODEL"), seed)[kind]

    return Case("the model in use, on other prompts than yours", lambda: {"measure": measure})


@checks(circuit_specifications.my_name_movers, **_prediction("my_name_movers"))
def test_my_name_movers(seed: int) -> Iterator[Case]:
    """The name movers of the model in use."""
    yield _role("name mover", seed)


@checks(circuit_specifications.my_s_inhibition_heads, **_prediction("my_s_inhibition_heads"))
def test_my_s_inhibition_heads(seed: int) -> Iterator[Case]:
    """The S-inhibition heads of the model in use."""
    yield _role("S-inhibition head", seed)


@checks(circuit_specifications.my_duplicate_token_heads, **_prediction("my_duplicate_token_heads"))
def test_my_duplicate_token_heads(seed: int) -> Iterator[Case]:
    """The duplicate-token heads of the model in use."""
    yield _role("duplicate-token head", seed)
