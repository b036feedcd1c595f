"""Train the shipped models again: python -m patchbook.training [name ...] [--seed N] [--steps N] [--out DIR].

Without a name it makes all, tiny-gpt2 first, because the others read with its tokenizer. Each folder gets the
weights, the curve of the training, measured.json and README.md. One thread: then the same machine writes the
same bytes each time, and other work on the machine does not slow it down.

Every few minutes it writes down where it is, in the folder `--work`. Stop it when you like: the same command
goes on from there, and ends with the bytes of a training that never stopped.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from patchbook import zoo
from patchbook.models import load_model, variant
from patchbook.training import circuits, curves, measure
from patchbook.training.batches import make_rows
from patchbook.training.card import write_card
from patchbook.training.checkpoints import Checkpoint
from patchbook.training.runs import RUNS, stages_of
from patchbook.training.storage import store_small, stored_as
from patchbook.training.trainer import Recipe, train
from patchbook.training.vocabulary import build_tokenizer

WORK = Path("build/training")  # where trainings that are not done lie


def make(name: str, folder: Path, checkpoint: Checkpoint, steps: int | None = None, say=print) -> None:
    """Train `name` from where `checkpoint` is, and write it and its curve into `folder`.

    `steps` shortens every stage.
    """
    run, tokenizer, stages = RUNS[name], build_tokenizer(), stages_of(name, steps)
    model, points, before = run.build(tokenizer, stages[0].seed).train(), checkpoint.points, 0
    checkpoint.restore_weights(model)
    for number, stage in enumerate(stages):
        if number >= checkpoint.stage:
            state = checkpoint.begin(model, stage)
            rows = make_rows(tokenizer, stage.steps, stage.seed, stage.crowded)
            say(f"stage {number + 1} of {len(stages)}, from step {len(state.seen)}")
            watch = watcher(points, lambda: run.point(model, tokenizer), run.every, before, stage.steps)
            train(state, run.reader(model, stage), rows, stage, checkpoint.watching(watch), say)
            checkpoint.end_stage()
        before += stage.steps
    run.save(model, folder)
    if run.brings_tokenizer:
        tokenizer.save_pretrained(folder)
    (folder / "induction_curve.json").write_text(json.dumps(curves.keep(points), indent=2) + "\n")


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
    model, gpt2 = load_model(folder, device="cpu"), name != "tiny-attn-only"
    weights = folder / "model.safetensors"
    return {
        "layers": model.cfg.n_layers,
        "heads": model.cfg.n_heads,
        "width": model.cfg.d_model,
        "vocabulary": model.cfg.d_vocab,
        "positions": model.cfg.n_ctx,
        "bytes_of_weights": weights.stat().st_size,
        "stored_as": stored_as(weights),
        **measure.measure(model, gpt2),
        "found": circuits.summary(model, gpt2),
        "recipe": {f"stage {i}": vars(stage) for i, stage in enumerate(stages, 1)},
    }


def main() -> None:
    """Read the command line and make, or only measure again, what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m patchbook.training", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"default: all of {', '.join(RUNS)}")
    parser.add_argument("--seed", help="of tiny-gpt2: `tiny-gpt2 --seed 3` is tiny-gpt2@3")
    parser.add_argument("--steps", type=int, help="fewer steps in every stage, to try it out")
    parser.add_argument("--out", type=Path, default=zoo.ZOO, help="where the folders go")
    parser.add_argument("--work", type=Path, default=WORK, help="where an interrupted training is picked up")
    parser.add_argument("--measure", action="store_true", help="train nothing: write the cards again")
    given = parser.parse_args()
    names = [variant(name, given.seed) if given.seed else name for name in given.names] or list(RUNS)
    for name in names:
        if name not in RUNS:
            parser.error(f"{name} is none of {', '.join(RUNS)}")
    torch.set_num_threads(1)
    for name in names:
        folder = given.out / name
        print(f"{name} -> {folder}", flush=True)
        stages = stages_of(name, given.steps)
        checkpoint = None if given.measure else Checkpoint(given.work / f"{name}.pt", stages)
        if checkpoint:
            make(name, folder, checkpoint, given.steps)
        write_card(folder, name, store_small(folder, partial(measured, name, folder, stages)))
        if checkpoint:
            checkpoint.remove()


if __name__ == "__main__":
    main()
