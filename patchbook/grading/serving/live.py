"""Server-sent events: a page hears of what changes, as HTML that takes the place of a part of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import StreamingResponse

BEAT = (
    15  # seconds after which a page is told anew all the same: times have gone on, and a proxy hears a sign
)
REST = 1  # seconds between two events: a class hands in all at once


class News:
    """Tells everybody who waits that something has changed."""

    def __init__(self):
        self.number, self._changed = 0, asyncio.Event()

    def tell(self) -> None:
        self.number += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, number: int) -> None:
        """Wait for news that come after those of a number, for a while."""
        if self.number == number:
            try:
                await asyncio.wait_for(self._changed.wait(), BEAT)
            except TimeoutError:
                return


def stream(news: News, part: Callable[[], Awaitable[str]]) -> StreamingResponse:
    """The part as it is, and each time that it is another. "" ends the stream: the page loads anew."""

    async def events() -> AsyncIterator[str]:
        shown = None
        while True:
            number, text = news.number, await part()
            if not text:
                yield "event: done\ndata:\n\n"
                return
            yield event(text) if text != shown else ": nothing new\n\n"
            shown = text
            await asyncio.sleep(REST)
            await news.after(number)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def event(text: str) -> str:
    return "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
