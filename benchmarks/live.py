"""How fast the model answers in a page, in headless chromium.

    .venv/bin/python -m benchmarks.live

Each line is the median of five, after one that is not counted: the time from the question to the answer,
with the way to the worker and back. A click runs what the figure "Patch it" runs: a patch, what it moves,
what it makes likely.
"""

import statistics
import tempfile
from pathlib import Path

from patchbook import load_model
from tests.project.browser import Browser
from tests.project.live_page import awaited, json, live_weights_into, prepare, served

CLEAN = "When Mary and John went to the park, John gave a ball to"
CORRUPTED = "When Mary and John went to the park, Mary gave a ball to"
TIMED = """(async () => {{
  const model = await patchbookLive.open("tiny-gpt2");
  const started = performance.now();
  for (const [task, args] of {tasks}) await model.ask(task, args);
  return performance.now() - started;
}})()"""
WANTED = {"a click on a cell": 50, "a map, layer × position": 500, "a map of 24 senders": 1000}  # ms


def main() -> None:
    """Print the table."""
    model = load_model("tiny-gpt2", device="cpu")
    clean, corrupted = (model.to_tokens(text)[0].tolist() for text in (CLEAN, CORRUPTED))
    answers = [model.to_single_token(" Mary"), model.to_single_token(" John")]
    last = len(clean) - 1
    patch = [{"place": "resid_pre", "layer": 1, "pos": 10, "from": {"tokens": clean}}]
    patched = {"tokens": corrupted, "interventions": patch}
    swept = {"tokens": corrupted, "from": {"tokens": clean}, "answers": answers}
    path = {"tokens": clean, "other": corrupted, "answers": answers}
    rows = {
        "a prompt typed: tokens, next token, all patterns": [
            ("tokens", {"text": CLEAN}),
            ("likely", {"tokens": clean, "pos": last, "count": 8}),
            ("patterns", {"tokens": clean}),
        ],
        "a click on a cell": [("likely", patched | {"pos": last, "count": 5}), ("moved", patched)],
        "a map, layer × position": [("sweeps", swept | {"places": ["resid_pre"], "axes": ["layer", "pos"]})],
        "a map, layer × head": [("sweeps", swept | {"places": ["z"], "axes": ["layer", "head"]})],
        "a map of 24 senders": [("path", path | {"receivers": [], "letter": "q"})],
        "18 senders to the queries of 6 heads": [
            ("path", path | {"receivers": [[3, head] for head in range(6)], "letter": "q"})
        ],
    }
    with tempfile.TemporaryDirectory() as page, tempfile.TemporaryDirectory() as profile:
        prepare(Path(page))
        live_weights_into(Path(page))
        with served(Path(page)) as address, Browser(Path(profile)) as browser:
            browser.open(f"{address}/index.html")
            for name, tasks in rows.items():
                times = [awaited(browser, TIMED.format(tasks=json.dumps(tasks))) for _ in range(6)][1:]
                limit = f"  wanted: under {WANTED[name]}" if name in WANTED else ""
                print(f"{name:50} {statistics.median(times):7.1f} ms{limit}")


if __name__ == "__main__":
    main()
