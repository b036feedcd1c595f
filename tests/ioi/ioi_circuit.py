"""Checks of chapter 2: heads mean-ablated, all but a circuit or these alone, and minimality."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens.hook_points import HookPoint
from transformer_lens.utilities import get_act_name

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.ioi.prompts import attentive_model, random_prompts
from patchbook.tests.mistakes import ioi_circuit as mistakes
from patchbook.tests.specifications import ioi_circuit as specifications

# L1H0 has two roles: it is kept at S1+1 and at the end. Nobody plays the last one.
CIRCUIT = {
    "senders": ((0, 1), (1, 0)),
    "movers": ((1, 2), (2, 4), (1, 0)),
    "readers": ((0, 3), (2, 0)),
    "others": (),
}
POSITIONS = {"senders": "S1+1", "movers": "end", "readers": "S2", "others": "IO"}


def circuit_of(**roles: tuple) -> dict[str, list]:
    """A circuit as learners have it, each time another: CIRCUIT, or these roles instead."""
    return {role: list(heads) for role, heads in (roles or CIRCUIT).items()}


def _run_twice(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Logits of the ablated model, and of the same after reset_hooks(): only permanent hooks are still there.

    None where the function gives nothing to run.
    """
    *given, tokens = arguments.values()
    ablated = implementation(*given)
    if ablated is None:
        return None
    runs = [ablated(tokens)]
    arguments["model"].reset_hooks()
    runs.append(ablated(tokens))
    arguments["model"].reset_hooks(including_permanent=True)
    return torch.stack(runs)


def _ablation_arguments(
    seed: int,
    is_permanent: bool | None = None,
    roles: dict | None = None,
    names: tuple[str, str] = ("circuit", "seq_pos_to_keep"),
    **options,
) -> dict[str, Any]:
    """is_permanent None: not given (True). names: of the arguments that say which heads, and where."""
    prompts = random_prompts(seed, batch=7)
    heads, positions = names
    arguments = {
        "model": attentive_model(seed, **options),
        "means_dataset": prompts.gen_flipped_prompts("ABB->XYZ, BAB->XYZ"),
        heads: circuit_of(**(roles or {})),
        positions: dict(POSITIONS),
    }
    permanent = {} if is_permanent is None else {"is_permanent": is_permanent}
    return arguments | permanent | {"tokens": prompts.toks}


def _after_another_circuit(seed: int, **options) -> dict[str, Any]:
    """The model still has permanent hooks, of another circuit's ablation."""
    arguments = _ablation_arguments(seed, is_permanent=True, **options)
    for layer in range(arguments["model"].cfg.n_layers):
        arguments["model"].add_hook(get_act_name("z", layer), _halve, is_permanent=True)
    return arguments


def _halve(z: Tensor, hook: HookPoint) -> Tensor:
    return z / 2


@checks(
    specifications.add_mean_ablation_hook,
    mistakes.add_mean_ablation_hook,
    call=_run_twice,
    gives=Float[Tensor, "2 batch pos d_vocab"],
)
def test_add_mean_ablation_hook(seed: int) -> Iterator[Case]:
    """Everything but a circuit set to its mean."""
    yield Case("7 heads kept, each at its positions", lambda: _ablation_arguments(seed))
    few = {"senders": ((0, 4),), "movers": ((1, 1),), "readers": ()}
    yield Case("2 heads kept, is_permanent False", lambda: _ablation_arguments(seed + 2, False, few))
    yield Case("float64, is_permanent True", lambda: _ablation_arguments(seed + 4, True, **DOUBLE))
    yield Case("a model with another circuit's hooks", lambda: _after_another_circuit(seed + 6))


@checks(
    specifications.add_knockout_hook,
    mistakes.add_knockout_hook,
    call=_run_twice,
    gives=Float[Tensor, "2 batch pos d_vocab"],
)
def test_add_knockout_hook(seed: int) -> Iterator[Case]:
    """A few heads set to their mean."""
    names = {"names": ("knocked_out", "seq_pos_to_knock_out")}
    yield Case("7 heads knocked out, each at its positions", lambda: _ablation_arguments(seed, **names))
    few = {"senders": ((0, 4),), "movers": ((1, 1),), "readers": ()}
    yield Case("2 heads, is_permanent False", lambda: _ablation_arguments(seed + 2, False, few, **names))
    double = functools.partial(_ablation_arguments, seed + 4, True, **DOUBLE, **names)
    yield Case("float64, is_permanent True", double)
    yield Case("a model with another circuit's hooks", lambda: _after_another_circuit(seed + 6, **names))


def _minimality_arguments(seed: int, head: tuple[int, int], K: list, **options) -> dict[str, Any]:
    return {
        "model": attentive_model(seed, **options),
        "ioi_dataset": random_prompts(seed, batch=6),
        "abc_dataset": random_prompts(
            seed + 1, batch=6
        ),  # of the same templates; what they answer is no matter
        "circuit": circuit_of(),
        "seq_pos_to_keep": dict(POSITIONS),
        "head": head,
        "K": list(K),
    }


@checks(specifications.get_minimality_score, mistakes.get_minimality_score)
def test_get_minimality_score(seed: int) -> Iterator[Case]:
    """How much one head matters once others are gone."""
    rows = (
        ("L2H4 without L1H2", (2, 4), [(1, 2)], {}),
        ("L0H1 without two others", (0, 1), [(1, 2), (2, 0)], {}),
        ("L1H2, K empty", (1, 2), [], {}),
        ("L1H0, in two roles, without L0H3; float64", (1, 0), [(0, 3)], DOUBLE),
    )
    for number, (text, head, K, options) in enumerate(rows):
        yield Case(text, functools.partial(_minimality_arguments, seed + number, head, K, **options))
