"""Build the book: every page executed on the shipped models, offline, warnings as errors.

    .venv/bin/python book/build.py                      # the edition for self-study
    .venv/bin/python book/build.py --edition class      # without any solution
    .venv/bin/python book/build.py --run 02_ioi         # run this chapter only: while you write it

A chapter's exercises, solutions/NN_topic.md, are run as one notebook, and shown as one page for each section.
The class edition shows them unexecuted, without solutions. What an exercise's check may say has a page, too.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from patchbook.authoring import find_course

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import diagnosis_pages  # noqa: E402
from exercise_pages import shown, split  # noqa: E402
from running_pages import CACHE, cache_key, executed, run_ahead  # noqa: E402  (no package: Sphinx needs it so)

OUT = {"self-study": ROOT / "build" / "book", "class": ROOT / "build" / "book-class"}
ENVIRONMENT = {  # of every cell that the build runs
    "HF_HUB_OFFLINE": "1",
    "PATCHBOOK_FIGURES": "book",
    "PATCHBOOK_MODEL": "tiny-gpt2",  # ships with the package: the same pages anywhere
    "PATCHBOOK_DEVICE": "cpu",
    "TQDM_DISABLE": "1",  # a progress bar on a page is noise
}


def main() -> int:
    """Build one edition and say where it lies; returns jupyter-book's exit status."""
    every = find_course(ROOT).chapters
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edition", choices=list(OUT), default="self-study")
    parser.add_argument("--out", type=Path, help="folder to build in (default: build/book…)")
    parser.add_argument(
        "--run",
        nargs="+",
        metavar="CHAPTER",
        choices=every,
        default=every,
        help="run no other chapter's cells",
    )
    chosen = parser.parse_args()
    out = (chosen.out or OUT[chosen.edition]).resolve()
    status = build(chosen.edition, out, chosen.run)
    if status == 0:
        print(f"The {chosen.edition} edition: {out / '_build' / 'html' / 'index.html'}")
    return status


def build(edition: str, out: Path, run: list[str]) -> int:
    """Run jupyter-book for one edition into `out`; returns its exit status.

    run: the chapters whose cells run. Others show what they printed if they ran in this state of the source.
    """
    os.environ.update(ENVIRONMENT, PATCHBOOK_EDITION=edition)
    sources = out / "sources"
    lay_out(edition, sources, run)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [
        str(jupyter_book),
        "build",
        str(sources),
        "-W",
        "--keep-going",
        "-q",
        "--path-output",
        str(out),
    ]
    status = subprocess.run(command, cwd=ROOT).returncode
    drop_pages_without_source(out / "_build" / "html", sources)
    return status


def drop_pages_without_source(html: Path, sources: Path) -> None:
    """They are of sections that have another name now; pages at the top are Sphinx's own."""
    for page in html.glob("*/**/*.html"):
        source = sources / page.relative_to(html)
        kept = page.relative_to(html).parts[0] == "_static"
        if not kept and not any(source.with_suffix(kind).exists() for kind in (".md", ".ipynb")):
            page.unlink()


def lay_out(edition: str, sources: Path, run: list[str]) -> None:
    """Put what jupyter-book builds from into `sources`: book/, the pages of exercises and of diagnoses."""
    sources.mkdir(parents=True, exist_ok=True)
    for shared in ("book", "benchmarks"):
        if not (sources / shared).is_symlink():
            (sources / shared).symlink_to(ROOT / shared)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in contents["parts"] for chapter in part["chapters"]]
    sections = [entry for chapter in chapters for entry in chapter.get("sections", [])]
    entries = {Path(entry["file"]).name: entry for entry in sections}
    made, left = notebooks(entries, edition, config["repository"]["url"], run)
    for name, notebook in made.items():
        entries[name]["file"] = f"exercises/{name}"
        entries[name]["sections"] = write(split(notebook, name), sources / "exercises", name)
    for name, page in diagnosis_pages.pages(edition).items():
        _write(sources / "diagnoses" / f"{name}.md", page)
    config["execute"]["exclude_patterns"] += left
    for name, told in {"_toc.yml": contents, "_config.yml": config}.items():
        if (sources / name).is_symlink():  # to the course's own, by an earlier version
            (sources / name).unlink()
        _write(sources / name, yaml.safe_dump(told, allow_unicode=True, sort_keys=False))


def notebooks(
    chapters: Iterable[str], edition: str, repository: str, run: list[str]
) -> tuple[dict[str, NotebookNode], list[str]]:
    """Each chapter's exercises, and the pages of the book whose cells are left as they are.

    All that the build runs has run when they are there, several at a time.
    """
    cache = CACHE / cache_key()
    pages = sorted((ROOT / "book").glob("*.md"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the work is in the kernels
        made = {name: pool.submit(exercises, name, edition, repository, cache, run) for name in chapters}
        ran = {page.stem: pool.submit(run_ahead, page, cache, page.stem in run) for page in pages}
        left = [f"book/{name}.md" for name, has_run in ran.items() if not has_run.result()]
        return {name: notebook.result() for name, notebook in made.items()}, left


def exercises(chapter: str, edition: str, repository: str, cache: Path, run: list[str]) -> NotebookNode:
    """A chapter's exercises as one notebook: for self-study it has run."""
    text = (ROOT / "solutions" / f"{chapter}.md").read_text(encoding="utf-8")
    if edition == "class":
        return shown(text, repository, solved=False)
    notebook, path = shown(text, repository), ROOT / "solutions" / f"{chapter}.ipynb"
    return executed(notebook, path, cache, chapter in run) or notebook


def write(pages: dict[str, NotebookNode], folder: Path, chapter: str) -> list[dict[str, str]]:
    """Write a chapter's pages, the opening beside the others' folder; returns their entries in the toc."""
    wanted = {folder / f"{chapter}.ipynb": pages["index"]}
    wanted |= {folder / chapter / f"{name}.ipynb": page for name, page in pages.items() if name != "index"}
    for path in (folder / chapter).glob("*.ipynb"):
        if path not in wanted:
            path.unlink()
    for path, page in wanted.items():
        _write(path, nbformat.writes(page))
    return [{"file": f"exercises/{chapter}/{name}"} for name in pages if name != "index"]


def _write(path: Path, text: str) -> None:
    """Write what is new only: Sphinx reads again what was written."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
