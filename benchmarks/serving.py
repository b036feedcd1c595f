"""A class hands in at once: how soon is each upload accepted, how long is the wait, is any lost?

    python -m benchmarks.serving [--uploads 200] [--seconds 60] [--workers 2] [--chapter 01_induction_heads]

The server is `patchbook serve` itself; the clients are threads with sockets of their own. It ends with an
error when an upload was not accepted within a second, was lost, graded twice, or out of turn. --watch: each
client keeps its page open until its feedback is there. --write: also writes benchmarks/serving.md.
"""

import argparse
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from csv import DictReader
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep
from urllib.request import HTTPErrorProcessor, Request, build_opener, urlopen
from uuid import uuid4

import nbformat

from benchmarks.grading import answered
from patchbook.authoring import find_course, release_notebook, solved_notebook, source_notebook
from patchbook.grading.running.pool import cores

SOON = 1.0  # seconds within which an upload is accepted


def main() -> None:
    asked = arguments()
    files = notebooks(asked.chapter)
    with tempfile.TemporaryDirectory(prefix="patchbook-benchmark-") as place:
        root = Path(place)
        (root / "class.txt").write_text("".join(f"Learner {number:03}\n" for number in range(asked.uploads)))
        with server(root, asked) as address:
            until_ready(address)
            began, accepted = monotonic(), hand_in(address, codes(root), files, asked)
            until(lambda: " 0 waiting, 0 at work" in health(address))
            took = monotonic() - began
        rows = rows_of(root / "out" / "gradebook.db")
        lost = asked.uploads - len({row["learner"] for row in rows if row["status"] == "ok"})
        uploads = len(list((root / "out" / "uploads").rglob("*.ipynb")))
        lines = (root / "out" / "journal.jsonl").read_text().count("\n")
    waits = [row["ended"] - row["handed_in"] for row in rows]
    text = table(asked, accepted, waits, took)
    print(text, end="")
    if asked.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    order = [row["id"] for row in sorted(rows, key=lambda row: row["began"])]
    wrong = {
        f"{sum(a > SOON for a in accepted)} accepted too late": max(accepted) > SOON,
        f"{lost} lost or not graded": lost or len(rows) != asked.uploads or uploads != asked.uploads,
        f"{lines} results for {asked.uploads} uploads": lines != asked.uploads,
        "taken up out of turn": order != sorted(order),
    }
    if any(wrong.values()):
        sys.exit("; ".join(what for what, is_so in wrong.items() if is_so))
    print(f"{asked.uploads} accepted, {lines} graded, each once and in order, none lost")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0, help="in which they all come, evenly")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--chapter", default="01_induction_heads")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def notebooks(chapter: str) -> list[bytes]:
    """Fifteen learners' answers, from nearly all right to a third unwritten."""
    source = source_notebook(find_course(), chapter)
    solved, released = solved_notebook(source), release_notebook(source)
    return [nbformat.writes(answered(solved, released, number)).encode() for number in range(15)]


@contextmanager
def server(root: Path, asked: argparse.Namespace):
    """`patchbook serve` on a port of the system's choice; gives its address."""
    code = "from patchbook.cli import main; main(prog_name='patchbook')"
    command = [sys.executable, "-c", code, "serve", root / "class.txt", "--out", root / "out"]
    command += ["--port", 0, "--chapter", asked.chapter, "--workers", asked.workers]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


def until(ready) -> None:
    while not ready():
        sleep(0.5)


def until_ready(address: str) -> None:
    until(lambda: "grader ready" in health(address))


def health(address: str) -> str:
    with urlopen(f"{address}/health") as answer:
        return answer.read().decode()


def codes(root: Path) -> list[tuple[str, str]]:
    with (root / "out" / "links.csv").open(newline="") as file:
        return [(row["name"], row["code"]) for row in DictReader(file)]


def hand_in(
    address: str, people: list[tuple[str, str]], files: list[bytes], asked: argparse.Namespace
) -> list[float]:
    """Seconds until each upload was accepted; one that was not is endless."""
    accepted, began, watched = [float("inf")] * len(people), monotonic(), set()

    def one(place: int) -> None:
        sleep(max(0.0, began + place * asked.seconds / len(people) - monotonic()))
        start = monotonic()
        status, where, cookie = post(address, *people[place], files[place % len(files)])
        if status == 303:
            accepted[place] = monotonic() - start
        if status == 303 and asked.watch and watch(f"{address}{where}/wait", cookie):
            watched.add(place)

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if asked.watch and len(watched) < len(people):
        sys.exit(f"{len(people) - len(watched)} pages were never told")
    return accepted


def watch(address: str, cookie: str) -> bool:
    """Follow an upload's events to their end, as its page does."""
    with urlopen(Request(address, headers={"Cookie": cookie})) as events:
        return any(line == b"event: done\n" for line in events)


class AsItIs(HTTPErrorProcessor):
    """Answers as they come, redirections too."""

    def http_response(self, request, response):
        return response


def post(address: str, name: str, code: str, notebook: bytes) -> tuple[int, str, str]:
    """Hand in as any client may: a form with name, code and file. Returns status, address and cookie."""
    line = f"--{uuid4().hex}"
    fields = f'{line}\r\nContent-Disposition: form-data; name="{{}}"\r\n\r\n{{}}\r\n'
    head = f'{line}\r\nContent-Disposition: form-data; name="notebook"; filename="notebook.ipynb"\r\n\r\n'
    body = (fields.format("name", name) + fields.format("code", code) + head).encode() + notebook
    headers = {"Content-Type": f"multipart/form-data; boundary={line[2:]}"}
    request = Request(f"{address}/hand-in", body + f"\r\n{line}--\r\n".encode(), headers)
    with build_opener(AsItIs).open(request) as answer:
        cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        return answer.status, answer.headers["Location"] or "", cookie


def rows_of(gradebook: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(gradebook)) as book:
        book.row_factory = sqlite3.Row
        return book.execute(
            "select id, learner, status, handed_in, began, ended from patchbook_upload"
        ).fetchall()


def table(asked: argparse.Namespace, accepted: list[float], waits: list[float], took: float) -> str:
    rows = [
        ("uploads", f"{len(accepted)}"),
        ("seconds in which they came", f"{asked.seconds:g}"),
        ("workers", f"{asked.workers}"),
        ("seconds until one was accepted: 50th percentile", f"{part(accepted, 50):.2f}"),
        ("seconds until one was accepted: 95th percentile", f"{part(accepted, 95):.2f}"),
        ("seconds until one was accepted: the slowest", f"{max(accepted):.2f}"),
        ("uploads graded per minute", f"{60 * len(waits) / took:.1f}"),
        ("seconds from handing in to feedback: 50th percentile", f"{part(waits, 50):.0f}"),
        ("seconds from handing in to feedback: 95th percentile", f"{part(waits, 95):.0f}"),
    ]
    head = f"| {asked.chapter} | measured |\n| --- | --: |\n"
    return head + "".join(f"| {what} | {much} |\n" for what, much in rows)


def part(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    main()
