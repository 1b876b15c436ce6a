"""The console as others meet it: what is refused, who may do what, and that words said there are in the casebook."""

from __future__ import annotations

import contextlib
import csv
import html
import http.client
import io
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow as pa
import pytest
import uvicorn
from alert_parts import NOW, alert_settings, by_name, line
from browser import QUIET, find_chromium
from case_runs import MadeRing, made_run
from dossier_runs import LoggedRun, market_run
from test_report import keep
from test_words import CHINESE

from graphdet.alerts.outbox import list_deliveries, mark, open_outbox
from graphdet.alerts.telling import tell
from graphdet.cases import entries, rows
from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.console import account_file as accounts_file
from graphdet.console import case_standing, punctual, shelf, workbench
from graphdet.console import who_is_there as sessions
from graphdet.console.account_file import ANALYST, READER, Account, AccountsOf, fits, load_accounts, new_account, save_accounts
from graphdet.console.app import MOST_FIELDS, Console
from graphdet.console.desk import Desk
from graphdet.console.guard import FORM, HEADERS, MOST_BODY, MOST_TARGET
from graphdet.console.lists_screen import MOST_REASONS
from graphdet.console.prepared import TOLD, Told
from graphdet.console.routes import SCREENS
from graphdet.console.serving import Listening, _listen, place_of
from graphdet.console.shelf import MOST_IDS
from graphdet.console.who_is_there import OLDEST, RESTED, Sessions, Tries
from graphdet.console.workbench import ENDED, Workbench
from graphdet.dossier.building import build_dossier
from graphdet.errors import AlertError, ConsoleError, NotARun
from graphdet.lineage import carrying as lineage
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.run.log_clock import LogClock
from graphdet.schema import RUN_TABLES, VERDICTS
from graphdet.schema.run_tables import USER_ROLES
from graphdet.schema.wording import LANGUAGES, filled
from graphdet.watch.state import FILE
from graphdet.week import judged_rings
from graphdet.week.hand_over import account_rows, still_to_act_on
from graphdet.week.queueing import make_queue, rank_waiting
from graphdet.words.casework import entry_in_words
from graphdet.words.console import CONSOLE_WORDS
from graphdet.words.interface import WORDS
from graphdet.words.reason_names import reason_name
from graphdet.words.reasons import CATALOGUE

PASSWORD = "correct horse battery"  # noqa: S105
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return market_run(tmp_path_factory.mktemp("console"), seed=3)


