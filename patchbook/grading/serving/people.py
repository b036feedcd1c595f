"""Who may hand in: the class by name, a code and a signed link for each; and the secret of the board.

Codes and links follow from one key in the folder of grades, so they stay when the server starts anew. Who
deletes the key makes all of them new.
"""

import csv
import hmac
import io
import json
import os
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from patchbook.grading.collect.names import folder_name

KEY, LINKS = "serving.json", "links.csv"
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
LENGTH = 8  # characters of a code: 31**8 are too many to try at ten in ten minutes
SESSION = 30 * 86_400  # seconds that a browser is remembered


class BadClass(ValueError):
    """The list of the class cannot be used; the message says how one is written."""


class Secrets:
    """The key behind codes and links, and the board's secret; made once for a folder of grades."""

    def __init__(self, root: Path):
        path = root / KEY
        if not path.is_file():
            _write(path, json.dumps({"key": secrets.token_hex(32), "board": secrets.token_urlsafe(24)}))
        known = json.loads(path.read_text(encoding="utf-8"))
        self.key, self.board = known["key"], known["board"]
        self._links = URLSafeSerializer(self.key, salt="link")
        self._sessions = URLSafeTimedSerializer(self.key, salt="session")

    def code(self, learner: str) -> str:
        """A learner's code, such as "k7dm-3xqe"."""
        number = int.from_bytes(self._digest("code", learner))
        letters = "".join(LETTERS[number // len(LETTERS) ** i % len(LETTERS)] for i in range(LENGTH))
        return f"{letters[:4]}-{letters[4:]}"

    def is_code(self, learner: str, said: str) -> bool:
        plain = "".join(said.lower().split()).replace("-", "")
        return hmac.compare_digest(plain.encode(), self.code(learner).replace("-", "").encode())

    def link(self, learner: str) -> str:
        """The last part of a learner's personal address."""
        return self._links.dumps(learner)

    def whose_link(self, token: str) -> str | None:
        return _signed(self._links.loads, token)

    def session(self, who: str) -> str:
        """What a browser keeps: a learner's name, or "" for the teacher, signed."""
        return self._sessions.dumps(who)

    def whose_session(self, cookie: str) -> str | None:
        return _signed(lambda text: self._sessions.loads(text, max_age=SESSION), cookie)

    def token(self, learner: str) -> str:
        """What a learner's forms carry: no page of another site can know it."""
        return self._digest("form", learner).hex()

    def is_token(self, learner: str, said: str) -> bool:
        return hmac.compare_digest(self.token(learner).encode(), said.encode())

    def is_board(self, said: str) -> bool:
        return hmac.compare_digest(self.board.encode(), said.encode())

    def _digest(self, use: str, text: str) -> bytes:
        return hmac.digest(self.key.encode(), f"{use}\n{text}".encode(), "sha256")


def _signed(loads, text: str) -> str | None:
    try:
        found = loads(text)
    except BadData:
        return None
    return found if isinstance(found, str) else None


class People:
    """The class, from a text file with a name on each line. It is read again when it has changed.

    changed: called each time after it was read.
    """

    def __init__(self, file: Path, changed: Callable[["People"], object] = lambda people: None):
        self.file, self.changed, self._read, self._names = file, changed, None, {}

    @property
    def names(self) -> list[str]:
        return list(self._current().values())

    def find(self, said: str) -> str | None:
        """The learner of that name, however it is spaced and capitalised."""
        return self._current().get(_folded(said))

    def _current(self) -> dict[str, str]:
        try:
            changed = self.file.stat().st_mtime_ns
        except OSError:
            if self._read is None:
                raise BadClass(f"{self.file} cannot be read") from None
            return self._names  # it is being saved
        if changed != self._read:
            try:
                self._names = _names_in(self.file)
            except BadClass:
                if self._read is None:
                    raise
            self._read = changed
            self.changed(self)
        return self._names


def _names_in(file: Path) -> dict[str, str]:
    how = "write a name on each line, such as\n  Ada Lovelace\n  Alan Turing"
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadClass(f"{file} is no text file ({error}): {how}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name = " ".join(line.split())
        if not name or name[0] == "#":
            continue
        learner = folder_name(name)
        if not learner:
            raise BadClass(f"{file}, line {number}: {name!r} is no name: {how}")
        if _folded(learner) in found:
            raise BadClass(
                f"{file}, line {number}: {name!r} stands there twice: add a word that tells them apart"
            )
        found[_folded(learner)] = learner
    if not found:
        raise BadClass(f"{file} names nobody: {how}")
    return found


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", folder_name(name)).casefold().split())


def write_links(people: People, known: Secrets, address: str, root: Path) -> Path:
    """links.csv for the teacher: each learner's code and personal link. Nobody else can read the file."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["name", "code", "link"])
    table.writerows([n, known.code(n), f"{address}/me/{known.link(n)}"] for n in people.names)
    _write(root / LINKS, text.getvalue())
    return root / LINKS


def _write(path: Path, text: str) -> None:
    """A file that its owner alone can read, whole or not at all."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
