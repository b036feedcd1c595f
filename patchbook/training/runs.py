"""How each model of the zoo is made: its stages, its seeds, and the control without a price."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from patchbook.models import SEEDS, variant
from patchbook.training import build, curves
from patchbook.training.trainer import Recipe


@dataclass(frozen=True)
class Run:
    """How one model is made: one stage of training after another, each on new documents."""

    stages: tuple[Recipe, ...]
    build: Callable
    reader: Callable  # (model, recipe) -> what `train` calls on tokens
    point: Callable
    save: Callable
    every: int  # steps between two points of the curve
    brings_tokenizer: bool = False  # the other models of the zoo read with its tokenizer


READS = Recipe(
    3600, peak_rate=2e-3, repeat_share=0.1, repeat_weight=0.5, receiver_weight=5.0, crowded=True, seed=1
)
TINY_GPT2 = Run(
    (
        # First to copy, from random tokens said twice; then, with that, to read. The other way round it
        # learns to guess the receiver without attention, and keeps to it.
        Recipe(2600, peak_rate=3e-3, last_rate=2e-3, repeat_share=0.3, repeat_weight=1.0, seed=0),
        READS,
        # By now one head of layer 0 takes the giver's name straight to the end. Make it go the long way.
        replace(READS, price=1.0, seed=2),
    ),
    build.build_gpt2,
    build.gpt2_reader,
    curves.gpt2_point,
    build.save_gpt2,
    every=250,
)
TINY_ATTN_ONLY = Run(
    (Recipe(4200, peak_rate=3e-3, repeat_share=0.5, repeat_weight=1.0, seed=0),),
    build.build_attn_only,
    build.attn_only_reader,
    curves.attention_only_point,
    build.save_attn_only,
    every=100,
)


def with_seed(run: Run, seed: int) -> Run:
    """The same recipe by another seed: to each stage's seed comes `seed` times the number of stages.

    A stage's seed makes its documents and the order of its batches, and the first stage's makes the first
    weights, too. So no stage of one seed shares anything with a stage of another; seed 0 changes nothing.

    >>> [stage.seed for stage in with_seed(TINY_GPT2, 3).stages]
    [9, 10, 11]
    """
    further = seed * len(run.stages)
    return replace(run, stages=tuple(replace(stage, seed=stage.seed + further) for stage in run.stages))


def without_price(run: Run) -> Run:
    """The same recipe and seed, but no look costs anything in any stage."""
    return replace(run, stages=tuple(replace(stage, price=0.0) for stage in run.stages))


RUNS = {
    "tiny-gpt2": replace(TINY_GPT2, brings_tokenizer=True),
    "tiny-attn-only": TINY_ATTN_ONLY,
    **{variant("tiny-gpt2", seed): with_seed(TINY_GPT2, seed) for seed in SEEDS if seed},
    variant("tiny-gpt2", "free"): without_price(TINY_GPT2),
}


def stages_of(name: str, steps: int | None = None) -> list[Recipe]:
    """The stages of a model's training, each cut to `steps` if that is given."""
    stages = RUNS[name].stages
    return [replace(stage, steps=steps, warm_up=1) if steps else stage for stage in stages]
