"""How large, how often, from where: what is refused unseen; and the headers of every answer."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM = 64 * 1024  # bytes of a form beside its file
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# nbgrader's page brings its styles and pictures along; "sandbox" lets nothing in it run, whatever it holds.
NOTEBOOK = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"


@dataclass(frozen=True)
class Limits:
    """largest: MB of an upload.  hourly, waiting: uploads of one learner in an hour, and in the queue."""

    largest: int = 10
    hourly: int = 30
    waiting: int = 3


class Guard:
    """Refuses what is too large or comes from another site, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, largest: int, address: str):
        self.app, self.most, self.address = app, largest * 2**20 + FORM, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        heard, headers = 0, Headers(scope=scope)

        async def limited() -> Message:
            nonlocal heard
            message = await receive()
            heard += len(message.get("body", b""))
            if heard > self.most:
                raise HTTPException(413)
            return message

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    said.setdefault(name, value)
            await send(message)

        scope["refused"] = self.refused(scope["method"], headers)
        await self.app(scope, limited, answered)

    def refused(self, method: str, headers: Headers) -> int:
        """The status to refuse a request with, by its headers alone; 0 for none."""
        if method in ("GET", "HEAD"):
            return 0
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most:
            return 413
        return 0 if from_here(headers, self.address) else 403


def from_here(headers: Mapping[str, str], address: str) -> bool:
    """Whether a page of ours sent a form, or a client that is no browser and says nothing of pages."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return False
    ours = {headers.get("host", ""), urlsplit(address).netloc}
    return origin is None or urlsplit(origin).netloc in ours - {""}


class Tries:
    """Wrong codes, by name: ten in ten minutes."""

    MOST, WITHIN = 10, 600

    def __init__(self):
        self.wrong: dict[str, deque[float]] = defaultdict(deque)

    def too_many(self, name: str) -> bool:
        times = self.wrong[name]
        while times and times[0] < monotonic() - self.WITHIN:
            times.popleft()
        if not times:
            del self.wrong[name]
        return len(times) >= self.MOST

    def note(self, name: str) -> None:
        self.wrong[name].append(monotonic())
