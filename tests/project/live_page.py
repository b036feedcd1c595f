"""The model of the book's pages, in headless chromium: a bare page with the bundle and the weights beside it."""

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.project.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "book" / "_live" / "dist" / "live.js"
BLANK = '<!doctype html><html lang="en"><title>live</title><script src="live.js"></script>'
# Float32Arrays as lists; the model is opened once
ASK = """(async () => {{
  const model = await patchbookLive.open({model});
  const answers = [];
  for (const [task, args] of {tasks}) answers.push(await model.ask(task, args));
  return JSON.stringify(answers, (_, value) => value instanceof Float32Array ? [...value].map(Number) : value);
}})()"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over http, for as long as the block runs; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def prepare(folder: Path) -> None:
    """The blank page and the bundle; weights come from `live_weights.write`."""
    (folder / "live.js").write_bytes(BUNDLE.read_bytes())
    (folder / "index.html").write_text(BLANK, encoding="utf-8")


def asked(browser: Browser, model: str, tasks: list[tuple[str, dict]]) -> list:
    """What the page's model answers to these tasks, in order. Raises RuntimeError with the page's error."""
    return json.loads(awaited(browser, ASK.format(model=json.dumps(model), tasks=json.dumps(tasks))))


def awaited(browser: Browser, expression: str):
    """What a promise in the page gives."""
    answer = browser.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
    if "exceptionDetails" in answer:
        raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", answer))
    return answer["result"].get("value")
