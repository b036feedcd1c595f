"""The model of the book's pages, in headless chromium: a bare page, the bundle and the weights beside it.

`python -m tests.project.live_page` draws book/_live/pictures anew: what pages show before a figure runs.
"""

import base64
import functools
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.project.browser import Browser
from tests.project.events import until

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "book" / "_live" / "dist" / "live.js"
BLANK = '<!doctype html><html lang="en"><title>live</title><script src="live.js"></script>'
# Float32Arrays as lists; the model is opened once
ASK = """(async () => {{
  const model = await patchbookLive.open({model});
  const answers = [];
  for (const [task, args] of {tasks}) answers.push(await model.ask(task, args));
  return JSON.stringify(answers, (_, value) => value instanceof Float32Array ? [...value] : value);
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


def live_weights_into(folder: Path) -> None:
    """Both models' files, made if they are not in build/ yet."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import live

    for file in live.weights().iterdir():
        (folder / file.name).write_bytes(file.read_bytes())


WEBP = {"format": "webp", "quality": 70}
FIGURE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>live</title>
<body style="font: 16px system-ui, sans-serif; margin: 0; background: #fff; width: 820px">
<div class="pb-live" data-live="{name}" data-size="{size}" data-start="view" data-cell="25" style="margin: 0">
</div>
<script src="live.js"></script>"""


def draw_pictures(folder: Path, wanted: list[str]) -> None:
    """A picture of each figure as it begins, in the light theme."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import live

    with tempfile.TemporaryDirectory() as page, tempfile.TemporaryDirectory() as profile:
        prepare(Path(page))
        live_weights_into(Path(page))
        with served(Path(page)) as address, Browser(Path(profile)) as browser:
            for name in wanted or live.PICTURES:
                figure, _, size = name.partition("-")
                words = FIGURE.format(name=figure, size=size)
                (Path(page) / f"{name}.html").write_text(words, encoding="utf-8")
                browser.open(f"{address}/{name}.html", width=820)
                until(lambda: browser.value("document.querySelector('.pbl-said')?.textContent"))
                awaited(
                    browser, "Promise.all(document.getAnimations().map(one => one.finished)).then(() => 1)"
                )
                size = json.loads(
                    browser.value(
                        "JSON.stringify(document.querySelector('.pb-live').getBoundingClientRect())"
                    )
                )
                clip = {key: size[key] for key in ("x", "y", "width", "height")} | {"scale": 1}
                shot = browser.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip, **WEBP)
                (folder / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    draw_pictures(ROOT / "book" / "_live" / "pictures", sys.argv[1:])
