"""How soon a page of the book can be read on a telephone: first paint and load, on slow 4G, a slow processor.

    .venv/bin/python book/build.py                        # the book as it is, in build/book
    .venv/bin/python benchmarks/pages.py                  # its pages
    .venv/bin/python benchmarks/pages.py --before FOLDER  # beside those of another build, in turn
    .venv/bin/python benchmarks/pages.py --bytes          # how much each page sends: at once, and in all

Served from this machine, compressed as hosts of static pages do. The browser slows down the line and the
processor: 1.6 Mbit/s with 150 ms of delay, a quarter of this machine's speed, 400 pixels. A busy machine is
slower still, so the two builds take turns, and the median of the runs counts. Each run has an empty cache.
Afterwards the page is scrolled to its first figure; the last column says when that was drawn, counted from
the beginning.
"""

import argparse
import gzip
import statistics
import sys
import tempfile
import threading
import time
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from patchbook.plots import table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.project.browser import Browser  # noqa: E402

BUILT = ROOT / "build" / "book" / "_build" / "html"
PAGES = ("book/index.html", "book/01_induction_heads.html", "book/02_ioi.html")
LINE = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8, "offline": False}
SLOWDOWN = 4
TIMES = """(() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint?.startTime ?? null, performance.getEntriesByType("navigation")[0].loadEventEnd];
})()"""
DRAWN = 'document.querySelector(".main-svg") ? performance.now() : 0'
SCROLL = 'document.querySelector(".pb-plot, .plotly-graph-div")?.scrollIntoView()'


@cache
def compressed(path: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6)


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, compressed."""

    def do_GET(self):
        path = self.translate_path(self.path)
        if not Path(path).is_file():
            return self.send_error(404)
        body = compressed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def serve(folder: Path) -> str:
    """The address at which a folder's files are; the server ends with this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def measured(browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds to the first paint, to the end of loading, to the first figure (nan where there is none)."""
    browser.ask("Network.clearBrowserCache")
    browser.open(address, width=400)
    while not (times := browser.value(TIMES)) or not all(times):
        time.sleep(0.1)
    browser.value(SCROLL)
    figures = browser.value('!!document.querySelector(".pb-plot, .plotly-graph-div")')
    while figures and not (drawn := browser.value(DRAWN)):
        time.sleep(0.1)
    return times[0] / 1000, times[1] / 1000, drawn / 1000 if figures else float("nan")


SENT = "performance.getEntries().reduce((sum, one) => sum + (one.transferSize ?? 0), 0)"
FIGURES = "document.querySelectorAll('.pb-plot, .pb-view')"


def sent(browser: Browser, address: str) -> tuple[int, int]:
    """Bytes, compressed, of a page that was opened, and of one that was read to its end."""
    browser.ask("Network.clearBrowserCache")
    browser.open(address, width=1280)
    at_once = browser.value(SENT)
    for number in range(browser.value(f"{FIGURES}.length")):
        browser.value(f"{FIGURES}[{number}].scrollIntoView()")
        while not browser.value(f"!!{FIGURES}[{number}].querySelector('svg, canvas, span')"):
            time.sleep(0.05)
    return at_once, browser.value(SENT)


def print_bytes(builds: dict[str, Path]) -> None:
    """A row for each page of the book and for the largest page of each chapter's exercises."""
    rows = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        Browser(Path(profile)) as browser,
    ):
        for build, folder in builds.items():
            pages = [*sorted(folder.glob("book/*.html"))]
            for chapter in sorted(folder.glob("exercises/*/")):
                pages.append(max(chapter.glob("*.html"), key=lambda page: page.stat().st_size))
            address = serve(folder.resolve())
            for page in pages:
                name = page.relative_to(folder).as_posix()
                rows.append([name, build, *(f"{n / 1e3:.0f}" for n in sent(browser, f"{address}/{name}"))])
    print(table(["page", "build", "kB at once", "kB in all"], sorted(rows, key=lambda row: row[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="the html folder of another build, to compare with")
    parser.add_argument("--after", type=Path, default=BUILT)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bytes", action="store_true", help="print how much each page sends, and no times")
    chosen = parser.parse_args()
    builds = {"before": chosen.before, "after": chosen.after}
    if chosen.bytes:
        return print_bytes({name: folder for name, folder in builds.items() if folder})
    addresses = {name: serve(folder.resolve()) for name, folder in builds.items() if folder}
    runs = {(page, name): [] for page in PAGES for name in addresses}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        Browser(Path(profile)) as browser,
    ):
        browser.ask("Network.enable")
        browser.ask("Network.emulateNetworkConditions", **LINE)
        browser.ask("Emulation.setCPUThrottlingRate", rate=SLOWDOWN)
        for _ in range(chosen.runs):
            for page, name in runs:
                runs[page, name].append(measured(browser, f"{addresses[name]}/{page}"))
    rows = []
    for (page, name), seconds in runs.items():
        rows.append(
            [page, name, *(f"{statistics.median(column):.1f}" for column in zip(*seconds, strict=True))]
        )
    print(table(["page", "build", "first paint, s", "loaded, s", "first figure, s"], rows))


if __name__ == "__main__":
    main()
