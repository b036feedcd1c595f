"""How fast the engine patches, beside TransformerLens's own sweeps and the chapters' solutions.

    .venv/bin/python benchmarks/patching.py              # the table, at GPT-2 small's size; twenty minutes
    .venv/bin/python benchmarks/patching.py --sample 12  # of the slow side only every twelfth run, and scaled
    .venv/bin/python benchmarks/patching.py --edges      # only all edges of tiny-gpt2
    .venv/bin/python benchmarks/patching.py --device cuda

Both sides run in turn on the same prompts, the eight of 15 tokens of chapter 2, with random weights at GPT-2
small's size: patching takes the same time whatever the weights say. Two threads; seconds are of the clock.
The bound is the matrix products that no patched run can leave out, at the speed at which this machine
multiplies two large matrices. The last line is `ratio N`, the least of the four ratios to TransformerLens.
"""

import argparse
import contextlib
import ctypes
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median
from unittest import mock

import torch
from sweeps import model_of, solutions
from torch import Tensor
from transformer_lens import TransformerBridge, patching

from patchbook import load_model
from patchbook.patching import paths, sweeps
from patchbook.patching.edges import edge_effects
from patchbook.patching.graph import Graph
from patchbook.patching.patches import Bench, Patch
from patchbook.plots import table
from patchbook.prompts.ioi import TEMPLATES, IOIDataset, published_prompts

SWEEPS = {  # by name, what is asked of the ratio
    "get_act_patch_resid_pre": 6,
    "get_act_patch_block_every": 6,
    "get_act_patch_attn_head_out_all_pos": 4,
    "get_act_patch_attn_head_all_pos_every": 4,
}
PATHS = {"get_path_patch_head_to_final_resid_post": 5, "get_path_patch_head_to_heads": 5}
EDGE_PROMPTS, EDGE_SAMPLE = 100, 20
ROUNDS = 3
# Memory that is freed goes back at once: the peak is what is needed, without what lies about in pieces.
FREED_AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
clock = time.perf_counter  # --processor puts another in its place


@dataclass
class Row:
    """One sweep on both sides. bound: operations."""

    name: str
    ours: float
    theirs: float
    runs: str
    difference: float
    bound: float | None
    wanted: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def seconds(function: Callable, device: str) -> tuple[float, object]:
    """Of the clock, and what the function returns. Progress bars are not shown."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = clock()
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        value = function()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start, value


def multiplying_speed(device: str) -> float:
    """Operations in a second when two large matrices are multiplied; the best of some tries."""
    size = 8192 if device == "cuda" else 1536
    matrix = torch.randn(size, size, device=device)
    _ = matrix @ matrix
    return 2 * size**3 / min(seconds(lambda: matrix @ matrix, device)[0] for _ in range(5))


@contextlib.contextmanager
def every(step: int):
    """Only every so-manieth patch of TransformerLens's sweeps is run; the others count as nothing."""
    real = patching.make_df_from_ranges
    with mock.patch.object(patching, "make_df_from_ranges", lambda *a: real(*a).iloc[::step]):
        yield


def transformer_lens_rows(model: TransformerBridge, sample: int, device: str, speed: float) -> list[Row]:
    prompts = published_prompts(model.tokenizer)
    clean = prompts.toks.to(device)
    corrupted = clean.view(-1, 2, prompts.max_len).flip(1).flatten(0, 1)
    answers = prompts.answer_tokens.to(device)

    def metric(logits: Tensor) -> Tensor:
        right, wrong = logits[:, -1].gather(1, answers).T
        return (right - wrong).mean()

    _, cache = model.run_with_cache(clean)
    given, rows = (model, corrupted, cache, metric), []
    for name, wanted in SWEEPS.items():
        ours, found = seconds(lambda: getattr(sweeps, name)(*given), device)  # noqa: B023 (called at once)
        with every(sample):
            theirs, expected = seconds(lambda: getattr(patching, name)(*given), device)  # noqa: B023
        number = expected.numel()
        ran = (expected != 0).sum().item() if sample > 1 else number
        difference = (found - expected)[expected != 0].abs().max().item()
        said = f"{number}" if ran == number else f"{number}, {ran} of them run"
        rows.append(Row(name, ours, theirs * number / ran, said, difference, bound(name, given), wanted))
        show(rows[-1], speed)
    return rows


