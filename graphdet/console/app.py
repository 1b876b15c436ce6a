"""Addresses → screens. Each screen is a function of the desk and the request that gives a template its values; here they are put in order.

Everything that asks comes through the guard; everything but the log-in needs a session; every change needs the session's own token and
somebody who may decide.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from graphdet.console.account_file import ANALYST, Account, fits
from graphdet.console.asked import Answer, Asked
from graphdet.console.assets import static_answer
from graphdet.console.desk import Desk
from graphdet.console.guard import Guard, Place, TooLarge
from graphdet.console.pages import Pages
from graphdet.console.routes import SCREENS, Screen
from graphdet.console.who_is_there import Session, Sessions, Tries
from graphdet.errors import ConsoleError, GraphdetError, NotARun, UnknownCase, UnknownRing
from graphdet.schema.wording import LANGUAGES, Language
from graphdet.words.console import CONSOLE_WORDS

MOST_FIELDS = 50
HASHED_AT_ONCE = 2  # passwords; each takes 32 MB and a core meanwhile
Endpoint = Callable[[Request], Awaitable[Response]]


class Console:
    """The application, and what it holds while it runs."""

    def __init__(self, desk: Desk, place: Place, accounts: Callable[[], Mapping[str, Account]] | None, told: Callable[[str], None]) -> None:
        """
        Args:
            accounts: tells who may log in now; None: whoever has the link, on this machine alone.
            told: is told each new link.
        """
        self.desk, self.place, self.accounts, self._told = desk, place, accounts, told
        self.sessions, self.tries, self.pages = Sessions(), Tries(), Pages()
        self._hashing = asyncio.Semaphore(HASHED_AT_ONCE)
        routes = [
            Route("/static/{digest}/{name}", static_answer, methods=["GET"]),
            Route("/log-in", self._log_in, methods=["GET", "POST"]),
            Route("/log-out", self._log_out, methods=["POST"]),
            Route("/prefer", self._prefer, methods=["POST"]),
        ]
        routes += [Route(one.path, self._screen(one), methods=[one.method]) for one in SCREENS]
        failures: dict[Any, Any] = {HTTPException: self._failure, GraphdetError: self._failure, TooLarge: self._failure}
        self.app = Guard(Starlette(routes=routes, exception_handlers=failures), place)

    def link(self) -> str:
        """What opens the console without a password, once; with accounts, where to log in."""
        where = f"{self.place.scheme}://{sorted(self.place.hosts)[0]}/"
        return where if self.accounts is not None else f"{where}log-in?token={self.sessions.link}"

    def _session(self, request: Request, *, by_itself: bool = False) -> Session | None:
        cookie = request.cookies.get(self.place.cookie, "")
        session = self.sessions.of(cookie, by_itself=by_itself)
        if session is None or self.accounts is None:
            return session
        try:
            account = self.accounts().get(session.name)
        except ConsoleError:  # the file is damaged: whoever logs in is told
            return None
        if account is None or account.digest != session.proof:  # removed, or another password since
            self.sessions.end(cookie)
            return None
        session.role = account.role
        return session

    def _screen(self, screen: Screen) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            session = self._session(request, by_itself=screen.by_itself)
            if session is None:
                return self._to_log_in(request)
            form: dict[str, str] = {}
            if screen.method == "POST":
                session, form = await self._own_form(request)
            if screen.change and not session.decides:
                raise HTTPException(HTTPStatus.FORBIDDEN, "readers_look")
            asked = Asked(session, dict(request.path_params), dict(request.query_params), form)
            return await run_in_threadpool(lambda: self._answered(request, session, screen.ask(self.desk, asked)))

        return endpoint

    def _answered(self, request: Request, session: Session, answer: Answer) -> Response:
        if answer.file is not None:
            name, kind, data = answer.file
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(data, media_type=kind, headers=headers)
        if answer.go and not (answer.part and "hx-request" in request.headers):
            return RedirectResponse(answer.go, HTTPStatus.SEE_OTHER)
        return self.pages.answer(answer.template, session, str(request.url.path), answer.values)

    def _to_log_in(self, request: Request) -> Response:
        if "hx-request" in request.headers:  # a part of a page that is still open
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": "/log-in"})
        return RedirectResponse("/log-in", HTTPStatus.SEE_OTHER)

    async def _log_in(self, request: Request) -> Response:
        language = _language(request)
        token = request.query_params.get("token", "")
        if request.method == "GET" and self.accounts is None and token and self.sessions.follow(token):
            self._told(self.link())
            return self._begun(request, self.desk.author, ANALYST, language)
        wrong, wait = "", 0.0
        if request.method == "POST" and self.accounts is not None:
            form = await _form(request)
            name = form.get("name", "")[:64]
            whose = [f"name {name}", *(f"address {one}" for one in self._address(request))]
            wait = self.tries.begin(*whose)
            wrong = "log_in_wait" if wait > 0 else "log_in_wrong"
            if not wait > 0:
                account = self.accounts().get(name)
                async with self._hashing:
                    is_theirs = await run_in_threadpool(fits, account, form.get("password", ""))
                if is_theirs and account is not None:
                    self.tries.right(*whose)
                    return self._begun(request, account.name, account.role, language, account.digest)
        status = HTTPStatus.TOO_MANY_REQUESTS if wait > 0 else HTTPStatus.FORBIDDEN if wrong or token else HTTPStatus.OK
        values = {"by_link": self.accounts is None, "wrong": wrong, "used": bool(token), "wait": int(wait) + 1}
        return self.pages.answer("log_in.html", Session("", "", language), "/log-in", values, status=status)

    def _address(self, request: Request) -> list[str]:
        """Where a request comes from, as far as that is known: behind a web server, what it wrote down last; all else anybody can write."""
        if self.place.proxied:
            told = ",".join(request.headers.getlist("x-forwarded-for"))
            return [last] if (last := told.rpartition(",")[2].strip()[:64]) else []
        return [request.client.host] if request.client else []

    def _begun(self, request: Request, name: str, role: str, language: Language, proof: str = "") -> Response:
        """Logged in: a new session in place of the one that this browser may have had."""
        self.sessions.end(request.cookies.get(self.place.cookie, ""))
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        secure = self.place.scheme == "https"
        cookie = self.sessions.begin(name, role, language, proof)
        answer.set_cookie(self.place.cookie, cookie, httponly=True, samesite="strict", secure=secure)
        return answer

    async def _log_out(self, request: Request) -> Response:
        await self._own_form(request)
        self.sessions.end(request.cookies.get(self.place.cookie, ""))
        answer = RedirectResponse("/log-in", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(self.place.cookie)
        return answer

    async def _prefer(self, request: Request) -> Response:
        """Language and light, of this session; anybody may choose theirs."""
        session, form = await self._own_form(request)
        for language in LANGUAGES:
            if form.get("language") == language:
                session.language = language
        if form.get("theme") in ("light", "dark"):
            session.theme = form["theme"]
        back = form.get("back", "/")
        return RedirectResponse(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", HTTPStatus.SEE_OTHER)

    async def _own_form(self, request: Request) -> tuple[Session, dict[str, str]]:
        session, form = self._session(request), await _form(request)
        if session is None:
            raise HTTPException(HTTPStatus.UNAUTHORIZED)
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise HTTPException(HTTPStatus.FORBIDDEN)
        return session, form

    async def _failure(self, request: Request, error: Exception) -> Response:
        """What went wrong, as a page for whoever is logged in, and as a bare line for anybody else."""
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        told = str(error) if isinstance(error, GraphdetError) else ""
        if isinstance(error, HTTPException):
            status = HTTPStatus(error.status_code)
            told = error.detail if error.detail != status.phrase else ""
        elif isinstance(error, TooLarge):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        elif isinstance(error, (NotARun, UnknownRing)) or (isinstance(error, UnknownCase) and request.method == "GET"):
            status = HTTPStatus.NOT_FOUND
        session = self._session(request)
        if session is None:
            is_over = status == HTTPStatus.UNAUTHORIZED
            return self._to_log_in(request) if is_over else PlainTextResponse(f"{status.value} {status.phrase}\n", status)
        usual = f"status_{status.value}"
        why = told if told in CONSOLE_WORDS else usual if usual in CONSOLE_WORDS else "status_400"
        values = {"why": why, "told": "" if told == why else told, "status": status.value}
        return self.pages.answer("failure.html", session, str(request.url.path), values, status=status)


async def _form(request: Request) -> dict[str, str]:
    """A form's fields; of those that come twice the last counts."""
    try:
        text = (await request.body()).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS, errors="strict"))
    except (ValueError, ClientDisconnect):  # who broke off hears nothing of it
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None


def _language(request: Request) -> Language:
    """What the browser says that its user reads."""
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
