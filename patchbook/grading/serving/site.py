"""Addresses and what they answer: a learner's pages, the teacher's board, a line about health."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from anyio import Lock, create_task_group, sleep
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from patchbook.grading.collect.chapters import Shelf
from patchbook.grading.collect.names import chapter_named
from patchbook.grading.gradebook.course_folder import safe
from patchbook.grading.gradebook.trouble import GradingFailed
from patchbook.grading.notebooks.submissions import Unreadable, notebook_of_taken
from patchbook.grading.serving.board import board_of, wait_for
from patchbook.grading.serving.keeper import Keeper
from patchbook.grading.serving.limits import NOTEBOOK, Guard, Limits, Tries
from patchbook.grading.serving.live import News, stream
from patchbook.grading.serving.pages import HERE, Pages, span, stylesheet
from patchbook.grading.serving.people import SESSION, People, Secrets
from patchbook.grading.serving.uploads import Upload, Uploads

LOOK = 2  # seconds between two looks at the list of the class
LEARNER, TEACHER = "patchbook", "patchbook-board"  # cookies


class Refused(Exception):
    """What a learner reads when an upload, a name or a code is not taken."""

    def __init__(self, why: str, status: int = 422):
        super().__init__(why)
        self.why, self.status = why, status


@dataclass
class Site:
    """One running server: what its answers are made from."""

    root: Path
    people: People
    secrets: Secrets
    uploads: Uploads
    keeper: Keeper
    shelf: Shelf
    chapters: tuple[str, ...]
    limits: Limits
    workers: int
    address: str
    news: News

    def __post_init__(self):
        self.pages, self.tries, self.style = Pages(), Tries(), stylesheet()
        self.boards: dict[bool, tuple[tuple[int, int], str]] = {}
        self.queue: tuple[int, list[Upload], list[float]] = (-1, [], [])  # as of news number …
        self.turn = Lock()

    def app(self) -> Starlette:
        routes = [
            Route("/", self.home),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/leave", self.leave, methods=["POST"]),
            Route("/me/{token}", self.personal, methods=["GET", "POST"]),
            Route("/hand-in", self.hand_in, methods=["POST"]),
            Route("/uploads/{number:int}", self.upload),
            Route("/uploads/{number:int}/wait", self.wait),
            Route("/uploads/{number:int}/notebook", self.notebook),
            Route("/board", self.board),
            Route("/board/live", self.board_live),
            Route("/board/enter/{secret}", self.board_enter),
            Route("/health", self.health),
            Route("/static/style.css", self.stylesheet),
            Route("/static/live.js", self.script),
        ]
        guard = Middleware(Guard, self.limits.largest, self.address)
        handlers = {
            Refused: self.refused,
            HTTPException: self.http_error,
            GradingFailed: self.busy,
            OSError: self.busy,
        }
        return Starlette(
            routes=routes, middleware=[guard], exception_handlers=handlers, lifespan=self.lifespan
        )

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with create_task_group() as group:
            group.start_soon(self.keeper.keep)
            group.start_soon(self.follow_class)
            yield
            group.cancel_scope.cancel()

    async def follow_class(self) -> None:
        """Whoever is added to the class has a link soon after."""
        while True:
            await sleep(LOOK)
            _ = self.people.names

    # --- who is it -------------------------------------------------------------------------------------

    def who(self, request: Request) -> str:
        """The learner of this browser, "" for nobody; one who left the class is nobody."""
        learner = self.secrets.whose_session(request.cookies.get(LEARNER, ""))
        return learner if learner and self.people.find(learner) == learner else ""

    def words(self, request: Request) -> dict[str, str]:
        """What every page of a learner is given."""
        learner = self.who(request)
        return {"me": learner, "token": self.secrets.token(learner)}

    async def form(self, request: Request) -> dict[str, Any]:
        """What was sent, when it comes from a page of ours and is not too large."""
        if request.scope["refused"]:
            raise HTTPException(request.scope["refused"])
        form = await request.form(max_files=1, max_fields=8, max_part_size=8192)
        return {name: value for name, value in form.multi_items()}

    def known(self, name: str, code: str) -> str:
        """The learner of a name and a code. Raises Refused."""
        learner = self.people.find(name) or ""
        if self.tries.too_many(learner):
            raise Refused("Too many wrong codes. Wait ten minutes, or use your personal link.", 429)
        if not learner or not self.secrets.is_code(learner, code):
            self.tries.note(learner)
            raise Refused(
                "This name and this code do not belong together. Both are on your teacher's list.", 403
            )
        return learner

    def remember(self, answer: Response, cookie: str, who: str) -> Response:
        secure = self.address.startswith("https://")
        answer.set_cookie(
            cookie, self.secrets.session(who), max_age=SESSION, httponly=True, samesite="lax", secure=secure
        )
        return answer

    async def enter(self, request: Request) -> Response:
        form = await self.form(request)
        learner = self.known(text(form, "name"), text(form, "code"))
        return self.remember(RedirectResponse("/", 303), LEARNER, learner)

    async def personal(self, request: Request) -> Response:
        """A personal link asks first: a link that somebody else sent must not change who one is."""
        learner = self.secrets.whose_link(request.path_params["token"])
        if learner is None or self.people.find(learner) != learner:
            raise Refused("This link is not valid any more. Ask your teacher for a new one.", 404)
        if request.method == "POST":
            await self.form(request)
            return self.remember(RedirectResponse("/", 303), LEARNER, learner)
        return HTMLResponse(self.pages.page("personal", learner=learner))

    async def leave(self, request: Request) -> Response:
        await self.form(request)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(LEARNER)
        return answer

    # --- handing in ------------------------------------------------------------------------------------

    async def home(self, request: Request, refused: Refused | None = None) -> Response:
        words = self.words(request)
        mine = await run_sync(self.uploads.of, words["me"]) if words["me"] else []
        page = self.pages.page(
            "home" if words["me"] else "enter",
            **words,
            why=refused.why if refused else "",
            mine=mine,
            newest={one.chapter: one for one in reversed(mine) if one.ended},
            chapters=self.chapters,
            largest=self.limits.largest,
        )
        return HTMLResponse(page, refused.status if refused else 200)

    async def hand_in(self, request: Request) -> Response:
        """Take a notebook: with the form of the page, or from any client with a name and a code."""
        form, learner = await self.form(request), self.who(request)
        file = form.get("notebook")
        if "code" in form:
            learner = self.known(text(form, "name"), text(form, "code"))
        elif not learner:
            raise Refused("Say who you are first: your name and your code.", 401)
        elif not self.secrets.is_token(learner, text(form, "token")):
            raise HTTPException(403)
        if not isinstance(file, UploadFile) or not file.size:
            raise Refused("Choose your notebook first, the .ipynb file.")
        content = await file.read()
        await file.close()
        number = await run_sync(self.take, learner, file.filename or "", content)
        self.keeper.wake()
        self.news.tell()
        answer = RedirectResponse(f"/uploads/{number}", 303)
        return self.remember(answer, LEARNER, learner) if "code" in form else answer

    def take(self, learner: str, name: str, content: bytes) -> int:
        """Keep a notebook that can be graded; returns its number. Raises Refused."""
        if len(content) > self.limits.largest * 2**20:
            raise HTTPException(413)
        chapter = self.chapter_of(name, content)
        mine = self.uploads.of(learner)
        if sum(one.ended is None for one in mine) >= self.limits.waiting:
            raise Refused(
                f"{self.limits.waiting} of your notebooks wait already. Hand in again when one is graded.",
                429,
            )
        full = len(mine) >= self.limits.hourly and mine[self.limits.hourly - 1]
        if full and (left := full.handed_in + 3600 - time()) > 0:
            raise Refused(
                f"You have handed in {self.limits.hourly} times in an hour. The next time: in {span(left)}.",
                429,
            )
        return self.uploads.accept(learner, chapter, content)

    def chapter_of(self, name: str, content: bytes) -> str:
        """Which chapter it is, by its cells. Raises Refused for what cannot be graded."""
        try:
            notebook = notebook_of_taken({"content": content.decode("latin-1")})
        except Unreadable as error:
            why = str(error).split(": ask")[0]
            raise Refused(
                f"This file cannot be graded: {why}. In Colab choose File, Download, Download .ipynb; in "
                "Jupyter save the notebook, then choose its .ipynb file here."
            ) from None
        chapter = self.shelf.chapter_of(notebook, chapter_named(name, list(self.shelf.released)))
        if chapter is None:
            raise Refused(
                "None of the course's exercises is in this notebook. Did you choose the right file?"
            )
        if chapter not in self.chapters:
            raise Refused(f"This is {chapter}. Here one hands in {' or '.join(self.chapters)}.")
        return chapter

    # --- reading ---------------------------------------------------------------------------------------

    async def own(self, request: Request) -> Upload:
        """The upload of an address, if it is this learner's; nobody learns whether others are there."""
        one = await run_sync(self.uploads.one, request.path_params["number"])
        if one is None or one.learner != self.who(request):
            raise HTTPException(404)
        return one

    async def upload(self, request: Request) -> Response:
        """An upload's page: how long it waits, then the feedback."""
        if not self.who(request):
            return RedirectResponse("/", 303)
        one, words = await self.own(request), self.words(request)
        if one.ended is None:
            part = await self.waiting_part(one.id)
            return HTMLResponse(self.pages.page("waiting", one=one, part=part, **words))
        work = await run_sync(self.uploads.work, one.id)
        newest = await run_sync(self.newest_of, one)
        return HTMLResponse(self.pages.feedback(work, self.root, one=one, newest=newest, **words))

    def newest_of(self, one: Upload) -> Upload:
        return next(
            each for each in self.uploads.of(one.learner) if each.chapter == one.chapter and each.ended
        )

    async def wait(self, request: Request) -> Response:
        one = await self.own(request)
        return stream(self.news, lambda: self.waiting_part(one.id))

    async def current_queue(self) -> tuple[list[Upload], list[float]]:
        """What waits, and how long the last ones took: read once for all pages that wait."""
        async with self.turn:
            if self.queue[0] != self.news.number:
                number = self.news.number
                self.queue = number, await run_sync(self.uploads.waiting), await run_sync(self.uploads.paces)
        return self.queue[1:]

    async def waiting_part(self, number: int) -> str:
        """Where an upload stands in the queue; "" when it is graded."""
        waits, paces = await self.current_queue()
        place = next((place for place, one in enumerate(waits) if one.id == number), None)
        if place is None:
            return ""
        wait = wait_for(place + 1, paces, self.workers)
        return self.pages.page(
            "waiting_part", one=waits[place], before=place, wait=wait, state=self.keeper.state
        )

    async def notebook(self, request: Request) -> Response:
        """The whole notebook as it was graded: nbgrader's page, of the last upload of a chapter."""
        one = await self.own(request)
        path = self.root / "feedback" / safe(one.learner) / one.chapter / f"{one.chapter}.html"
        if one.ended is None or not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, headers={"Content-Security-Policy": NOTEBOOK})

    # --- the teacher -----------------------------------------------------------------------------------

    async def board_enter(self, request: Request) -> Response:
        if not self.secrets.is_board(request.path_params["secret"]):
            raise HTTPException(404)
        return self.remember(RedirectResponse("/board", 303), TEACHER, "")

    def require_teacher(self, request: Request) -> bool:
        """Whether names are shown. Raises 404 for who has not come by the board's own address."""
        if self.secrets.whose_session(request.cookies.get(TEACHER, "")) != "":
            raise HTTPException(404)
        return request.query_params.get("names") != "no"

    async def board(self, request: Request) -> Response:
        named = self.require_teacher(request)
        part = await run_sync(self.board_part, named)
        return HTMLResponse(self.pages.page("board", part=part, named=named, teacher=True))

    async def board_live(self, request: Request) -> Response:
        named = self.require_teacher(request)
        return stream(self.news, lambda: run_sync(self.board_part, named))

    def board_part(self, named: bool) -> str:
        """Made once for all who watch it, and anew with each news or quarter of a minute."""
        moment = self.news.number, int(time() / 15)
        made, part = self.boards.get(named, (None, ""))
        if made != moment:
            board = board_of(self.uploads, self.people.names, named, self.keeper.state, self.workers)
            part = self.pages.page("board_part", board=board)
            self.boards[named] = moment, part
        return part

    # --- the rest --------------------------------------------------------------------------------------

    async def health(self, request: Request) -> Response:
        """One line for a monitor: 200 while all is well, 503 when nothing is graded or kept."""
        counts, waits = await run_sync(self.uploads.counts), await run_sync(self.uploads.waiting)
        oldest = f", the oldest for {span(time() - waits[0].handed_in)}" if waits else ""
        said = ", ".join(f"{count} {what}" for what, count in counts.items())
        well = self.keeper.state in ("ready", "starting")
        line = f"{'ok' if well else 'grading stands still'}: grader {self.keeper.state}; {said}{oldest}\n"
        return PlainTextResponse(line, 200 if well else 503)

    async def stylesheet(self, request: Request) -> Response:
        return Response(self.style, media_type="text/css")

    async def script(self, request: Request) -> Response:
        return FileResponse(HERE / "static" / "live.js", media_type="text/javascript")

    async def refused(self, request: Request, error: Refused) -> Response:
        return await self.home(request, error)

    async def http_error(self, request: Request, error: HTTPException) -> Response:
        why = {
            403: "This form did not come from a page of this server. Load the page anew, and try again.",
            404: "There is nothing here, or it is not yours.",
            413: f"The file is larger than {self.limits.largest} MB. Clear the notebook's outputs, save it, "
            "and hand it in again: they are made anew when it is graded.",
        }.get(error.status_code, error.detail)
        if error.status_code == 413:
            return await self.home(request, Refused(why, 413))
        return HTMLResponse(self.pages.page("note", why=why, **self.words(request)), error.status_code)

    async def busy(self, request: Request, error: Exception) -> Response:
        """The disk or the gradebook takes no more: nothing was accepted."""
        print(f"patchbook serve: {error}", file=sys.stderr)
        why = "Your notebook could not be kept just now. Try again in a minute, and tell your teacher."
        return HTMLResponse(self.pages.page("note", why=why, **self.words(request)), 503)


def text(form: dict[str, Any], name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