@pytest.fixture
def home(logged: LoggedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose casebook has taken one run in; what is prepared of it is waited for, however busy the machine is."""
    monkeypatch.setattr(workbench, "WAITED", 60.0)
    with Casebook(tmp_path / "home", "ana") as book:
        book.take_in(logged.run, folder=logged.folder / "run")
    return tmp_path / "home"


@dataclass
class Served:
    """A console that serves, and the links that it told."""

    console: Console
    port: int
    links: list[str] = field(default_factory=list)

    @property
    def cookie(self) -> str:
        return self.console.place.cookie

    def ask(
        self, path: str, form: Mapping[str, str] | None = None, cookie: str = "", headers: Mapping[str, str] | None = None, method: str = ""
    ) -> Answered:
        """One request as a browser on our own page would make it, but for the headers given."""
        own: dict[str, str] = {"Cookie": f"{self.cookie}={cookie}"} if cookie else {}
        body = None
        if form is not None:
            body = urlencode(self.seen(path) | dict(form))
            own |= {"Content-Type": FORM, "Origin": f"http://127.0.0.1:{self.port}"}
        own |= headers or {}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            connection.request(method or ("GET" if form is None else "POST"), path, body, own)
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read().decode())

    def seen(self, path: str) -> dict[str, str]:
        """What the form of a case holds besides: the ring that was seen."""
        found = re.fullmatch("/case/(C-[0-9]+)/(quick|accept)", path)
        if found is None:
            return {}
        with Casebook(self.console.desk.home, "ana") as book:
            return {"ring": book.case(found[1]).ring_id}

    def log_in(self, name: str = "", password: str = PASSWORD) -> tuple[str, str]:
        """A new session: its cookie, and its token for changes."""
        if name:
            answer = self.ask("/log-in", {"name": name, "password": password})
        else:
            answer = self.ask("/log-in?token=" + self.console.sessions.link)
        assert answer.status == 303, answer.text
        cookie = re.search(rf"{self.cookie}=([^;]+)", answer.headers["set-cookie"])
        assert cookie is not None
        session = self.console.sessions.of(cookie[1])
        assert session is not None
        return cookie[1], session.csrf


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    text: str


@contextlib.contextmanager
def serving(home: Path, accounts: dict[str, Account] | None = None, watch: Path | None = None) -> Iterator[Served]:
    own = Desk(home, "ana", watch)
    links: list[str] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        place, known = place_of(Listening(), port, with_accounts=False), None if accounts is None else lambda: accounts
        console = Console(own, place, known, links.append)
        plain: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "proxy_headers": False}
        config = uvicorn.Config(console.app, http=punctual.Punctual, ws="none", **plain)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Served(console, port, links)
        server.should_exit = True
        thread.join(30)
    own.close()


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    with serving(home) as found:
        yield found


@pytest.fixture(scope="module")
def people() -> dict[str, Account]:
    return {
        "ana": new_account("ana", ANALYST, PASSWORD),
        "bo": new_account("bo", ANALYST, PASSWORD),
        "rea": new_account("rea", READER, PASSWORD),
    }


# What is refused.


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "evil.example@127.0.0.1:{port}", ""]
)
def test_a_name_that_others_can_give_away_is_refused(served: Served, host: str) -> None:
    cookie, _ = served.log_in()
    assert served.ask("/", cookie=cookie, headers={"Host": host.format(port=served.port)}).status == 421
    for ours in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert served.ask("/", cookie=cookie, headers={"Host": f"{ours}:{served.port}"}).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Length": str(MOST_BODY + 1)}, 413),
        ({"Content-Length": "-1"}, 413),
    ],
)
def test_changes_come_from_our_own_pages_as_small_forms(served: Served, home: Path, headers: dict[str, str], status: int) -> None:
    cookie, csrf = served.log_in()
    told = {name: value.format(port=served.port) for name, value in headers.items()}
    answer = served.ask("/case/C-0001/quick", {"csrf": csrf, "word": "confirmed"}, cookie, told)
    assert answer.status in (status, 400)  # a length that is none is not even read
    with Casebook(home, "ana") as book:
        assert book.case("C-0001").verdict == ""


def test_a_form_without_origin_or_token_changes_nothing(served: Served, home: Path) -> None:
    cookie, csrf = served.log_in()
    bare = urlencode({"csrf": csrf, "word": "confirmed"})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)) as connection:
        connection.request("POST", "/case/C-0001/quick", bare, {"Cookie": f"{served.cookie}={cookie}", "Content-Type": FORM})
        assert connection.getresponse().status == 403
    for wrong in ("", "x", csrf[:-1], served.log_in()[1]):
        assert served.ask("/case/C-0001/quick", {"csrf": wrong, "word": "confirmed"}, cookie).status == 403
    assert served.ask("/case/C-0001/quick", {"word": "confirmed"}, cookie).status == 403
    with Casebook(home, "ana") as book:
        assert book.case("C-0001").verdict == ""


def writing_paths(served: Served) -> list[str]:
    """Each address that takes a form, as the application itself routes requests; of cases one."""
    routes = [route for route in served.console.app._app.routes if "POST" in route.methods]
    assert len(routes) >= sum(screen.method == "POST" for screen in SCREENS) + 3  # and logging in, logging out, and what is preferred
    return sorted({route.path.format(**dict.fromkeys(route.param_convertors, "C-0001")) for route in routes})


def good_form(csrf: str, ring: str) -> dict[str, str]:
    """What any of them would take from somebody who may decide."""
    return {
        "csrf": csrf, "ring": ring, "word": "confirmed", "verdict": "confirmed", "owner": "bo", "next_step": "ask", "note": "x", "ids": "x",
        "reason": "our office", "days": "9", "type": "ip", "id": "203.0.113.7", "language": "zh", "theme": "dark", "back": "/week",
    }  # fmt: skip


def all_said(home: Path) -> list[tuple[str, str]]:
    with Casebook(home, "ana") as book:
        return [(entry.kind, entry.case) for entry in book.history()]


def test_no_address_that_takes_a_form_takes_one_that_is_forged(home: Path, people: dict[str, Account]) -> None:
    """Every route is tried, those that somebody adds tomorrow, too: nothing is changed, nobody is logged in or out."""
    with Casebook(home, "ana") as book:
        ring = book.case("C-0001").ring_id
    with serving(home, people) as served:
        here = f"127.0.0.1:{served.port}"
        (cookie, csrf), (_, of_another) = served.log_in("ana"), served.log_in("bo")
        good, before = good_form(csrf, ring), all_said(home)
        refused: list[tuple[dict[str, str], int]] = [
            ({"Host": "evil.example"}, 421), ({"Host": f"localhost.evil.example:{served.port}"}, 421), ({"Origin": ""}, 403),
            ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": f"https://{here}"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Content-Type": "application/json"}, 415), ({"Content-Type": ""}, 415),
            ({"Content-Type": "text/plain"}, 415), ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
            ({"Content-Length": str(MOST_BODY + 1)}, 413),
        ]  # fmt: skip
        for path in writing_paths(served):
            for headers, status in refused:
                assert served.ask(path, good, cookie, headers).status == status, (path, headers)
            for method in ("PUT", "DELETE", "PATCH"):
                assert served.ask(path, good, cookie, method=method).status == 405, (path, method)
            if path != "/log-in":  # nobody has a token before
                for token in ("", csrf[:-1], of_another):
                    assert served.ask(path, {**good, "csrf": token}, cookie).status == 403, (path, token)
                for chosen in ("", "chosen-by-another", cookie[:-1]):
                    answer = served.ask(path, good, chosen)
                    assert (answer.status, answer.headers.get("location"), answer.text) == (303, "/log-in", ""), (path, chosen)
                    assert "set-cookie" not in answer.headers, path
            assert served.ask(path, {**good, "note": "x" * MOST_BODY}, cookie).status == 413, path
            assert served.ask(path, {**good, **{f"field{number}": "" for number in range(MOST_FIELDS)}}, cookie).status == 400, path
        assert all_said(home) == before
        session = served.console.sessions.of(cookie)
        assert session is not None
        assert (session.language, session.theme) == ("en", "")
        changed = {path for path in writing_paths(served) if served.ask(path, good, cookie).status in (200, 303, 503)}
        assert {"/log-out", "/case/C-0001/decide", "/case/C-0001/quick", "/lists/discount"} <= changed, "the same form, unforged, is taken"


def test_no_address_that_takes_a_form_follows_a_path(served: Served, home: Path, tmp_path: Path) -> None:
    """Names that climb out of a folder, in the address as in each field."""
    (tmp_path / "secret").write_text("a-secret-of-this-machine")
    fields = [*good_form("", "").keys() - {"owner", "next_step", "note"}, "name", "password"]  # those three are any text

    def files() -> list[Path]:
        own = [path for path in tmp_path.rglob("*") if "console" not in path.parts]
        return sorted(path for path in own if not path.name.startswith("casebook.db"))

    before = (all_said(home), files())
    for path in writing_paths(served):
        for climbing in ("../../secret", "..%2f..%2fsecret", str(tmp_path / "secret"), "C-0001\0", "C-0001/../../secret"):
            cookie, csrf = served.log_in()
            for there in {path, path.replace("C-0001", quote(climbing, safe="%"))}:
                answer = served.ask(there, {**dict.fromkeys(fields, climbing), "csrf": csrf}, cookie)
                assert answer.status < 500 or answer.status == 503, (there, climbing)  # 503: it is being prepared
                assert "a-secret-of-this-machine" not in answer.text
                assert re.match(r"/(?![/\\])", answer.headers.get("location", "/")), (there, climbing)
    assert (all_said(home), files()) == before


def test_whoever_logs_in_has_a_session_that_nobody_knew_before(home: Path, people: dict[str, Account]) -> None:
    """A cookie that another page planted, or that another person left in the browser, is none afterwards."""
    with serving(home, people) as served:
        left, _ = served.log_in("ana")
        for known in (left, "chosen-by-another"):
            answer = served.ask("/log-in", {"name": "bo", "password": PASSWORD}, known)
            assert answer.status == 303
            assert known not in answer.headers["set-cookie"]
            assert served.ask("/", cookie=known).headers["location"] == "/log-in"


def test_answers_are_sent_at_once() -> None:
    """The event loop asks for that where a socket's protocol is named, and only there."""
    with _listen(Listening(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_body_without_end_is_cut_off(served: Served) -> None:
    cookie, _ = served.log_in()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        here = f"127.0.0.1:{served.port}"
        head = f"POST /find HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}\r\nCookie: {served.cookie}={cookie}\r\n"
        line.sendall(f"{head}Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
        with contextlib.suppress(OSError):
            for _ in range(MOST_BODY // 0x8000 + 2):
                line.sendall(piece)
        assert line.recv(12).endswith(b"413")


def test_where_a_body_ends_is_told_in_one_way(served: Served) -> None:
    """A web server in front may go by the length, and hand on what follows as another's request."""
    here = f"127.0.0.1:{served.port}"
    head = f"POST /log-in HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}\r\nContent-Type: {FORM}\r\n"
    hidden = f"GET /log-in HTTP/1.1\r\nHost: {here}\r\n\r\n"
    for both in ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 0"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
            line.sendall(f"{head}{both}\r\n\r\n0\r\n\r\n{hidden}".encode())
            told = b"".join(iter(lambda: line.recv(65536), b""))
        assert told.startswith(b"HTTP/1.1 400 ")
        assert told.count(b"HTTP/1.1 ") == 1


def test_who_breaks_off_is_nothing_to_tell_the_terminal(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    (cookie, _), here = served.log_in(), f"127.0.0.1:{served.port}"
    head = f"POST /find HTTP/1.1\r\nHost: {here}\r\nOrigin: http://{here}\r\nCookie: {served.cookie}={cookie}\r\n"
    for rest in ("Content-Length: 90\r\n\r\na=b", "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
        for half in (False, True):
            with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
                line.sendall(f"{head}Content-Type: {FORM}\r\n{rest}".encode())
                if half:
                    line.shutdown(socket.SHUT_WR)
                    assert line.recv(65536)[:13] in (b"", b"HTTP/1.1 400 ")
    assert served.ask("/log-in").status == 200
    assert [record.message for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    assert served.ask("/", method=method).status in (400, 405)


@pytest.mark.parametrize(
    "path",
    [
        "/static/0/page.css", "/static/../accounts.json", "/static/x/..%2f..%2fapp.py", "/static/%00/page.css", "/%2e%2e/etc/passwd",
        "/case/..%2f..%2fhome", "/case/C-9999", "/case/%F0%9F%92%A9", "/nowhere", "//evil.example", "/about?type=user&id=",
        "/about?type=nothing&id=x", "/about?type=user&id=" + "x" * 2000, "/week?days=0", "/week?days=1e3", "/week?days=" + "9" * 500,
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_a_line(served: Served, path: str) -> None:
    cookie, _ = served.log_in()
    answer = served.ask(path, cookie=cookie)
    assert answer.status in (303, 400, 404, 422), answer.status
    assert "Traceback" not in answer.text
    if answer.status == 303:
        assert answer.headers["location"] == "/log-in"


def test_an_address_without_end_is_refused(served: Served) -> None:
    assert served.ask("/about?type=user&id=" + "x" * MOST_TARGET).status == 414


def test_every_answer_says_the_same_to_browsers(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, _ = served.log_in()
    for answer in (served.ask("/", cookie=cookie), served.ask("/"), served.ask("/nowhere"), served.ask("/", headers={"Host": "x"})):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"

    def broken(*_: object) -> None:
        raise RuntimeError("secret-id-of-a-user")

    monkeypatch.setattr(Desk, "latest", broken)
    answer = served.ask("/", cookie=cookie)
    assert answer.status == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_nobody_sees_anything_without_a_session(served: Served) -> None:
    for screen in SCREENS:
        path = screen.path.replace("{name}", "C-0001")
        answer = served.ask(path, {"csrf": "x"} if screen.method == "POST" else None, cookie="x" * 43)
        assert answer.status == 303, path
        assert answer.headers["location"] == "/log-in"
        assert answer.text == ""


# Who is there.


def test_a_link_opens_once_and_gives_a_cookie_that_only_we_can_use(served: Served) -> None:
    link = "/log-in?token=" + served.console.sessions.link
    first = served.ask(link, cookie="chosen-by-another")
    assert first.status == 303
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "chosen-by-another" not in cookie
    assert served.ask(link).status == 403
    assert served.ask("/log-in?token=wrong").status == 403
    assert len(served.links) == 1
    assert served.console.sessions.link in served.links[0]
    assert served.ask("/", cookie="chosen-by-another").status == 303


def test_logging_out_ends_the_session(served: Served) -> None:
    cookie, csrf = served.log_in()
    assert served.ask("/log-out", {"csrf": "wrong"}, cookie).status == 403
    assert served.ask("/", cookie=cookie).status == 200
    assert served.ask("/log-out", {"csrf": csrf}, cookie).status == 303
    assert served.ask("/", cookie=cookie).status == 303


def test_two_consoles_of_one_machine_do_not_log_each_other_out(served: Served, home: Path) -> None:
    """Browsers keep one jar of cookies for all ports of a host."""
    jar: dict[str, str] = {}
    with serving(home) as other:
        for console in (served, other):
            told = console.ask("/log-in?token=" + console.console.sessions.link).headers["set-cookie"]
            name, _, value = told.partition(";")[0].partition("=")
            jar[name] = value
        both = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        assert [console.ask("/", headers=both).status for console in (served, other)] == [200, 200]
    proxied = [place_of(Listening(proxy=f"https://rings.example.org{port}"), 1, with_accounts=True) for port in ("", ":8443")]
    assert len({place.cookie for place in proxied}) == 2


def test_sessions_end_by_rest_and_by_age() -> None:
    now = [0.0]
    found = Sessions(lambda: now[0])
    cookie = found.begin("ana", ANALYST, "en")
    now[0] = RESTED - 1
    assert found.of(cookie) is not None
    now[0] += RESTED + 1
    assert found.of(cookie) is None
    cookie = found.begin("ana", ANALYST, "en")
    for _ in range(int(OLDEST / (RESTED / 2)) + 2):
        now[0] += RESTED / 2
        last = found.of(cookie)
    assert last is None
    many = [found.begin("ana", ANALYST, "en") for _ in range(sessions.MOST_SESSIONS + 5)]
    assert sum(found.of(one) is not None for one in many) == sessions.MOST_SESSIONS


def test_wrong_passwords_make_whoever_tries_wait() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0])
    for _ in range(sessions.FREE_TRIES):
        assert tries.wait("ana", "10.0.0.1") <= 0
        tries.wrong("ana", "10.0.0.1")
    assert tries.wait("ana", "10.0.0.9") == sessions.FIRST_WAIT
    assert tries.wait("bo", "10.0.0.9") <= 0
    tries.wrong("ana")
    assert tries.wait("ana") == 2 * sessions.FIRST_WAIT
    for _ in range(40):
        tries.wrong("ana")
    assert tries.wait("ana") == sessions.LONGEST_WAIT
    tries.right("ana")
    assert tries.wait("ana") <= 0


def test_accounts_log_in_and_readers_only_look(home: Path, people: dict[str, Account]) -> None:
    with serving(home, people) as served:
        assert served.ask("/log-in?token=" + served.console.sessions.link).status == 403
        wrong = served.ask("/log-in", {"name": "ana", "password": "wrong"})
        nobody = served.ask("/log-in", {"name": "nobody", "password": PASSWORD})
        assert wrong.status == nobody.status == 403
        assert wrong.text == nobody.text
        cookie, csrf = served.log_in("rea")
        assert served.ask("/case/C-0001", cookie=cookie).status == 200
        for screen in SCREENS:
            if screen.change:
                path = screen.path.replace("{name}", "C-0001")
                assert served.ask(path, {"csrf": csrf, "word": "confirmed", "verdict": "confirmed"}, cookie).status == 403
        assert served.ask("/find", {"csrf": csrf, "ids": "x"}, cookie).status == 200
        with Casebook(home, "ana") as book:
            kinds = {entry.kind for entry in book.history() if entry.author == "rea"}
        assert kinds == {"viewed"}
        served.console.tries = sessions.Tries(lambda: 0.0)  # however long a password is hashed on a busy machine
        for _ in range(sessions.FREE_TRIES):
            served.ask("/log-in", {"name": "bo", "password": "wrong"})
        assert served.ask("/log-in", {"name": "bo", "password": PASSWORD}).status == 429


def test_those_who_guess_at_the_same_moment_get_no_more_tries(home: Path, people: dict[str, Account]) -> None:
    """Each try counts before its password is looked at, and only a few are looked at at once: each costs 32 MB."""
    found: list[int] = []
    with serving(home, people) as served:

        def guess() -> None:
            found.append(served.ask("/log-in", {"name": "ana", "password": "wrong"}).status)

        threads = [threading.Thread(target=guess) for _ in range(4 * sessions.FREE_TRIES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [403] * sessions.FREE_TRIES + [429] * (3 * sessions.FREE_TRIES)


def test_behind_a_web_server_one_who_guesses_does_not_lock_out_the_others(home: Path, people: dict[str, Account]) -> None:
    """All connections are the web server's there: who it is, it writes down last; what stands before, anybody can write."""
    with serving(home, people) as served:
        served.console.place = replace(served.console.place, proxied=True)

        def log_in(name: str, password: str, told: str) -> int:
            return served.ask("/log-in", {"name": name, "password": password}, headers={"X-Forwarded-For": told}).status

        for number in range(sessions.FREE_TRIES):
            assert log_in(f"nobody {number}", "wrong", f"10.0.0.{number}, 203.0.113.7") == 403
        assert log_in("ana", PASSWORD, "10.0.0.9, 203.0.113.7") == 429
        assert log_in("ana", PASSWORD, "203.0.113.7, 203.0.113.8") == 303
        assert served.ask("/log-in", {"name": "bo", "password": PASSWORD}).status == 303


def test_who_is_removed_is_out_at_once_and_so_is_an_old_password(home: Path, people: dict[str, Account]) -> None:
    save_accounts(home, people)
    with serving(home, people) as served:
        served.console.accounts = AccountsOf(home)
        cookies = {name: served.log_in(name)[0] for name in people}
        bo = new_account("bo", ANALYST, PASSWORD + "!")
        save_accounts(home, {"bo": bo, "rea": replace(people["rea"], role=ANALYST)})
        assert {name: served.ask("/", cookie=cookie).status for name, cookie in cookies.items()} == {"ana": 303, "bo": 303, "rea": 200}
        session = served.console.sessions.of(cookies["rea"])
        assert session is not None
        assert session.decides
        (home / accounts_file.FILE).write_text("{}")
        assert served.ask("/", cookie=cookies["rea"]).status == 303
        assert served.ask("/log-in", {"name": "rea", "password": PASSWORD}).status == 422


def test_who_sends_a_byte_now_and_then_keeps_nobodys_place(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(punctual, "REQUEST_SECONDS", 0.3)
    host, (cookie, _) = f"127.0.0.1:{served.port}", served.log_in()
    head = f"POST /find HTTP/1.1\r\nCookie: {served.cookie}={cookie}\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: 9\r\n"
    for begun in ("", "G", "GET / HTTP/1.1\r\nHost:", head, head + "\r\nname"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
            line.sendall(begun.encode())
            with contextlib.suppress(ConnectionError):
                assert line.recv(1) == b"", begun
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)) as connection:
        for _ in range(3):  # who asks in whole requests stays
            connection.request("GET", "/log-in")
            assert connection.getresponse().read()
            time.sleep(0.2)


def test_the_casebook_tells_who_saw_whom_and_who_took_a_list_with_them(home: Path, people: dict[str, Account], logged: LoggedRun) -> None:
    user = next(row["node_id"] for row in logged.run.members.to_pylist() if row["node_type"] == "user")
    with serving(home, people) as served:
        cookie, _ = served.log_in("rea")
        for _ in range(2):
            assert served.ask("/about?" + urlencode({"type": "user", "id": user}), cookie=cookie).status in (200, 503)
            assert served.ask("/lists/accounts.csv", cookie=cookie).status == 200
    with Casebook(home, "ana") as book:
        told = [(entry.author, entry.told["what"]) for entry in book.history() if entry.kind == "viewed"]
        assert told == [("rea", f"user {user}"), ("rea", "accounts.csv"), ("rea", "accounts.csv")]
        assert book.verify().faults == ()
    assert entry_in_words("viewed", {"what": "accounts.csv"}, "", "en") == "was looked at: accounts.csv"


def test_the_file_of_accounts_tells_no_password(tmp_path: Path, people: dict[str, Account]) -> None:
    save_accounts(tmp_path, people)
    path = tmp_path / accounts_file.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text()
    found = load_accounts(tmp_path)
    assert found == people
    assert fits(found["ana"], PASSWORD)
    assert not fits(found["ana"], PASSWORD + " ")
    assert not fits(None, PASSWORD)
    assert len({one.digest for one in people.values()}) == len(people)
    for text in ("", "[", "{}", '[{"name": "x"}]', "[" * 100_000, '[{"name": "a", "role": "king", "salt": "00", "digest": ""}]', "[1]"):
        path.write_text(text)
        with pytest.raises(ConsoleError, match="holds no accounts"):
            load_accounts(tmp_path)
    for name, role, password in (("a b", ANALYST, PASSWORD), ("", ANALYST, PASSWORD), ("a", "king", PASSWORD), ("a", READER, "short")):
        with pytest.raises(ConsoleError):
            new_account(name, role, password)


def test_what_would_be_unsafe_is_not_served(tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    for listening, accounts in [
        (Listening("0.0.0.0"), True),  # noqa: S104
        (Listening("192.0.2.1", certificate=pem, key=pem, name="rings.example.org"), False),
        (Listening(certificate=pem), True),
        (Listening(proxy="http://rings.example.org"), True),
        (Listening(proxy="https://rings.example.org/deep"), True),
        (Listening(proxy="https://user@rings.example.org"), True),
        (Listening(proxy="https://rings.example.org"), False),
        (Listening("192.0.2.1", certificate=pem, key=pem, name="a b"), True),
    ]:
        with pytest.raises(ConsoleError):
            place_of(listening, 8765, with_accounts=accounts)
    found = place_of(Listening("192.0.2.1", certificate=pem, key=pem, name="Rings.example.org"), 8765, with_accounts=True)
    assert (found.scheme, found.hosts) == ("https", {"rings.example.org:8765"})
    assert place_of(Listening(proxy="https://rings.example.org"), 1, with_accounts=True).origins == {"https://rings.example.org"}


# What is said there.


def test_words_said_in_the_console_are_in_the_casebook(served: Served, home: Path, logged: LoggedRun) -> None:
    cookie, csrf = served.log_in()
    with Casebook(home, "ana") as book:
        case = book.case("C-0001")
        member = book.users_of(case)[0]

    def say(path: str, **form: str) -> Answered:
        return served.ask(path, {"csrf": csrf, **form}, cookie)

    assert say("/case/C-0001/decide", ring=case.ring_id, verdict="confirmed", note="paid crew").status == 303
    assert say("/case/C-0001/decide", ring=case.ring_id, verdict="innocent", member=member).status == 303
    assert say("/case/C-0001/work", owner="bo", next_step="ask the shop", note="called").status == 303
    assert say("/case/C-0001/decide", ring="R-000000000000", verdict="unsure").status == 422
    assert say("/case/C-0001/decide", ring=case.ring_id, verdict="king").status == 422
    assert say("/case/C-0001/decide", ring=case.ring_id, verdict="innocent", member="nobody").status == 422
    with Casebook(home, "ana") as book:
        found = book.case("C-0001")
        assert (found.verdict, found.owner, found.next_step, found.notes) == ("confirmed", "bo", "ask the shop", 1)
        assert [(word.user_id, word.verdict) for word in book.member_words("C-0001")] == [(member, "innocent")]
        assert book.verify().faults == ()
    rows = list(csv.DictReader(io.StringIO(served.ask("/lists/accounts.csv", cookie=cookie).text.lstrip("\ufeff"))))
    with Casebook(home, "ana") as book:
        assert {row["user_id"] for row in rows} == set(book.users_of(found)) - {member}
        assert [list(row.values()) for row in rows] == [
            ["" if value is None else str(value) for value in row.values()] for row in still_to_act_on(account_rows(book), book.now)
        ]
        assert all(row["reasons"] and row["author"] == "ana" for row in rows)
    page = served.ask("/case/C-0001", cookie=cookie).text
    assert "paid crew" in page
    assert "ask the shop" in page
    assert say("/case/C-0001/undo").status == 303
    with Casebook(home, "ana") as book:
        assert book.case("C-0001").notes == 0


def test_the_queue_stands_in_the_order_of_cases_queue_and_learns_from_verdicts(served: Served, home: Path) -> None:
    cookie, csrf = served.log_in()

    def shown() -> list[str]:
        page = served.ask("/", cookie=cookie).text
        return re.findall(r'<tr id="row-(C-[0-9]+)"', page[: page.find("<details")])

    def ranked() -> list[str]:
        with Casebook(home, "ana") as book:
            queue = make_queue(book, 1000)
        return [one.case.name for one in queue.asked if one.case.tier == "alert"]

    assert shown() == ranked()
    first, second = ranked()[:2]
    assert served.ask(f"/case/{first}/quick", {"csrf": csrf, "word": "later"}, cookie).status == 303
    assert shown() == ranked()
    assert ranked()[0] == second
    assert ranked()[-1] == first
    assert served.ask(f"/case/{second}/quick", {"csrf": csrf, "word": "innocent"}, cookie).status == 303
    assert second not in shown() == ranked()
    told = re.search(r"([0-9]+) of 100 such groups", served.ask("/", cookie=cookie).text)
    assert told is not None
    page = served.ask(f"/case/{shown()[0]}", cookie=cookie).text
    assert set(re.findall(r"([0-9]+) of 100 ", page.partition('id="data"')[0])) == {told[1]}, "one chance, as in the queue"


def test_the_list_tells_each_accounts_reasons_and_its_last_day(
    served: Served, home: Path, logged: LoggedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie, csrf = served.log_in()
    ring = logged.run.rings.sort_by("rank")["ring_id"][0].as_py()
    reasons = build_dossier(Recorded(logged.run), logged.run.ring(ring)).reasons
    codes = {code for code, _ in reasons if CATALOGUE[code].side == "for"}
    assert served.ask("/case/C-0001/quick", {"csrf": csrf, "word": "confirmed"}, cookie).status == 303
    assert CONSOLE_WORDS["reasons_elsewhere"].en in served.ask("/lists", cookie=cookie).text
    with Casebook(home, "ana") as book:
        rows = still_to_act_on(account_rows(book), book.now)
    until = time.monotonic() + 60
    while served.console.desk.told_of(logged.run.id, ring) is None and time.monotonic() < until:
        served.ask("/case/C-0001", cookie=cookie)  # which prepares its page
    for language in LANGUAGES:
        served.ask("/prefer", {"csrf": csrf, "language": language}, cookie)
        page = html.unescape(served.ask("/lists", cookie=cookie).text)
        shown = re.findall(r'<span class="kind" title="([a-z_]+)">([^<]+)</span>', page)
        assert len(shown) == min(len(codes), MOST_REASONS) * len(rows) > 0
        assert set(shown) < {(code, reason_name(code, language)) for code in codes}
        assert all(page.count(reason_name(code, language)) >= len(rows) for code in codes)
        assert len(re.findall(f'<td class="time" data-label="[^"]+">{rows[0]["until"]}</td>', page)) == len(rows)
    with Casebook(home, "ana") as book:
        assert account_rows(book, told_of=lambda run, ring: Told(reasons=(EVIL,))) == rows, "what is no code is not taken over"
        monkeypatch.delattr(judged_rings, "Recorded")
        monkeypatch.delattr(judged_rings, "suspicion_codes")
        assert account_rows(book, told_of=served.console.desk.told_of) == rows, "what a page told is not found anew"


def test_who_is_to_be_held_is_not_among_the_accounts_to_act_on(served: Served, home: Path) -> None:
    """Until somebody says a word on them by name."""
    cookie, _ = served.log_in()

    def told() -> tuple[list[str], list[str], str]:
        page = html.unescape(served.ask("/lists", cookie=cookie).text)
        marked = re.findall(rf'title="([^"]+)">[^<]+</a> <span class="tier review">{WORDS["hold"].en}', page)
        return re.findall('data-copy="([^"]*)"', page)[0].split("\n"), marked, page

    with Casebook(home, "ana") as book:
        for case in book.cases():
            book.decide(case.name, "confirmed")
        rows = account_rows(book, reasons=False)
        act, hold = ([row["user_id"] for row in rows if row["standing"] == one] for one in ("act", "hold"))
        assert 0 < len(hold) < len(act)
        copied, marked, page = told()
        assert (copied, marked) == (act, hold)
        assert f"({len(act):,})" in page
        assert filled(CONSOLE_WORDS["held_at_the_end"].en, count=len(hold)) in page
        book.decide(next(row["case"] for row in rows if row["user_id"] == hold[0]), "confirmed", users=[hold[0]])
    copied, marked, _ = told()
    assert sorted(copied) == sorted([*act, hold[0]])
    assert marked == hold[1:]


def fewer_and_explained(run: Run, ring_id: str) -> Run:
    """A later run that finds this ring alone, without one of its members, and an innocent explanation of it."""
    (ring,) = [row for row in run.rings.to_pylist() if row["ring_id"] == ring_id]
    members = [row for row in run.members.to_pylist() if row["ring_id"] == ring_id]
    rings = pa.Table.from_pylist([{**ring, "ring_id": "R-1", "tier": "explained", "size": ring["size"] - 1}], run.rings.schema)
    left = pa.Table.from_pylist([{**row, "ring_id": "R-1"} for row in members[1:]], run.members.schema)
    tables = {name: run.tables[name] if name in ("scores", "relations") else run.tables[name].slice(0, 0) for name in RUN_TABLES}
    return Run({**run.meta, "id": "run-" + "1" * 16}, {**tables, "rings": rings, "members": left})


def test_the_list_tells_what_is_known_of_rings_that_were_judged_in_runs_past(logged: LoggedRun, tmp_path: Path) -> None:
    """Their reasons, though nobody opened them since; and the tier in which a later run saw them, beside that by which they were judged."""
    home = tmp_path / "home"
    with Casebook(home, "ana") as book:
        book.take_in(logged.run, follow_lineage, folder=logged.folder / "run")
        case = book.case("C-0001")
        book.decide(case.name, "confirmed")
        newer = fewer_and_explained(logged.run, case.ring_id)
        newer.save(tmp_path / "newer")
        book.take_in(newer, follow_lineage, folder=tmp_path / "newer")
        rows = account_rows(book)
    assert {(row["case"], row["tier"], row["tier_now"], bool(row["reasons"])) for row in rows} == {("C-0001", case.tier, "explained", True)}
    assert case.tier == "alert"
    with serving(home) as served:
        cookie, _ = served.log_in()
        served.console.desk.warm()
        until = time.monotonic() + 60
        seen = set[str]()
        while not re.findall(r'<span class="kind" title="', page := served.ask("/lists", cookie=cookie).text) and time.monotonic() < until:
            seen |= {key for key in ("reasons_come", "reasons_elsewhere") if CONSOLE_WORDS[key].en in page}
            time.sleep(0.2)
        assert "reasons_come" in seen
        served.console.desk.close()
    codes = re.findall(r'<span class="kind" title="([a-z_]+)">', page)
    assert len(codes) == min(len(rows[0]["reasons"].split()), MOST_REASONS) * len(rows) > 0
    assert page.count(f">{CONSOLE_WORDS['by_now'].en}</span>") == len(rows)


def test_hostile_accounts_and_codes_are_text_on_the_list_and_in_its_file(tmp_path: Path) -> None:
    home, ring = tmp_path / "home", MadeRing("R-0", (EVIL, "=cmd()", "\u202eevil"))
    run = made_run("run-0123456789abcdef", [ring])
    run.save(home / "runs" / "2026-01-01")
    with Casebook(home, "ana") as book:
        book.take_in(run, folder=home / "runs" / "2026-01-01")
        book.decide("C-0001", "confirmed")
    with serving(home) as served:
        cookie, csrf = served.log_in()
        place = served.console.desk.latest().bench.prepared.folder
        place.mkdir(parents=True)
        (place / TOLD).write_text(json.dumps({"ring": "R-0", "tactics": [], "reasons": [EVIL, "dense"]}) + "\n", encoding="utf-8")
        for language in LANGUAGES:
            served.ask("/prefer", {"csrf": csrf, "language": language}, cookie)
            page = served.ask("/lists", cookie=cookie).text
            assert EVIL not in page
            assert page.count(html.escape(EVIL)) >= 1 + len(ring.users)
            assert reason_name("dense", language) in page
            assert "\u202e" not in re.sub('data-copy="[^"]*"', "", page)
        told = list(csv.DictReader(io.StringIO(served.ask("/lists/accounts.csv", cookie=cookie).text.lstrip("\ufeff"))))
        assert {row["user_id"][:2] for row in told} == {"<s", "'=", told[-1]["user_id"][:2]}
        assert all(row["until"] and row["run_id"] for row in told)


def test_a_quick_word_can_be_taken_back_and_only_the_last_one(served: Served, home: Path) -> None:
    cookie, csrf = served.log_in()

    def quick(case: str, word: str, part: bool = False) -> Answered:
        return served.ask(f"/case/{case}/quick", {"csrf": csrf, "word": word}, cookie, {"HX-Request": "true"} if part else {})

    row = quick("C-0002", "confirmed", part=True)
    assert row.status == 200
    assert row.text.lstrip().startswith('<tr id="row-C-0002"')
    assert quick("C-0001", "undo").status == 422  # the last word was about the other
    assert quick("C-0002", "undo").status == 303
    assert quick("C-0002", "later").status == 303
    assert quick("C-0002", "king").status == 400
    with Casebook(home, "ana") as book:
        assert (book.case("C-0002").verdict, book.case("C-0002").next_step) == ("", "later")
    page = served.ask("/", cookie=cookie).text
    rows = re.findall(r'data-case="(C-\d+)"', page)
    assert rows.index("C-0002") > rows.index("C-0001")


def test_a_word_on_a_ring_that_a_newer_run_has_changed_is_refused(served: Served, home: Path) -> None:
    """Whoever confirms from the queue has the ring of the page before them, and no other."""
    cookie, csrf = served.log_in()
    page = served.ask("/", cookie=cookie).text + served.ask("/case/C-0001", cookie=cookie).text
    with Casebook(home, "ana") as book:
        ring, before = book.case("C-0001").ring_id, len(book.history())
    assert len(re.findall(f'name="ring" value="{ring}"', page)) == 3  # the row of the queue; the verdict, and accepting
    for path, form in (("quick", {"word": "confirmed"}), ("quick", {"word": "later"}), ("accept", {"reason": "a club", "days": "9"})):
        for other in ("R-000000000000", ""):
            answer = served.ask(f"/case/C-0001/{path}", {"csrf": csrf, "ring": other, **form}, cookie)
            assert answer.status == 422
            assert CONSOLE_WORDS["changed_meanwhile"].en in html.unescape(answer.text)
    with Casebook(home, "ana") as book:
        assert len(book.history()) == before


def test_looking_at_cases_ranks_nothing_anew_and_words_do(served: Served, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked: list[int] = []
    monkeypatch.setattr(case_standing, "rank_waiting", lambda *given: ranked.append(1) or rank_waiting(*given))
    for _ in range(2):
        cookie, csrf = served.log_in()
        served.ask("/", cookie=cookie)
        for case in ("C-0001", "C-0002"):
            served.ask(f"/case/{case}", cookie=cookie)
    with Casebook(home, "ana") as book:
        assert [entry.kind for entry in book.history()].count("viewed") == 4
    assert len(ranked) == 1
    served.ask("/case/C-0002/quick", {"csrf": csrf, "word": "confirmed"}, cookie)
    assert "C-0002" not in served.ask("/", cookie=cookie).text.partition("<details")[0]
    assert len(ranked) == 2


def test_a_run_that_comes_while_the_console_serves_is_prepared_unasked(
    home: Path, logged: LoggedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Workbench, "start", lambda own: started.append(own.prepared.folder.name[:20]))
    own = Desk(home, "ana")
    own.latest()
    assert started == []
    own.warm()
    own.latest()
    newer = replace(logged.run, meta={**logged.run.meta, "id": "run-" + "0" * 16})
    newer.save(tmp_path / "newer")
    with Casebook(home, "ana") as book:
        book.take_in(newer, folder=tmp_path / "newer")
    for _ in range(2):
        own.latest()
    assert started == [logged.run.id, newer.id]
    own.close()


def test_pages_say_that_what_prepares_them_died(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(_: Workbench, ring_id: str) -> str:
        raise LookupError(ENDED)

    cookie, csrf = served.log_in()
    paths = ("/runs", "/case/C-0001")
    assert not any(CONSOLE_WORDS[ENDED].en in served.ask(path, cookie=cookie).text for path in paths)
    monkeypatch.setattr(Workbench, "has_given_up", True)
    monkeypatch.setattr(Workbench, "page", dead)
    for language in LANGUAGES:
        served.ask("/prefer", {"csrf": csrf, "language": language}, cookie)
        assert all(CONSOLE_WORDS[ENDED].to(language) in html.unescape(served.ask(path, cookie=cookie).text) for path in paths)


def test_nobody_waits_for_a_run_that_somebody_else_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading an old run takes seconds; those who look at another have theirs meanwhile, and who wants the same waits for one reading."""
    begun, goes_on, read = threading.Event(), threading.Event(), list[str]()

    class Slow:
        def __init__(self, folder: Path, _: Path) -> None:
            read.append(folder.name)
            self.bench, self.closed = self, False
            if folder.name == "old":
                begun.set()
                assert goes_on.wait(30)
            if folder.name == "damaged":
                raise NotARun("damaged")

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(shelf, "OpenRun", Slow)
    own, found = shelf.Shelf(tmp_path), list[Any]()
    waiting = [threading.Thread(target=lambda: found.append(own.open(Path("old"))), daemon=True) for _ in range(2)]
    waiting[0].start()
    assert begun.wait(30)
    waiting[1].start()
    latest = own.open(Path("latest"))
    assert own.open(Path("latest")) is latest
    for _ in range(2):
        with pytest.raises(NotARun):
            own.open(Path("damaged"))
    goes_on.set()
    for thread in waiting:
        thread.join(30)
    assert found[0] is found[1]
    assert read == ["old", "latest", "damaged", "damaged"]
    for number in range(shelf.MOST_OPEN):
        own.open(Path(f"{number}"))
    assert found[0].closed
    own.close()


def test_times_say_whose_clock_shows_them(home: Path, logged: LoggedRun, tmp_path: Path) -> None:
    """Those of the log are its own clock's, those of the casebook UTC; both say so."""
    settings = logged.run.meta["settings"]
    there = {**settings, "log": {**settings["log"], "timezone": "Asia/Shanghai"}}
    with Casebook(home, "ana") as book:
        book.decide("C-0001", "confirmed")
        newer = replace(logged.run, meta={**logged.run.meta, "id": "run-" + "0" * 16, "settings": there})
        newer.save(tmp_path / "newer")
        book.take_in(newer, folder=tmp_path / "newer")
        first, said = book.case("C-0002").first_seen, book.case("C-0001").verdict_time
    member = next(row for row in logged.run.members.to_pylist() if row["node_type"] == "user")
    begun = LogClock("Asia/Shanghai").minute(member["first_seen"])
    with serving(home) as served:
        cookie, _ = served.log_in()
        pages = {path: served.ask(path, cookie=cookie).text for path in ("/", "/lists", "/runs", "/case/C-0001")}
        about = served.ask("/about?" + urlencode({"type": "user", "id": member["node_id"]}), cookie=cookie).text
    assert '<th scope="col" class="time">since Asia/Shanghai</th>' in pages["/"]
    assert 'data-label="since Asia/Shanghai"' in pages["/"], "on a phone, too, where no head of the table is shown"
    assert LogClock("Asia/Shanghai").minute(first) in pages["/"]
    assert "<th>began Asia/Shanghai</th>" in about
    assert begun in about
    told = f"{said[:10]} {said[11:16]} UTC"
    assert told in pages["/lists"]
    assert told in pages["/case/C-0001"]
    assert all(re.fullmatch(r"[0-9-]{10} [0-9:]{5} UTC", one) for one in re.findall(r'<td class="time">([^<]+)<', pages["/runs"]))


def test_a_key_is_left_out_when_a_second_person_says_so(home: Path, people: dict[str, Account], logged: LoggedRun) -> None:
    address = next(row["node_id"] for row in logged.run.members.to_pylist() if row["node_type"] == "ip")
    with serving(home, people) as served:
        ana, bo = served.log_in("ana"), served.log_in("bo")
        for cookie, csrf in (ana, bo):
            served.ask("/case/C-0001/work", {"csrf": csrf, "owner": "", "next_step": "", "note": "here"}, cookie)
        form = {"csrf": ana[1], "type": "ip", "id": address, "reason": "our office", "days": "30"}
        assert served.ask("/lists/discount", form, ana[0]).status == 303
        own = {"csrf": ana[1], "name": "S-0001", "word": "approve"}
        assert served.ask("/lists/suppression", own, ana[0]).status == 422
        assert served.ask("/lists/suppression", {**own, "csrf": bo[1]}, bo[0]).status == 303
        with Casebook(home, "ana") as book:
            assert book.discounted_keys() == {"ip": (address,)}
        assert served.ask("/lists/suppression", {**own, "word": "withdraw"}, ana[0]).status == 303
        assert served.ask("/case/C-0003/accept", {"csrf": bo[1], "reason": "fan club", "days": "10"}, bo[0]).status == 303
        assert served.ask("/case/C-0003/accept", {"csrf": bo[1], "reason": "", "days": "10"}, bo[0]).status == 422
        assert served.ask("/case/C-0003/accept", {"csrf": bo[1], "reason": "x", "days": "0"}, bo[0]).status == 400
        with Casebook(home, "ana") as book:
            assert book.discounted_keys() == {}
            assert book.case("C-0003").accepted == "S-0002"
        assert "our office" in served.ask("/lists", cookie=ana[0]).text


def test_what_is_folded_comes_when_it_is_opened(served: Served, home: Path) -> None:
    cookie, _ = served.log_in()
    page = served.ask("/", cookie=cookie).text
    folds = re.findall(r'hx-get="(/fold/\w+)".*?</strong> \((\d+)', page)
    asked = {path: served.ask(path, cookie=cookie, headers={"HX-Request": "true"}).text for path, _ in folds}
    with Casebook(home, "ana") as book:
        names = sorted(case.name for case in book.cases())
    rows = {path: re.findall(r'data-case="(C-\d+)"', text) for path, text in asked.items()}
    assert [len(own) for own in rows.values()] == [int(count) for _, count in folds]
    assert sorted([*re.findall(r'data-case="(C-\d+)"', page), *(name for own in rows.values() for name in own)]) == names
    assert served.ask(folds[0][0], cookie=cookie).headers["location"] == "/"
    assert served.ask("/fold/nothing", cookie=cookie, headers={"HX-Request": "true"}).status == 404


def test_hundreds_of_ids_are_found_at_once(served: Served, logged: LoggedRun) -> None:
    cookie, csrf = served.log_in()
    users = [row["node_id"] for row in logged.run.scores.to_pylist() if row["node_type"] == "user"][: MOST_IDS - 1]
    answer = served.ask("/find", {"csrf": csrf, "ids": "\r\n".join([*users, EVIL])}, cookie)
    assert answer.status == 200
    assert f"{MOST_IDS - 1} of {MOST_IDS}" in answer.text
    assert EVIL not in answer.text
    assert served.ask("/find", {"csrf": csrf, "ids": "\n".join(map(str, range(MOST_IDS + 1)))}, cookie).status == 413
    alone = served.ask("/find?" + urlencode({"ids": "c-0001"}), cookie=cookie)
    assert (alone.status, alone.headers["location"]) == (303, "/case/C-0001")
    for row in logged.run.rings.to_pylist():
        alone = served.ask("/find?" + urlencode({"ids": row["ring_id"]}), cookie=cookie)
        assert (alone.status, alone.headers["location"]) == (303, f"/case/C-{row['rank']:04d}"), "which is all that an alert may tell"
    assert served.ask("/find?" + urlencode({"ids": row["ring_id"][:-1]}), cookie=cookie).status == 200
    rings = {row["node_id"] for row in logged.run.members.to_pylist()}
    assert CONSOLE_WORDS["found_in_rings"].en.format(count=len(rings & set(users))) in answer.text
    alone = served.ask("/find?" + urlencode({"ids": users[0]}), cookie=cookie)
    assert (alone.status, alone.headers["location"]) == (303, "/about?" + urlencode({"type": "user", "id": users[0]}))
    assert served.ask("/find?" + urlencode({"ids": "nobody"}), cookie=cookie).status == 200


def test_every_screen_opens_in_both_languages_without_a_missing_word(served: Served, logged: LoggedRun) -> None:
    cookie, csrf = served.log_in()
    member = logged.run.members.to_pylist()[0]
    paths = [
        "/",
        "/case/C-0001",
        "/week",
        "/lists",
        "/runs",
        "/find",
        "/about?" + urlencode({"type": member["node_type"], "id": member["node_id"]}),
    ]
    for language in LANGUAGES:
        served.ask("/prefer", {"csrf": csrf, "language": language, "back": "/"}, cookie)
        for path in paths:
            answer = served.ask(path, cookie=cookie)
            assert answer.status == 200, path
            assert f'<html lang="{language}"' in answer.text
    for back in ("//evil.example", "/\\evil.example", "https://evil.example", "evil"):
        assert served.ask("/prefer", {"csrf": csrf, "language": "en", "back": back}, cookie).headers["location"] == "/"


# Of these a tag, with all that is in it, holds what is nobody's words: ids, code, what somebody typed, and what says that it is English.
NO_WORDS = re.compile(
    r'<(\w+)\b[^>]*?(?:class="(?:[^"]* )?(?:id|whole-id)"|lang="en")[^>]*>.*?</\1>|<(script|style|textarea)\b.*?</\2>', re.S
)
# Names of programs, settings, files, keys and clocks; of cases, rings and runs; of people.
NAMES = re.compile(
    r"graphdet(?: \w+)?|\[[a-z.]+\](?: \w+)?|\w+_\w+|CSV|UTC|Enter|Ctrl|Escape|(?:[CRS]-|run-)[0-9a-f]+|[A-Z][a-z]+/[A-Z][a-z_]+|\bana\b"
)


def english_words(page: str) -> set[str]:
    """What stands in Latin letters on a page and is no name."""
    bare = NO_WORDS.sub(" ", page)
    told = re.findall(r'(?:aria-label|placeholder)="([^"]*)"', bare) + re.split("<[^>]*>", bare)
    return {word for text in told for word in re.findall("[A-Za-z]{3,}", NAMES.sub(" ", html.unescape(text)))}


# How many tables are wider than their place; the picture of who came where is no table.
CUT = "[...document.querySelectorAll('.scroll:not(.grid-box)')].filter((box) => box.scrollWidth > box.clientWidth + 1).length"


def every_screen(logged: LoggedRun) -> list[str]:
    """An address of each screen, with something on it: pages of all types of nodes, ids found, what is not there."""
    members = {row["node_type"]: row["node_id"] for row in logged.run.members.to_pylist()}
    assert len(members) > 4
    plain = [
        screen.path.replace("{name}", "C-0001").replace("{fold}", "queue")
        for screen in SCREENS
        if screen.method == "GET" and screen.path not in PARTS
    ]
    about = ["/about?" + urlencode({"type": name, "id": node_id}) for name, node_id in members.items()]
    found = "/find?" + urlencode({"ids": "\n".join([*members.values(), EVIL])})
    return [*[path for path in plain if path != "/about"], *about, found, "/week?days=90", "/case/C-9999", "/nowhere", "/log-in"]


PARTS = ("/lists/alerts", "/lists/accounts.csv")  # no pages


def once_prepared(served: Served, path: str, cookie: str, headers: Mapping[str, str]) -> Answered:
    """The page, asked for again as long as it is being prepared."""
    until = time.monotonic() + 300
    while (answer := served.ask(path, cookie=cookie, headers=headers)).status == 503 and time.monotonic() < until:
        assert CONSOLE_WORDS["page_comes"].zh in answer.text
    return answer


def test_a_chinese_page_is_chinese(home: Path, logged: LoggedRun) -> None:
    with Casebook(home, "ana") as book:
        book.decide("C-0001", "confirmed")
        book.accept("C-0002", "家人")
        book.discount("ip", "203.0.113.7", "办公室")
    with serving(home) as served:
        cookie, csrf = served.log_in()
        page = served.ask("/find", cookie=cookie).text.replace('<html lang="en"', "<html")
        assert "Find" in english_words(page), "English is seen where it is"
        served.ask("/prefer", {"csrf": csrf, "language": "zh", "back": "/"}, cookie)
        for path in every_screen(logged):
            part = {"HX-Request": "true"} if path.startswith("/fold") else {}
            page = once_prepared(served, path, cookie, {"Accept-Language": "zh-CN", **part}).text
            assert CHINESE.search(page), path
            assert english_words(page) == set(), path
        refused = served.ask("/case/C-0001/accept", {"csrf": csrf, "reason": "", "days": "9"}, cookie)
        assert CONSOLE_WORDS["status_422"].zh in refused.text
        assert english_words(refused.text) == set(), "a reason that the program gives in English says that it is"
        assert 'lang="en"' in refused.text


def test_a_watchs_alerts_come_live_beside_their_cases(home: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(AlertError, match="no watch keeps its state here"):
        Desk(home, "ana", state)
    state.mkdir()
    with contextlib.closing(sqlite3.connect(state / FILE, isolation_level=None)) as outbox, serving(home, watch=state) as served:
        open_outbox(outbox)
        cookie, csrf = served.log_in()
        assert CONSOLE_WORDS["no_alerts_yet"].en in served.ask("/lists", cookie=cookie).text
        settings = alert_settings({"a": {"kind": "file", "path": str(tmp_path / "alerts.jsonl")}})
        hostile, unknown = line(EVIL, size=12), line("b", size=6)
        with Casebook(home, "ana") as book:  # which took the ring in once it had been told
            known = replace(unknown, last=replace(unknown.last, ring_id=book.case("C-0002").ring_id))
        tell(outbox, by_name(line("a", size=7), hostile, known), [], settings, NOW, cases={"line-a": "C-0001"}, doubted=["line-a"])
        first, second, _ = list_deliveries(outbox)
        mark(outbox, [second], "dead", why="refused")
        for language, words in (
            ("en", ("new", "waiting", "dead", "was judged innocent")),
            ("zh", ("新发现", "等待", "投递失败", "曾判为正常")),
        ):
            served.ask("/prefer", {"csrf": csrf, "language": language, "back": "/"}, cookie)
            part = served.ask("/lists/alerts", cookie=cookie, headers={"HX-Request": "true"}).text
            assert "<html" not in part
            assert EVIL not in part
            assert '<table class="stacked">' in part, "on a phone it is read without moving it sideways"
            assert part.index("/case/C-0002") < part.index("/case/C-0001") < part.index(html.escape(first.ring_id))
            assert all(word in part for word in words)
            assert part in served.ask("/lists", cookie=cookie).text
        assert served.ask("/lists/alerts", cookie=cookie).headers["location"] == "/lists"
        session = served.console.sessions.of(cookie)
        assert session is not None
        session.used -= RESTED - 60
        served.ask("/lists/alerts", cookie=cookie)  # nobody is there: it was the page
        session.used -= 120
        assert served.ask("/lists", cookie=cookie).headers["location"] == "/log-in"


def test_without_a_watch_no_alerts_are_promised(served: Served) -> None:
    cookie, _ = served.log_in()
    assert 'id="alerts"' not in served.ask("/lists", cookie=cookie).text
    assert served.ask("/lists/alerts", cookie=cookie, headers={"HX-Request": "true"}).status == 404


def test_every_word_of_a_template_is_one() -> None:
    folder = Path(accounts_file.__file__).parent
    known = CONSOLE_WORDS.keys() | WORDS.keys()
    for path in [*folder.glob("templates/*.html"), *folder.glob("*.py")]:
        asked = set(re.findall(r"word\('(\w+)'[,)]", path.read_text(encoding="utf-8")))
        assert asked <= known, path.name
    kinds = {f"entry_{kind}" for kind in entries.KINDS} - {"entry_run"}  # a run is about no case
    states = {f"state_{state}" for state in rows.STATES} | {f"lineage_{kind}" for kind in lineage.KINDS}
    standings = {f"standing_{one}" for one in (rows.ASKED, rows.ACTIVE, rows.ENDING, rows.LAPSED, rows.WITHDRAWN, rows.RETURNED)}
    back = {f"back_{why}" for why in (rows.LAPSED, rows.WITHDRAWN, "members", "tier", "money", *rows.DOUBTS)}
    assert kinds | states | standings | back | {rows.DISCOUNT, rows.ACCEPT, *VERDICTS, *USER_ROLES} <= known


# As a process.


def test_the_command_serves_until_it_is_told_to_end(home: Path) -> None:
    command = [sys.executable, "-c", "from graphdet.cli import main; main()", "serve", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"open http://127\.0\.0\.1:(\d+)(/log-in\?token=\S+)\n", line)
            assert found is not None, line
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)) as connection:
                connection.request("GET", found[2])
                assert connection.getresponse().status == 303
            process.send_signal(signal.SIGTERM)
            _, complaint = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 143
    assert complaint == "graphdet: stopped; nothing half-written is left.\n"


def test_accounts_are_made_listed_and_removed_by_commands(home: Path, tmp_path: Path) -> None:
    def account(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from graphdet.cli import main; main()", "account", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"GRAPHDET_PASSWORD": PASSWORD})

    assert account("add", str(home), "ana").returncode == 0
    assert account("add", str(home), "rea", "--role", "reader").returncode == 0
    assert account("list", str(home)).stdout == "ana  analyst\nrea  reader\n"
    assert account("remove", str(home), "anna").returncode == 2
    assert account("remove", str(home), "ana").returncode == 0
    assert list(load_accounts(home)) == ["rea"]
    assert account("add", str(tmp_path / "nowhere"), "ana").returncode == 2


# In the browser.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    executable = find_chromium()
    if executable is None:
        pytest.fail("no Chromium") if os.environ.get("CI") else pytest.skip("no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
    found = context.new_page()
    found.set_default_timeout(60_000)
    yield found
    context.close()


@pytest.mark.slow
def test_a_morning_at_the_console(page: Any, served: Served, home: Path, logged: LoggedRun) -> None:
    """Log in, go through the queue by keyboard, decide, look around in both languages, on a phone, and on paper."""
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: elsewhere.append(request.url) if f":{served.port}/" not in request.url and ":" in request.url[:6] else None,
    )
    page.goto(served.console.link())
    page.wait_for_selector("html[data-ready=yes]")
    keep(page, "console-today")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("#queue tr.here").get_attribute("data-case")
    assert second == page.locator("#queue tbody tr").nth(1).get_attribute("data-case")
    page.keyboard.press("c")
    page.wait_for_selector(f"#row-{second} button[value=undo]")
    with Casebook(home, "ana") as book:
        assert book.case(second).verdict == "confirmed"
    page.locator(f"#row-{second} button[value=undo]").click()
    page.wait_for_selector(f"#row-{second} button[value=confirmed]")
    page.keyboard.press("k")
    first = page.locator("#queue tr.here").get_attribute("data-case")
    page.locator("body").press("Enter")
    page.wait_for_selector("#ring[data-drawn=yes] .grid-chart")
    assert page.url.endswith(f"/case/{first}")
    assert page.evaluate(CUT) == 0, "no column is out of sight"
    keep(page, "console-case")
    page.locator("input[name=verdict][value=innocent]").check()
    page.locator("input[name=note]").first.fill(EVIL)
    page.locator("button.main-act").click()
    page.wait_for_selector("#ring[data-drawn=yes]")
    with Casebook(home, "ana") as book:
        assert book.case(first).verdict == "innocent"
    assert EVIL in page.locator("ul.history").text_content()
    compare = page.locator("section.card", has=page.locator("select[aria-label='second member']"))
    told = compare.text_content()
    compare.locator("select[aria-label='second member']").select_option(index=2)
    assert compare.text_content() != told
    page.locator("#ring a.id").first.click()
    page.wait_for_selector("h1 .whole-id")
    keep(page, "console-about")
    page.locator("details.card summary").click()
    page.locator("form[action='/lists/discount'] input[name=reason]").fill(EVIL)
    page.locator("form[action='/lists/discount'] button").click()
    page.wait_for_selector("section.card table")
    assert EVIL in page.locator("main").text_content()
    with Casebook(home, "ana") as book:
        assert [one.reason for one in book.suppressions()] == [EVIL]
    with page.expect_download() as saving:
        page.locator("a[href='/lists/accounts.csv']").click()
    assert saving.value.suggested_filename == "accounts.csv"
    page.go_back()
    page.wait_for_selector("h1 .whole-id")
    page.locator("button[name=language]").click()
    page.wait_for_selector("html[lang=zh]")
    assert "案件" in page.locator("main").text_content()
    page.locator("button[name=theme]").click()
    page.wait_for_selector("html[data-theme=dark]")
    page.goto(f"http://127.0.0.1:{served.port}/runs")
    hidden = "[...document.querySelectorAll('.path')].filter((path) => path.scrollWidth > path.clientWidth).length"
    assert page.evaluate(hidden) == 0, "which file or folder it was, is told whole"
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"http://127.0.0.1:{served.port}/")
    button = page.locator("#queue button[value=confirmed]").first.bounding_box()
    assert button["x"] + button["width"] < 390, "what there is to say of a case is in sight"
    for path in [*every_screen(logged), f"/case/{first}"]:
        page.goto(f"http://127.0.0.1:{served.port}{path}")
        page.wait_for_selector("html[data-ready=yes]")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 391, (path, wide)
        keep(page, f"console-phone{re.sub('[^a-z-]+', '-', path)}")
    account = next(path for path in every_screen(logged) if "type=user" in path)
    for language in ("zh", "en"):
        for path in ("/week", "/runs", "/lists", account, f"/case/{first}"):
            page.goto(f"http://127.0.0.1:{served.port}{path}")
            page.wait_for_selector(f"html[data-ready=yes][lang={language}]")
            if "/case/" in path:
                page.wait_for_selector("#ring[data-drawn=yes]")
            assert page.evaluate(CUT) == 0, f"{path} is read without moving its tables sideways"
        page.locator("button[name=language]").click()
        page.wait_for_selector(f"html:not([lang={language}])")
    page.goto(f"http://127.0.0.1:{served.port}/nowhere")
    assert page.locator("main [role=alert]").count() == 1
    assert [text for text in complaints if "404" not in text] == []
    assert elsewhere == []


@pytest.mark.slow
def test_an_hour_by_keyboard_alone(page: Any, home: Path, people: dict[str, Account], logged: LoggedRun) -> None:
    """No pointer: log in, take a case, judge, note, go on, assign, compare, accept, look up what was pasted, and save the list."""
    with serving(home, people) as served:
        hour_by_keyboard(page, f"http://127.0.0.1:{served.port}", home, logged)


def hour_by_keyboard(page: Any, address: str, home: Path, logged: LoggedRun) -> None:
    press, ready = page.keyboard.press, "html[data-ready=yes]"
    drawn = f"{ready} #ring[data-drawn=yes] .grid-chart"
    users = [row["node_id"] for row in logged.run.scores.to_pylist() if row["node_type"] == "user"][:40]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(address)
    page.wait_for_selector(ready)
    page.keyboard.type("ana")
    press("Tab")
    page.keyboard.type(PASSWORD)
    press("Enter")
    page.wait_for_selector(f"{ready} #queue tbody tr")
    queue = [row.get_attribute("data-case") for row in page.locator("#queue tbody tr").all()]
    press("j")
    press("m")
    page.wait_for_selector(f"{ready} #row-{queue[0]}.here:not(:has(button[value=mine]))")
    press("c")
    page.wait_for_selector(f"{ready} #row-{queue[0]}.here button[value=undo]")
    press("z")
    page.wait_for_selector(f"{ready} #row-{queue[0]}.here button[value=confirmed]")
    press("Enter")
    page.wait_for_selector(drawn)
    press("i")
    press("n")
    page.keyboard.type("a family")
    press("Enter")
    page.wait_for_selector(f"h1:has-text('{CONSOLE_WORDS['innocent'].en}')")
    page.wait_for_selector(drawn)
    press("]")  # no neighbour is left of a decided case; the worthiest that waits comes next
    page.wait_for_url(f"**/case/{queue[1]}")
    page.wait_for_selector(drawn)
    press("w")
    page.keyboard.type("bo")
    press("Tab")
    page.keyboard.type("ask the shop")
    press("Tab")
    page.keyboard.type("two lines\nof a note")
    press("Control+Enter")
    page.wait_for_selector("summary:has-text('ask the shop')")
    page.wait_for_selector(drawn)
    press("v")
    before = page.evaluate("document.activeElement.value")
    press("ArrowDown")
    assert page.evaluate("document.activeElement.value") != before
    press("Escape")
    press("c")
    press("Enter")
    page.wait_for_selector(f"h1:has-text('{CONSOLE_WORDS['confirmed'].en}')")
    page.wait_for_selector(drawn)
    press("a")
    page.keyboard.type("papers seen")
    press("Enter")
    page.wait_for_selector("[role=note]:has-text('S-0001')")
    press("Escape")
    page.wait_for_selector(f"{ready} #queue")
    if len(queue) > 2:  # what stands where the decided one stood
        assert page.locator("#queue tr.here").get_attribute("data-case") in queue[2:]
    page.evaluate("text => navigator.clipboard.writeText(text)", "\n".join([*users, EVIL]))
    press("/")
    press("Control+V")
    page.wait_for_selector(f"{ready} main:has-text('{len(users)} of {len(users) + 1}')")
    press("/")
    page.keyboard.type(users[0])
    press("Enter")
    page.wait_for_selector("h1 .whole-id")
    assert page.locator("h1 .whole-id").inner_text() == users[0]
    page.goto(f"{address}/lists")
    for _ in range(30):
        press("Tab")
        if (page.evaluate("document.activeElement.getAttribute('href')") or "").endswith(".csv"):
            break
    with page.expect_download() as saving:
        press("Enter")
    assert saving.value.suggested_filename == "accounts.csv"
    with Casebook(home, "ana") as book:
        first, second = book.case(queue[0]), book.case(queue[1])
        assert (first.owner, first.verdict, first.notes) == ("ana", "innocent", 0)
        assert (second.owner, second.next_step, second.notes, second.verdict) == ("bo", "ask the shop", 1, "confirmed")
        notes = [entry.told["note"] for entry in book.history(queue[0]) if entry.told.get("note")]
        assert notes == ["a family"]
        assert book.verify().faults == ()
