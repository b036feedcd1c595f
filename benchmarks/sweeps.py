"""How long chapter 2's sweeps take: on tiny-gpt2, and at GPT-2 small's size with random weights, there also
with the course's engine, `patchbook.patching`.

    .venv/bin/python benchmarks/sweeps.py                    # measure what is missing, print the table
    .venv/bin/python benchmarks/sweeps.py tiny-gpt2          # only in one column
    .venv/bin/python benchmarks/sweeps.py gpt2-size get_copying_scores     # only these sweeps in it
    .venv/bin/python benchmarks/sweeps.py --again            # measure everything anew

It runs the chapter's own solutions, each sweep once, on one thread, and counts seconds of processor time. The
table goes to benchmarks/sweeps.md, which the book shows; the numbers to benchmarks/sweeps.json.
"""

import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from transformer_lens import TransformerBridge, patching

from patchbook import load_model, zoo
from patchbook.authoring import find_course
from patchbook.authoring.source import source_notebook
from patchbook.patching import paths as engine_paths
from patchbook.patching import sweeps as engine_sweeps
from patchbook.prompts.ioi import TEMPLATES, IOIDataset, published_prompts

HERE = Path(__file__).parent
COLUMNS = {"tiny-gpt2": "tiny-gpt2", "gpt2-size": "GPT-2 small's size"}
OTHERS = {"tiny-gpt2": {"transformer_lens"}, "gpt2-size": {"engine"}}  # who is measured beside the solutions


def solutions() -> dict:
    """What a learner's notebook holds after all exercises of chapter 2: its imports and functions."""
    namespace: dict = {}
    for cell in source_notebook(find_course(), "02_ioi").cells:
        is_function = "\ndef " in cell.source and cell.metadata.get("nbgrader", {}).get("solution")
        if cell.cell_type == "code" and (is_function or cell.source.startswith("from collections.abc")):
            exec(cell.source, namespace)
    return namespace


def model_of(column: str, folder: str) -> TransformerBridge:
    """The model of a column; GPT-2 small's size is made here, with our tokenizer in front of it."""
    if column == "tiny-gpt2":
        return load_model(column, device="cpu")  # seconds of a processor core
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    AutoTokenizer.from_pretrained(zoo.ZOO / "tiny-gpt2").save_pretrained(folder)
    return load_model(folder, device="cpu")


def sweeps(model: TransformerBridge, do: dict) -> Iterator[tuple[str, str, Callable, dict[str, Callable]]]:
    """Each sweep at the chapter's size: name, what it runs, the solution's, and others that give the same."""
    prompts = published_prompts(model.tokenizer)
    clean, corrupted = prompts.toks, prompts.toks.view(-1, 2, prompts.max_len).flip(1).flatten(0, 1)
    _, clean_cache = model.run_with_cache(clean)
    metric = partial(do["logits_to_ave_logit_diff"], answer_tokens=prompts.answer_tokens)
    given = (model, corrupted, clean_cache, metric)
    layers, heads, positions = model.cfg.n_layers, model.cfg.n_heads, clean.shape[1]
    for name, runs in (
        ("get_act_patch_resid_pre", layers * positions),
        ("get_act_patch_block_every", 3 * layers * positions),
        ("get_act_patch_attn_head_out_all_pos", layers * heads),
        ("get_act_patch_attn_head_all_pos_every", 5 * layers * heads),
    ):
        said = f"{runs} runs of {len(clean)} prompts"
        others = {"transformer_lens": patching, "engine": engine_sweeps}
        same = {whose: partial(getattr(module, name), *given) for whose, module in others.items()}
        yield name, said, partial(do[name], *given), same

    ioi = IOIDataset("mixed", 16, model.tokenizer, templates=TEMPLATES[:8], seed=1)
    abc = ioi.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    paths = (model, partial(do["logits_to_ave_logit_diff_2"], ioi_dataset=ioi), abc, ioi)
    name = "get_path_patch_head_to_final_resid_post"
    same = {"engine": partial(getattr(engine_paths, name), *paths)}
    yield name, f"{layers * heads} runs of {len(ioi)} prompts", partial(do[name], *paths), same
    name, receivers = "get_path_patch_head_to_heads", [(layers - 2, 0), (layers - 1, 1)]
    said = f"{2 * (layers - 1) * heads} runs of {len(ioi)} prompts"
    same = {"engine": partial(getattr(engine_paths, name), receivers, "q", *paths)}
    yield name, said, partial(do[name], receivers, "q", *paths), same
    names = [f" {name}" for name in zoo.words("names")[:100]]
    copying = partial(do["get_copying_scores"], model, names=names)
    yield "get_copying_scores", f"{len(names)} names, no run of the model", copying, {}


def seconds(function: Callable) -> tuple[float, torch.Tensor]:
    """Processor time of one call, and what it returns. transformer_lens draws progress bars on stderr."""
    start = time.process_time()
    with contextlib.redirect_stderr(io.StringIO()):
        value = function()
    return time.process_time() - start, value


def measure(column: str, rows: dict, only: list[str]) -> None:
    """Fill one column of `rows`, keeping each number once it is there. only: these sweeps; [] for all."""
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        model = model_of(column, folder)
        for name, runs, ours, others in sweeps(model, solutions()):
            row = rows.setdefault(name, {})
            if only and name not in only:
                continue
            wanted = None
            if column not in row:
                took, wanted = seconds(ours)
                row[column] = {"seconds": round(took, 2), "runs": runs}
                print(f"{column:10} {name:42} {took:8.2f} s", flush=True)
            for whose in OTHERS[column] & set(others) - set(row):
                took, value = seconds(others[whose])
                row[whose] = {"seconds": round(took, 2)}
                if wanted is not None:
                    row[whose]["largest difference"] = (value - wanted).abs().max().item()
                print(f"{whose:10} {name:42} {took:8.2f} s", flush=True)
            keep(rows)


def keep(rows: dict) -> None:
    """Write the numbers, and the table that the book shows."""
    (HERE / "sweeps.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (HERE / "sweeps.md").write_text(table(rows), encoding="utf-8")


def table(rows: dict) -> str:
    """The rows as Markdown; a number that was not measured is a dash."""
    head = ["seconds for", *COLUMNS.values(), "the same, by `patchbook.patching`"]
    head += ["TransformerLens, on tiny-gpt2", "largest difference"]
    lines = [head, ["---", *["--:"] * (len(head) - 1)]]
    for name, row in rows.items():
        ours = [row.get(column, {}) for column in COLUMNS]
        engine, theirs = row.get("engine", {}), row.get("transformer_lens", {})
        cells = [number(one.get("seconds"), ".1f") for one in (*ours, engine, theirs)]
        cells.append(number(theirs.get("largest difference"), ".1g"))
        lines.append([f"`{name.removeprefix('get_')}`", *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def number(value: float | None, digits: str) -> str:
    """The value with so many digits; a dash where there is none."""
    return "–" if value is None else format(value, digits)


def main(arguments: list[str]) -> int:
    """Measure the columns that are asked for, both by default, and print the table."""
    columns = [word for word in arguments if word in COLUMNS]
    only = [word for word in arguments if word.startswith("get_")]
    unknown = [word for word in arguments if word not in (*columns, *only, "--again")]
    if unknown:
        print(f"no column {unknown[0]!r}; there are: {', '.join(COLUMNS)}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    kept = HERE / "sweeps.json"
    begun = kept.exists() and "--again" not in arguments
    rows = json.loads(kept.read_text(encoding="utf-8")) if begun else {}
    for column in columns or COLUMNS:
        measure(column, rows, only)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