def bound(name: str, given: tuple) -> float:
    """The operations of a sweep's patches, each as if it were alone."""
    model, corrupted, cache, metric = given
    options = getattr(sweeps, name).keywords
    sizes = {"layer": model.cfg.n_layers, "head": model.cfg.n_heads, "pos": corrupted.shape[1]}
    bench = Bench(model, corrupted, metric)
    patches = [
        Patch(place, layer, **{axis: i})
        for place in options["places"]
        for layer in range(sizes["layer"])
        for axis in ("head" if "head" in name else "pos",)
        for i in range(sizes[axis])
    ]
    return sum(bench.costs.row(entry) for entry in bench.entries(patches, cache).values())


def path_rows(model: TransformerBridge, sample: int, device: str, speed: float) -> list[Row]:
    """Path patching beside the chapter's solutions, which with --sample are run for some senders only."""
    ioi = IOIDataset("mixed", 16, model.tokenizer, templates=TEMPLATES[:8], seed=1, device=device)
    abc = ioi.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    do, rows = solutions(), []
    metric = partial(do["logits_to_ave_logit_diff_2"], ioi_dataset=ioi)
    layers = model.cfg.n_layers
    receivers = [(layers - 2, 0), (layers - 1, 1)]
    before = {"get_path_patch_head_to_final_resid_post": (), "get_path_patch_head_to_heads": (receivers, "q")}
    for name, wanted in PATHS.items():
        given = (*before[name], model, metric, abc, ioi)
        ours, found = seconds(lambda: getattr(paths, name)(*given), device)  # noqa: B023
        with fewer_senders(do[name], sample) as senders:
            theirs, expected = seconds(lambda: do[name](*given), device)  # noqa: B023
        ran = tuple(torch.tensor(senders).T)
        difference = (found[ran] - expected[ran]).abs().max().item()
        number = found.numel()
        said = f"{number}" if len(senders) == number else f"{number}, {len(senders)} of them run"
        scale = number / len(senders)
        rows.append(Row(name, ours, theirs * scale, said, difference, None, wanted))
        show(rows[-1], speed)
    return rows


@contextlib.contextmanager
def fewer_senders(solution: Callable, step: int):
    """A solution that takes its senders from `product` meets every so-manieth; gives those it met."""
    met = []

    def some(*ranges: range) -> list[tuple[int, int]]:
        met[:] = list(product(*ranges))[::step]
        return met

    with mock.patch.dict(solution.__globals__, product=some):
        yield met


def show(row: Row, speed: float) -> None:
    print(f"{row.name}: {row.theirs:.1f} s against {row.ours:.2f} s, {row.ratio:.1f} times", flush=True)


def memory(model: TransformerBridge) -> str:
    """The peak of a sweep, above what the process has, beside that of one cached run; in a process each."""
    prompts = published_prompts(model.tokenizer)
    clean = prompts.toks
    corrupted = clean.view(-1, 2, prompts.max_len).flip(1).flatten(0, 1)

    def metric(logits: Tensor) -> Tensor:
        return logits[:, -1, 3].mean()

    def cached():
        return model.run_with_cache(clean)

    def swept():
        _, cache = model.run_with_cache(clean)
        sweeps.get_act_patch_attn_head_out_all_pos(model, corrupted, cache, metric)

    one, other = peak(cached), peak(swept)
    return f"peak memory: cached run {one:.0f} MB, that and a sweep {other:.0f} MB, {other / one:.2f} times"


