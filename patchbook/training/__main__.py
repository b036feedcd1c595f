"""Train the shipped models again: python -m patchbook.training [name ...] [--steps N] [--out DIR].

Without a name it makes both, tiny-gpt2 first, because tiny-attn-only reads with its tokenizer. Each folder
gets the weights, the curve of the training, measured.json and README.md. One thread: then the same machine
writes the same bytes each time, and other work on the machine does not slow it down.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from patchbook import zoo
from patchbook.models import SHIPPED, load_model
from patchbook.training import build, circuits, curves, measure
from patchbook.training.batches import make_rows
from patchbook.training.card import write_card
from patchbook.training.trainer import Recipe, train
from patchbook.training.vocabulary import build_tokenizer


@dataclass(frozen=True)
class Run:
    """How one model is made: one stage of training after another, each on new documents."""

    stages: tuple[Recipe, ...]
    build: Callable
    reader: Callable  # (model, recipe) -> what `train` calls on tokens
    point: Callable
    save: Callable
    every: int  # steps between two points of the curve


READS = Recipe(
    3600, peak_rate=2e-3, repeat_share=0.1, repeat_weight=0.5, receiver_weight=5.0, crowded=True, seed=1
)
RUNS = {
    "tiny-gpt2": Run(
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
    ),
    "tiny-attn-only": Run(
        (Recipe(4200, peak_rate=3e-3, repeat_share=0.5, repeat_weight=1.0, seed=0),),
        build.build_attn_only,
        build.attn_only_reader,
        curves.attention_only_point,
        lambda model, tokenizer, folder: build.save_attn_only(model, folder),
        every=100,
    ),
}


def make(name: str, folder: Path, steps: int | None = None, say=print) -> None:
    """Train `name` and write it and its curve into `folder`; `steps` shortens every stage."""
    run, tokenizer, stages = RUNS[name], build_tokenizer(), stages_of(name, steps)
    model, points, before = run.build(tokenizer, stages[0].seed).train(), [], 0
    for stage in stages:
        rows = make_rows(tokenizer, stage.steps, stage.seed, stage.crowded)
        watch = watcher(points, lambda: run.point(model, tokenizer), run.every, before, stage.steps)
        train(model, run.reader(model, stage), rows, stage, watch, say)
        before += stage.steps
        run.save(model, tokenizer, folder)
    (folder / "induction_curve.json").write_text(json.dumps(curves.keep(points), indent=2) + "\n")


def stages_of(name: str, steps: int | None = None) -> list[Recipe]:
    """The stages of a model's training, each cut to `steps` if that is given."""
    stages = RUNS[name].stages
    return [replace(stage, steps=steps, warm_up=1) if steps else stage for stage in stages]


def watcher(points: list, point: Callable[[], dict], every: int, before: int, steps: int) -> Callable:
    """Adds a point to the curve every so many steps, at the very beginning, and at the end of a stage."""

    def watch(step: int) -> None:
        begins_later_stage = before and not step
        if not begins_later_stage and (step % every == 0 or step == steps):
            points.append({"step": before + step, **point()})

    return watch


@torch.no_grad()
def measured(name: str, folder: Path, stages: list[Recipe]) -> dict:
    """Load what was written, as a learner would, and measure it."""
    model, gpt2 = load_model(folder, device="cpu"), name == "tiny-gpt2"
    weights = folder / "model.safetensors"
    return {
        "layers": model.cfg.n_layers,
        "heads": model.cfg.n_heads,
        "width": model.cfg.d_model,
        "vocabulary": model.cfg.d_vocab,
        "positions": model.cfg.n_ctx,
        "bytes_of_weights": weights.stat().st_size,
        **measure.measure(model, gpt2),
        "found": circuits.summary(model, gpt2),
        "recipe": {f"stage {i}": vars(stage) for i, stage in enumerate(stages, 1)},
    }


def main() -> None:
    """Read the command line and make, or only measure again, what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m patchbook.training", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SHIPPED, []], help="default: both")
    parser.add_argument("--steps", type=int, help="fewer steps in every stage, to try it out")
    parser.add_argument("--out", type=Path, default=zoo.ZOO, help="where the folders go")
    parser.add_argument("--measure", action="store_true", help="train nothing: write the cards again")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.names or SHIPPED:
        folder = given.out / name
        print(f"{name} -> {folder}")
        if not given.measure:
            make(name, folder, given.steps)
        write_card(folder, name, measured(name, folder, stages_of(name, given.steps)))


if __name__ == "__main__":
    main()
