"""Take in what a class handed in: whose it is, which chapter, mended, or refused with a reason.

The result is the layout that `patchbook grade` reads, and collected.json: every file, and what became of it.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from patchbook.authoring import Course
from patchbook.grading.collect.attempts import COLLECTED, REFUSED, Entry, chosen, with_learners
from patchbook.grading.collect.chapters import Shelf, released_chapters
from patchbook.grading.collect.names import chapter_named, inside_class, name_of
from patchbook.grading.collect.sources import Found, Walk
from patchbook.grading.notebooks.repair import CARRIED, repair
from patchbook.grading.notebooks.submissions import Unreadable, read_notebook
from patchbook.grading.whole_files import write_whole

LIST = "collected.json"
SCRATCH = ".collecting"
MAYBE = {".json", ".txt", ""}  # browsers and phones add these endings to a notebook, or drop its own


class NotOurs(Exception):
    """The folder to collect into holds other things; the message says what to do."""


def collect(
    course: Course,
    sources: list[Path],
    into: Path,
    attempts: str = "latest",
    chapter: str | None = None,
    progress: Callable[[Entry], None] = lambda entry: None,
) -> list[Entry]:
    """Collect notebooks from folders, zips and files into `into/<learner>/<chapter>.ipynb`.

    What an earlier run collected into the same folder stays, and counts as attempts. `chapter` refuses the
    others. `progress` is called with each file. Returns what became of every file.
    Raises NotOurs when `into` holds anything that collect did not make, and CourseError.
    """
    earlier = read_list(into)
    if chapter:
        course.require(chapter)
    shelf = Shelf(released_chapters(course))
    scratch = into / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    scratch.mkdir(parents=True)
    try:
        found = [
            entry for source in sources for entry in from_source(source, scratch, shelf, chapter, progress)
        ]
        known = {entry.origin for entry in found}
        kept = [saved(entry, into, scratch) for entry in earlier if entry.origin not in known]
        return put(chosen(with_learners([*kept, *found]), attempts), into, scratch, earlier)
    finally:
        shutil.rmtree(scratch)


# --- reading ---------------------------------------------------------------------------------------------


def from_source(
    source: Path, scratch: Path, shelf: Shelf, only: str | None, progress: Callable[[Entry], None]
) -> list[Entry]:
    """Every file of one source that may be somebody's work."""
    chapters = [only] if only else list(shelf.released)
    files = []
    for found in Walk(source, scratch, beside=scratch.parent.resolve()).files():
        entry = examined(found, shelf, only, scratch / f"{os.urandom(8).hex()}.ipynb")
        files.append((found, entry))
        progress(entry)
    paths = inside_class([found.parts for found, _ in files], source.name, chapters)
    named = [whose(*one, path, list(shelf.released)) for one, path in zip(files, paths, strict=True)]
    return [entry for entry in named if entry is not None]


def examined(found: Found, shelf: Shelf, only: str | None, place: Path) -> Entry:
    """Read and mend one file; the notebook goes to `place`, or the file itself when it cannot be read."""
    when = found.modified.astimezone(UTC).isoformat(timespec="seconds") if found.modified else ""
    named = chapter_named(found.parts[-1], list(shelf.released)) if found.parts else None
    entry = Entry(found.origin, REFUSED, only or named or "", handed_in=when, reason=found.refused)
    if found.file is None:
        return entry
    if not may_be_notebook(found):
        return replace(entry, reason=f"it is {kind_of(found)}, not a notebook: ask for the .ipynb file")
    try:
        notebook = read_notebook(found.file)
    except Unreadable as error:
        shutil.copyfile(found.file, place)
        return replace(entry, reason=str(error), file=place.name)
    return mended(notebook, entry, named, shelf, only, place)