def peak(function: Callable) -> float:
    """MB that a function needs above what there is, in a fork of this process, on one thread."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # a fork has no threads of its parent's
        ctypes.CDLL(None).malloc_trim(0)  # what was freed before is no room to hide in
        before = current_memory()
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forget the peak so far
        function()
        os.write(writer, str(peak_memory() - before).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return float(os.read(reader, 100)) / 1024


def status_of(field: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def current_memory() -> int:
    return status_of("VmRSS")


def peak_memory() -> int:
    return status_of("VmHWM") if os.path.exists("/proc/self/status") else resource.getrusage(0).ru_maxrss


def all_edges(device: str) -> tuple[str, float]:
    """All edges of tiny-gpt2 on a hundred prompts, and some of them as a hooked run each."""
    model = load_model("tiny-gpt2", device=device)
    ioi = IOIDataset("mixed", EDGE_PROMPTS, model.tokenizer, templates=TEMPLATES[:1], seed=1, device=device)
    corrupted = ioi.gen_flipped_prompts("ABB->XYZ, BAB->XYZ").toks
    rows, end = torch.arange(EDGE_PROMPTS), ioi.word_idx["end"]

    def metric(logits: Tensor) -> Tensor:
        return (logits[rows, end, ioi.io_tokenIDs] - logits[rows, end, ioi.s_tokenIDs]).mean()

    graph = Graph.of(model)
    queries = [edge for edge in graph.edges if edge.receiver.input == "q"]
    some = queries[:: len(queries) // EDGE_SAMPLE]
    times = []
    for _ in range(ROUNDS):  # in turn: what else the machine does meets both
        ours, found = seconds(lambda: edge_effects(model, ioi.toks, corrupted, metric), device)
        theirs, effects = seconds(lambda: hooked(model, ioi.toks, corrupted, metric, some), device)
        times.append((ours, theirs / len(some) * len(graph.edges)))
    ours, each = (median(side) for side in zip(*times, strict=True))
    difference = max(abs(found.of(edge.label) - value) for edge, value in zip(some, effects, strict=True))
    said = (
        f"{len(graph.edges)} edges of tiny-gpt2 on {EDGE_PROMPTS} prompts of {ioi.toks.shape[1]} tokens: "
        f"{ours:.1f} s; as one hooked run each {each:.0f} s (from {len(some)} of them; medians of {ROUNDS}), "
        f"{each / ours:.0f} times; largest difference {difference:.0e}"
    )
    return said, ours


def hooked(
    model: TransformerBridge, clean: Tensor, corrupted: Tensor, metric: Callable, edges: list
) -> list[float]:
    """Edges into queries, each as a run with a hook on the query's input."""
    _, clean_cache = model.run_with_cache(clean)
    _, cache = model.run_with_cache(corrupted)
    unpatched, effects = metric(model(corrupted)).item(), []
    model.set_use_split_qkv_input(True)
    for edge in edges:
        sender, receiver = edge.sender, edge.receiver.node
        if sender.kind == "head":
            change = (clean_cache["z", sender.layer] - cache["z", sender.layer])[:, :, sender.head]
            change = change @ model.blocks[sender.layer].attn.W_O[sender.head]
        else:
            at = ("resid_pre", 0) if sender.kind == "embedding" else ("mlp_out", sender.layer)
            change = clean_cache[at] - cache[at]

        def hear(heard, hook, change=change, head=receiver.head):
            heard = heard.clone()
            heard[:, :, head] += change
            return heard

        name = f"blocks.{receiver.layer}.attn.hook_q_input"
        effects.append(metric(model.run_with_hooks(corrupted, fwd_hooks=[(name, hear)])).item() - unpatched)
    model.set_use_split_qkv_input(False)
    return effects


def as_table(rows: list[Row], speed: float) -> str:
    header = ["sweep", "patches", "theirs, s", "ours, s", "ratio", "wanted", "times the bound", "difference"]
    lines = []
    for row in rows:
        over = "-" if row.bound is None else f"{row.ours / (row.bound / speed):.2f}"
        times = [f"{row.theirs:.1f}", f"{row.ours:.2f}", f"{row.ratio:.1f}", f"{row.wanted}"]
        lines.append([row.name.removeprefix("get_"), row.runs, *times, over, f"{row.difference:.0e}"])
    return table(header, lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--edges", action="store_true", help="only all edges of tiny-gpt2")
    parser.add_argument(
        "--sample", type=int, default=1, metavar="N", help="of the slow side, every Nth run only"
    )
    parser.add_argument("--memory", action="store_true", help="only the peak of memory, in this process")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true", help="processor time: where others share it")
    options = parser.parse_args()
    if options.processor:
        globals()["clock"] = time.process_time
    torch.set_num_threads(1 if options.memory else options.threads)  # a fork that had more may hang
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        if options.memory:
            print(memory(model_of("gpt2-size", folder)))
            return 0
        said, took = all_edges(options.device)
        print(said, flush=True)
        if options.edges:
            print(f"edges {took:.1f} s")
            return 0
        if options.device == "cpu":
            subprocess.run([sys.executable, __file__, "--memory"], env=os.environ | FREED_AT_ONCE, check=True)
        model = model_of("gpt2-size", folder).to(options.device)
        model.cfg.device = options.device
        speed = multiplying_speed(options.device)
        print(f"{speed / 1e9:.0f} billion operations in a second at most; load {os.getloadavg()[0]:.1f}")
        rows = transformer_lens_rows(model, options.sample, options.device, speed)
        ratio = min(row.ratio for row in rows)
        rows += path_rows(model, options.sample, options.device, speed)
    print(as_table(rows, speed))
    print(f"ratio {ratio:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
