"""The files in what a teacher has: a folder, a download of an LMS as a zip, a zip inside it, one notebook.

Nothing of a zip is unpacked under its own name: one member at a time is copied to a scratch file.
"""

import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from patchbook.grading.notebooks.submissions import LARGEST

MB = 2**20
MOST_MEMBERS = 100_000  # files in one zip
SQUEEZED = 200  # a zip whose contents are this many times its size is a bomb; notebooks reach about 30
SMALL = 200 * MB  # … unless the contents are no larger than this
JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}
UNIX_TIME = 0x5455  # the extra field of a zip member with its time in UTC seconds
BROKEN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


@dataclass(frozen=True)
class Found:
    """One file. file: where its bytes lie now (None when `refused` says why they are not to be had).

    source: the folder or zip that the teacher named.  parts: the path inside it, a zip in it included.
    modified: when it was handed in, as far as the file tells.
    """

    source: Path
    parts: tuple[str, ...]
    file: Path | None = None
    modified: datetime | None = None
    refused: str = ""

    @property
    def origin(self) -> str:
        """Where it came from, in a reader's words."""
        words = ": ".join(filter(None, [self.source.name, "/".join(self.parts)]))
        return words.encode("utf-8", "replace").decode()  # a disk's names may be no text


@dataclass(frozen=True)
class Walk:
    """A search through one source. scratch: an existing folder of ours.  beside: a folder to leave out.

    The `file` of a Found may be a scratch file: it holds until the next Found is asked for.
    """

    source: Path
    scratch: Path
    beside: Path | None = None

    def files(self) -> Iterator[Found]:
        """Every file, in the order of names. A zip that is not safe is one refusal."""
        if self.source.is_dir():
            yield from self.folder()
        elif self.source.suffix.lower() == ".zip":
            yield from self.zipped(self.source, (), None)
        else:
            yield Found(self.source, (self.source.name,), self.source, modified(self.source))

    def folder(self) -> Iterator[Found]:
        for folder, inside, names in os.walk(self.source):
            links = [name for name in inside if Path(folder, name).is_symlink()]
            inside[:] = sorted(n for n in inside if not self.left_out(Path(folder, n)) and n not in links)
            for name in sorted(names + links):
                path = Path(folder, name)
                if not junk((name,)):
                    yield from self.one(path, path.relative_to(self.source).parts)

    def left_out(self, folder: Path) -> bool:
        return junk((folder.name,)) or (self.beside is not None and folder.resolve() == self.beside)

    def one(self, path: Path, parts: tuple[str, ...]) -> Iterator[Found]:
        if path.is_symlink() or not path.is_file():
            yield Found(self.source, parts, refused="it is a link, not a file: ask for the notebook itself")
        elif path.suffix.lower() == ".zip":
            yield from self.zipped(path, parts, modified(path))
        else:
            yield Found(self.source, parts, path, modified(path))

    def zipped(
        self, path: Path, parts: tuple[str, ...], when: datetime | None, deep: int = 0
    ) -> Iterator[Found]:
        """The members of a zip. `when`: the time of the zip itself, where it lay in another source."""
        try:
            with ZipFile(path) as archive:
                refuse_unsafe(archive, path.stat().st_size)
                for member in archive.infolist():
                    inner = parts + member_parts(member)
                    if not member.is_dir() and not junk(inner):
                        yield from self.member(archive, member, inner, when or member_time(member), deep)
        except BROKEN as error:
            reason = str(error) if isinstance(error, UnsafeZip) else "the zip is damaged: ask for it again"
            yield Found(self.source, parts, refused=reason, modified=when)

    def member(self, archive, member: ZipInfo, parts, when: datetime | None, deep: int) -> Iterator[Found]:
        if parts[-1].lower().endswith(".zip") and deep:
            yield Found(self.source, parts, refused="a zip in a zip in a zip: ask for the notebook itself")
            return
        try:
            self.copy(archive, member, deep)
        except BROKEN:
            yield Found(self.source, parts, None, when, "this part of the zip is damaged: ask for it again")
            return
        if parts[-1].lower().endswith(".zip"):
            yield from self.zipped(self.inner(deep), parts, when, deep + 1)
        else:
            yield Found(self.source, parts, self.inner(deep), when)

    def copy(self, archive: ZipFile, member: ZipInfo, deep: int) -> None:
        """The first LARGEST MB and one byte: read_notebook refuses what is longer."""
        limit = LARGEST * MB + 1
        with archive.open(member) as packed, self.inner(deep).open("wb") as out:
            while limit > 0 and (block := packed.read(min(MB, limit))):
                out.write(block)
                limit -= len(block)

    def inner(self, deep: int) -> Path:
        """A scratch file for each depth: an inner zip is open while its members are read."""
        return self.scratch / f"member-{deep}"


class UnsafeZip(ValueError):
    """A zip that is not opened; the message says why, and what to do."""


def refuse_unsafe(archive: ZipFile, size: int) -> None:
    """Raises UnsafeZip for paths that lead out, links, passwords, and contents out of all proportion."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise UnsafeZip(f"unsafe zip: it holds {len(members)} files")
    total = sum(member.file_size for member in members)
    if total > max(SMALL, SQUEEZED * size):
        raise UnsafeZip(f"unsafe zip: {total // MB} MB are packed into {max(1, size // MB)} MB")
    for member in members:
        name = member.orig_filename
        if (
            "\0" in name
            or name[:1] in "/\\"
            or re.match("[A-Za-z]:", name)
            or ".." in re.split(r"[/\\]", name)
        ):
            raise UnsafeZip(f"unsafe zip: {name[:80]!r} leads out of it")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeZip(f"unsafe zip: {name[:80]!r} is a link or a device")
        if member.flag_bits & 1:
            raise UnsafeZip("the zip is locked with a password: unpack it, then collect the folder")


def member_parts(member: ZipInfo) -> tuple[str, ...]:
    """The path of a member. Names that a Mac wrote as UTF-8 without saying so are read as that."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):  # else it was cp437, as zipfile read it
            name = name.encode("cp437").decode("utf-8")
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))


def member_time(member: ZipInfo) -> datetime | None:
    """When a member was last written; None where the zip does not know."""
    seconds = unix_time(member.extra)
    if seconds is not None:
        return datetime.fromtimestamp(seconds).astimezone()
    try:
        when = datetime(*member.date_time)
    except ValueError:
        return None
    return when.astimezone() if when.year > 1980 else None  # 1980-01-01 stands for "no time"


def unix_time(extra: bytes) -> int | None:
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == UNIX_TIME and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return struct.unpack("<i", extra[5:9])[0]
        extra = extra[4 + length :]
    return None


def modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone()


def junk(parts: tuple[str, ...]) -> bool:
    """What operating systems and editors leave behind, and nobody handed in."""
    return any(part in JUNK or part.startswith((".", "~$")) for part in parts)
