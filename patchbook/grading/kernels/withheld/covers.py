"""What lies over the files of withheld modules in a sandbox, as arguments of bubblewrap."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from patchbook.grading.kernels.sandbox import in_view
from patchbook.grading.kernels.withheld.stand_ins import StandIn

EMPTY = "nothing"
CLOSED = ("--perms", "0755", "--tmpfs")


def covers(texts: Mapping[str, StandIn], data: Iterable[Path], folder: Path) -> list[str]:
    """Write the stand-ins into `folder`, and lay them over what they stand for.

    A package's folder has nothing else in it. Beside a module, compiled ones are hidden: who knows of which.
    """
    sources = {name: source(folder / name, stand_in.text) for name, stand_in in texts.items()}
    nothing = source(folder / EMPTY, "")
    closed = [place for stand_in in texts.values() for place in stand_in.folders]
    closed += sorted(
        {str(stand_in.file.parent / "__pycache__") for stand_in in texts.values()} - inside(closed)
    )
    command = [part for place in closed for seen in in_view(place) for part in (*CLOSED, seen)]
    for name, stand_in in texts.items():
        command += bound(sources[name], stand_in.file)
    for file in data:
        command += bound(nothing, file)
    return command + [part for place in closed for seen in in_view(place) for part in ("--remount-ro", seen)]


def inside(folders: Iterable[str]) -> set[str]:
    """The folders of compiled modules that are gone with these."""
    return {str(Path(folder, "__pycache__")) for folder in folders}


def bound(source: str, file: Path) -> Iterator[str]:
    for seen in in_view(file):
        yield from ("--ro-bind", source, seen)


def source(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.chmod(path, 0o644)  # a submission's user is another one
    return str(path)
