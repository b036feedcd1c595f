"""Whose file it is, and which attempt: from the names that an LMS, a browser or a person gave it."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

# Moodle: "Ada Lovelace_1234567_assignsubmission_file", a folder or the beginning of a file's name. Before
# version 4 the folder ended in "_". A group has its name there; learners that are in none have no number.
MOODLE = re.compile(r"(?P<who>.+?)(_(?P<id>\d+))?_assignsubmission_[a-z]+_?(?P<own>.*)", re.DOTALL)
# Canvas: "lovelaceada_LATE_12345_678901_notebook-2.ipynb": user or group, late or not, user's id, upload's
# id, file; what was typed or linked in Canvas ends in "_text.html" or "_link.html". Graded without names:
# "LATE_anon_Xy3Kd_678901_notebook.ipynb"
UPLOAD = r"_((?P<upload>\d{3,})_(?P<own>.+)|(?P<typed>text|link)\.html)"
CANVAS = (
    re.compile(r"(?P<late>LATE_)?(?P<who>anon_[0-9A-Za-z]+)" + UPLOAD, re.DOTALL),
    re.compile(r"(?P<who>.+?)_(?P<late>LATE_)?(?P<id>\d+)" + UPLOAD, re.DOTALL),
)
ENDING = re.compile(r"(\.(ipynb|json|txt|zip))+$", re.IGNORECASE)
COPY_OF = re.compile(r"^(copy of|copie de|copia de|kopie von|kopia av)\s+", re.IGNORECASE)
NUMBER = re.compile(r"(?:\s*\((?P<browser>\d{1,3})\)|-(?P<canvas>\d{1,3})|\s+- copy)$", re.IGNORECASE)
LONGEST = 200  # bytes of a folder's name


@dataclass(frozen=True)
class Name:
    """What a path says. who: "" when it names nobody.  own: the file's own name, without its ending.

    system, id: the LMS, and its number for the person.  upload: the LMS's number of the upload.
    copy: 2 for "notebook (2).ipynb".  late: the LMS called it late.
    """

    who: str
    own: str
    system: str = ""
    id: str = ""
    upload: int = 0
    copy: int = 0
    late: bool = False


def name_of(parts: tuple[str, ...], chapters: list[str]) -> Name:
    """Read a path: an LMS's pattern first, else the outermost folder, else the file's name.

    parts: the path inside its source.  chapters: their names are never taken for a learner's.
    """
    for place, part in enumerate(parts):
        inside = parts[-1] if place < len(parts) - 1 else None  # what lies in a folder, or in a zip handed in
        if found := MOODLE.fullmatch(part):
            return _named(inside or found["own"], found["who"], system="moodle", id=found["id"] or "")
        if may_be_canvas(parts, place) and (found := canvas(part, chapters)):
            more = {"upload": int(found["upload"] or 0), "late": bool(found["late"])}
            more["id"] = found.groupdict().get("id", "")
            return _named(inside or found["own"] or found["typed"], found["who"], system="canvas", **more)
    own = undecorated(parts[-1])[0]
    outer = undecorated(parts[0])[0] if is_zip(parts[0]) else parts[0]
    who = outer if len(parts) > 1 and outer == parts[0] else without_chapter(outer, chapters)
    return _named(parts[-1], who if len(parts) > 1 else without_chapter(own, chapters))


def canvas(part: str, chapters: list[str]) -> re.Match | None:
    """A file's name as Canvas makes it; a chapter's with a date is none."""
    found = next(filter(None, (pattern.fullmatch(part) for pattern in CANVAS)), None)
    return None if found is None or chapter_named(found["who"], chapters) else found


def may_be_canvas(parts: tuple[str, ...], place: int) -> bool:
    """A file or a zip; in a person's folder a notebook only: other files there have names of their own."""
    flat = all(is_zip(part) for part in parts[:place])
    return is_zip(parts[place]) or (place == len(parts) - 1 and (flat or bool(ENDING.search(parts[place]))))


def is_zip(part: str) -> bool:
    return part.lower().endswith(".zip")


def _named(file: str, who: str, **more) -> Name:
    own, copy = undecorated(file)
    return Name(folder_name(who), own, copy=copy, **more)


def undecorated(file: str) -> tuple[str, int]:
    """ "Copy of 01_x (2).ipynb" -> ("01_x", 2): a file's own name, and the number of the copy."""
    stem, copy = COPY_OF.sub("", ENDING.sub("", file)), 0
    while found := NUMBER.search(stem):
        stem, copy = stem[: found.start()], max(copy, int(found["browser"] or found["canvas"] or 1))
    return stem, copy


def without_chapter(own: str, chapters: list[str]) -> str:
    """What a file's name holds beside the chapter's: "01_induction_heads-ada" -> "ada"."""
    chapter = chapter_named(own, chapters)
    for words in [chapter, chapter[3:]] if chapter else []:
        own = re.sub(re.escape(words).replace("_", "[ _-]?"), " ", own, flags=re.IGNORECASE)
    return own.strip(" _-.·,")


def chapter_named(own: str, chapters: list[str]) -> str | None:
    """The chapter that a file's name names, whole or without its number."""
    said = squeezed(own)
    whole = (name for name in chapters if squeezed(name) in said)
    return next(whole, None) or next((name for name in chapters if squeezed(name[3:]) in said), None)


def squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def folder_name(who: str) -> str:
    """A learner's name as a folder can carry it; letters of every script stay."""
    name = unicodedata.normalize("NFC", who)
    name = re.sub(r"[\x00-\x1f\x7f/\\:]", "-", name.encode("utf-8", "replace").decode())
    name = name.encode()[:LONGEST].decode("utf-8", "ignore").strip(" .-")
    return f"_{name}" if name.startswith("collected.json") else name  # where the list lies


def inside_class(paths: list[tuple[str, ...]], source: str, chapters: list[str]) -> list[tuple[str, ...]]:
    """The same paths without what holds a whole class and so names nobody: a folder, zips that lie in one."""
    strip = shared_folder([path for path in paths if path], source, chapters)
    paths = [path[strip:] for path in paths]
    for outer in {path[0] for path in paths if len(path) > 1 and is_zip(path[0])}:
        places = [place for place, path in enumerate(paths) if len(path) > 1 and path[0] == outer]
        inner = inside_class([paths[place][1:] for place in places], outer, chapters)
        if is_class(inner):
            for place, path in zip(places, inner, strict=True):
                paths[place] = path
    return paths


def is_class(paths: list[tuple[str, ...]]) -> bool:
    """Whether these are several people's: folders side by side with a notebook of the same name in each."""
    whose = defaultdict(set)
    for path in (path for path in paths if path[-1].lower().endswith(".ipynb")):
        whose[squeezed(undecorated(path[-1])[0])].add(path[0] if len(path) > 1 else "")
    folders = set().union(*whose.values())
    return "" not in folders and any(len(same) > 1 for same in whose.values())


def shared_folder(paths: list[tuple[str, ...]], source: str, chapters: list[str]) -> int:
    """How many outer folders hold the whole class and so name nobody: 0 or 1.

    A zip of a folder holds that folder. It is a learner's only when the files in it name nobody themselves.
    """
    if not paths or len({path[0] for path in paths}) > 1 or len(paths[0]) < 2:
        return 0
    outer = paths[0][0]
    if MOODLE.fullmatch(outer) or any(pattern.fullmatch(outer) for pattern in CANVAS):
        return 0
    deeper = all(len(path) > 2 for path in paths)
    named = all(name_of(path[1:], chapters).who for path in paths)
    return int(deeper or named or undecorated(source)[0] == outer)
