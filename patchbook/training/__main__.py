"""Train the shipped models again: python -m patchbook.training [name ...] [--steps N] [--out DIR].

Without a name it makes both, tiny-gpt2 first, because tiny-attn-only reads with its tokenizer. Each folder gets the
weights, the curve of the training, measured.json and README.md. One thread: then the same machine writes
the same bytes each time, and other work on the machine does not slow it down.
"""

import argparse
import json
from dataclasses import dataclass
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
    """How one model is made."""

    recipe: Recipe
    build: callable
    logits_of: callable
    point: callable
    save: callable
    every: int  # steps between two points of the curve


RUNS = {
    "tiny-gpt2": Run(
        Recipe(steps=4500, peak_rate=3e-3),
        build.build_gpt2,
        lambda model, tokens: model(tokens).logits,
        curves.gpt2_point,
        build.save_gpt2,
        every=250,
    ),
    "tiny-attn-only": Run(
        Recipe(steps=3000, peak_rate=3e-3, repeat_share=0.35, repeat_weight=1.0),
        build.build_attn_only,
        lambda model, tokens: model(tokens),
        curves.attention_only_point,
        lambda model, tokenizer, folder: build.save_attn_only(model, folder),
        every=100,
    ),
}


def make(name: str, folder: Path, steps: int | None = None, say=print) -> list[float]:
    """Train `name` and write it, its curve and its card into `folder`. Returns the losses in nats."""
    run, tokenizer = RUNS[name], build_tokenizer()
    recipe = Recipe(**{**vars(run.recipe), **({"steps": steps, "warm_up": steps // 5} if steps else {})})
    rows = make_rows(tokenizer, recipe.steps)
    model, points = run.build(tokenizer, recipe.seed), []

    def watch(step: int) -> None:
        if step % run.every == 0 or step == recipe.steps:
            points.append({"step": step, **run.point(model, tokenizer)})

    model.train()
    seen = train(model, lambda tokens: run.logits_of(model, tokens), rows, recipe, watch, say)
    run.save(model, tokenizer, folder)
    curve = json.dumps(curves.keep(points), indent=2) + "\n"
    (folder / "induction_curve.json").write_text(curve)
    write_card(folder, name, measured(name, folder, recipe))
    return seen


@torch.no_grad()
def measured(name: str, folder: Path, recipe: Recipe) -> dict:
    """Load what was written, as a learner would, and measure it."""
    model, gpt2 = load_model(folder), name == "tiny-gpt2"
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
        "recipe": vars(recipe),
    }


def main() -> None:
    """Read the command line and make what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m patchbook.training", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SHIPPED, []], help="default: both")
    parser.add_argument("--steps", type=int, help="fewer steps, to try it out")
    parser.add_argument("--out", type=Path, default=zoo.ZOO, help="where the folders go")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.names or SHIPPED:
        print(f"{name} -> {given.out / name}")
        make(name, given.out / name, given.steps)


if __name__ == "__main__":
    main()