def mended(
    notebook: NotebookNode, entry: Entry, named: str | None, shelf: Shelf, only: str | None, place: Path
) -> Entry:
    """Repair a notebook that could be read, if it is one of the chapters that are wanted."""
    chapter = shelf.chapter_of(notebook, named)
    if chapter is None:
        empty = not any(cell.source.strip() for cell in notebook.cells)
        what = "the notebook is empty" if empty else "none of the course's exercises is in it"
        return replace(entry, reason=f"{what}: ask for the right notebook")
    if only not in (None, chapter):
        return replace(entry, chapter="", reason=f"it is {chapter}, not {only}: ask for the right notebook")
    whole, lines = repair(notebook, shelf.released[chapter])
    if named not in (None, chapter):
        lines.insert(0, f"is called {named}, but its exercises are those of {chapter}")
    whole.metadata[CARRIED] = {"mended": lines}
    place.write_text(nbformat.writes(whole) + "\n", encoding="utf-8")
    reason = "" if shelf.answered(whole, chapter) else "nothing in it is answered"
    return replace(
        entry, status=COLLECTED, chapter=chapter, mended=tuple(lines), reason=reason, file=place.name
    )


def whose(found: Found, entry: Entry, parts: tuple[str, ...], chapters: list[str]) -> Entry | None:
    """The entry with its learner; None for what lies beside the work, such as a list of the class."""
    if not parts:  # the source itself was refused
        return entry
    name = name_of(parts, chapters)
    refused = entry.status == REFUSED
    beside = len(parts) == 1 and not name.system and not parts[0].lower().endswith(".ipynb")
    if refused and beside and not found.refused:
        return None
    said = {field: getattr(name, field) for field in ("who", "system", "id", "own", "upload", "copy", "late")}
    if name.who:
        return replace(entry, **said)
    reason = entry.reason if refused else "its path names nobody: put it into a learner's folder"
    return replace(entry, status=REFUSED, reason=reason, file="", **said)


def may_be_notebook(found: Found) -> bool:
    """By its ending, or where that says little, by its first character."""
    ending = Path(found.parts[-1]).suffix.lower()
    if ending in MAYBE:
        with found.file.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    return ending == ".ipynb"


def kind_of(found: Found) -> str:
    ending = Path(found.parts[-1]).suffix.lower()
    return f"a {ending} file" if ending else "a file without an ending"


# --- writing ---------------------------------------------------------------------------------------------


def read_list(into: Path) -> list[Entry]:
    """What an earlier run collected. Raises NotOurs for a folder with other contents, or a damaged list."""
    path = into / LIST
    if not path.is_file():
        others = [each for each in into.iterdir() if each.name != SCRATCH] if into.is_dir() else []
        if others:
            raise NotOurs(f"{into} holds other things ({others[0].name}): name a new folder with --into")
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["files"]
        return [Entry(**row | {"mended": tuple(row["mended"])}) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise NotOurs(f"{path} is damaged ({error}): name a new folder with --into") from None


def saved(entry: Entry, into: Path, scratch: Path) -> Entry:
    """An earlier run's entry, its file brought to the scratch folder with the new ones."""
    if not entry.file or not (into / entry.file).is_file():
        return replace(entry, file="")
    place = scratch / f"{os.urandom(8).hex()}.ipynb"
    shutil.copyfile(into / entry.file, place)
    said = [part for part in entry.reason.split("; ") if not part.startswith(("attempt ", "a later file "))]
    reason = "; ".join(said) if entry.status == COLLECTED else entry.reason
    return replace(entry, file=place.name, reason=reason)


def put(entries: list[Entry], into: Path, scratch: Path, earlier: list[Entry]) -> list[Entry]:
    """Move every file to its learner's folder, then write the list. Everybody seen gets a folder."""
    done = []
    for entry in entries:
        if entry.learner:
            (into / entry.learner).mkdir(exist_ok=True)
        if entry.file and entry.learner and entry.chapter:
            place = Path(entry.learner, f"{entry.chapter}.ipynb")
            os.replace(scratch / entry.file, into / place)
            done.append(replace(entry, file=place.as_posix()))
        else:
            done.append(replace(entry, file=""))
    write_list(done, into)
    remove_stale(done, into, earlier)
    return done


def write_list(entries: list[Entry], into: Path) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps(
        {"collected": when, "files": [asdict(e) for e in entries]}, indent=1, ensure_ascii=False
    )
    write_whole(into / LIST, text + "\n", errors="replace")


def remove_stale(entries: list[Entry], into: Path, earlier: list[Entry]) -> None:
    """An earlier run's files whose learner is called otherwise now: a second person of that name has come."""
    for path in {entry.file for entry in earlier} - {entry.file for entry in entries} - {""}:
        (into / path).unlink(missing_ok=True)
        if (into / path).parent != into and not any((into / path).parent.iterdir()):
            (into / path).parent.rmdir()
