"""How fast the console answers while several analysts click at once, what a page costs, and how much memory its server takes.

    python benchmarks/console.py RUN                       # an existing run folder
    python benchmarks/console.py --events 10000000         # a market of its own, made and run first
    python benchmarks/console.py RUN --home HOME           # with the pages that were prepared in this home before

Each analyst opens a page, looks at it for a moment, and opens the next: all screens, words from the queue, ids looked up, and the list of
accounts as a file. Before them a fortieth of the cases is confirmed, so that lists hold something. A case that nobody opened before is
built, which costs most; how many were says the table. What a page costs the server in processor time is counted afterwards, one analyst
alone: seconds hang on what else the machine does, and processor time hardly.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
from results_io import markdown_row, write_result

from graphdet.cases.casebook import Casebook
from graphdet.run.folder import Run

PROGRAM = str(Path(sys.executable).with_name("graphdet"))
ROOMS = ("console", "cases", "week", "report", "replay", "dossier", "words", "run", "schema")
OFTEN = {
    "queue": 20, "what is folded below it": 3, "case at the head": 20, "any case": 15, "account": 15,
    "item, shop, device or address": 5, "week": 4, "a year of weeks": 1, "lists": 5, "runs": 2, "100 ids": 3, "a word": 9,
    "list as a file": 1,
}  # fmt: skip
FOLDS = ("/fold/folded_review", "/fold/folded_explained")
A_FILE = "list as a file"  # is written by a process of its own, and is no page
CONFIRMED = 40  # of so many cases one is, before anybody clicks
ALONE = 12  # times that each screen is opened, to count what it costs


@dataclass(frozen=True)
class Click:
    """What an analyst does next; `form` is sent where it is given; `part`: a page that is open asks for a part of it."""

    screen: str
    path: str
    form: dict[str, str] | None = None
    part: bool = False


Choice = Callable[[random.Random], Click]


@dataclass
class Clicks:
    """What analysts waited for, by screen; `opened`: cases that somebody opened."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)


def graphdet(*arguments: str) -> None:
    subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)


def make_run(events: int, folder: Path) -> Path:
    """A `hard` market with so many events, and its run."""
    graphdet("simulate", "--preset", "hard", "--events", str(events), "--seed", "71", "--out", str(folder / "market"))
    graphdet("run", str(folder / "market" / "events.parquet"), "--out", str(folder / "run"))
    return folder / "run"


def start(home: Path) -> tuple[subprocess.Popen[str], str, float]:
    """The server, its address with a link, and the seconds until it answered."""
    begin = time.perf_counter()
    server = subprocess.Popen([PROGRAM, "serve", str(home), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    link = server.stdout.readline().split()[-1]
    threading.Thread(target=server.stdout.read, daemon=True).start()
    return server, link, time.perf_counter() - begin


class Browser:
    """One analyst's: it keeps its cookie and its connection."""

    def __init__(self, address: str, cookie: str = "") -> None:
        self._address, self._line, self.cookie = address, http.client.HTTPConnection(address, timeout=60), cookie

    def open(self, path: str, form: dict[str, str] | None = None, *, part: bool = False) -> tuple[int, str, float]:
        """Status, text and seconds."""
        begin = time.perf_counter()
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self._address}"}
        if part or form is not None:
            headers["HX-Request"] = "true"
        self._line.request("GET" if form is None else "POST", path, None if form is None else urlencode(form), headers)
        answer = self._line.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self.cookie = cookie.split(";")[0]
        return answer.status, text, time.perf_counter() - begin


def click(browser: Browser, choose: Choice, chance: random.Random, until: float, clicks: Clicks) -> None:
    """One analyst, until the time is over."""
    while time.perf_counter() < until:
        one = choose(chance)
        status, _, seconds = browser.open(one.path, one.form, part=one.part)
        clicks.seconds[one.screen].append(seconds)
        if status != 200:
            clicks.failed.append(f"{one.path}: {status}")
        if one.screen in ("case at the head", "any case"):
            clicks.opened.add(one.path)
        time.sleep(chance.uniform(0.5, 1.5))


def choices(cases: list[tuple[str, str]], nodes: dict[str, list[str]], csrf: str) -> dict[str, Choice]:
    """Screen → what an analyst does there.

    Args:
        cases: those that wait, worth most first, with the rings that they had when the queue was seen.
        nodes: type → ids of members.
        csrf: the session's token.
    """
    others = [(kind, name) for kind, names in nodes.items() if kind != "user" for name in names] or [("user", nodes["user"][0])]

    def about(screen: str, kind: str, name: str) -> Click:
        return Click(screen, f"/about?{urlencode({'type': kind, 'id': name})}")

    def say(chance: random.Random) -> Click:
        name, ring = chance.choice(cases)
        word = chance.choice(("confirmed", "innocent", "later"))
        return Click("a word", f"/case/{name}/quick", {"csrf": csrf, "ring": ring, "word": word})

    def look_up(chance: random.Random) -> Click:
        names = chance.choices(nodes["user"], k=100)
        return Click("100 ids", "/find", {"csrf": csrf, "ids": "\n".join(names)})

    plain = {"queue": "/", "week": "/week", "a year of weeks": "/week?days=365", "lists": "/lists", "runs": "/runs"}
    found: dict[str, Choice] = {screen: partial(lambda one, _: one, Click(screen, path)) for screen, path in plain.items()}
    return found | {
        "what is folded below it": lambda chance: Click("what is folded below it", chance.choice(FOLDS), part=True),
        "case at the head": lambda chance: Click("case at the head", f"/case/{chance.choice(cases[:40])[0]}"),
        "any case": lambda chance: Click("any case", f"/case/{chance.choice(cases)[0]}"),
        "account": lambda chance: about("account", "user", chance.choice(nodes["user"])),
        "item, shop, device or address": lambda chance: about("item, shop, device or address", *chance.choice(others)),
        "100 ids": look_up,
        "a word": say,
        A_FILE: lambda _: Click(A_FILE, "/lists/accounts.csv"),
    }


def worked(process: int) -> float:
    """Seconds of processor that a process has taken (Linux)."""
    told = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def costs_alone(browser: Browser, ways: dict[str, Choice], process: int) -> dict[str, float]:
    """Screen → seconds of processor that the server takes for one page, by one analyst alone."""
    found, chance = {}, random.Random(99)  # noqa: S311
    for screen, choose in ways.items():
        if screen == A_FILE:
            continue
        before = worked(process)
        for _ in range(ALONE):
            one = choose(chance)
            browser.open(one.path, one.form, part=one.part)
        found[screen] = (worked(process) - before) / ALONE
    return found


def held(process: int) -> float:
    """MB of memory of a process's own: files that it has mapped are the system's to take back (Linux)."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024


def wait_for_pages(home: Path, most: float) -> None:
    """Until no more pages are prepared, once there are some, or so many seconds."""
    until, before = time.perf_counter() + most, -1
    while time.perf_counter() < until and ((now := sum(1 for _ in home.glob("console/*/pages/*"))) != before or not now):
        before = now
        time.sleep(min(15.0, most))


def row(name: str, seconds: list[float], cost: float | None = None) -> str:
    median, late = (1000 * float(np.quantile(seconds, part)) for part in (0.5, 0.95))
    told = "" if cost is None else f"{1000 * cost:.0f}"
    return markdown_row([name, f"{len(seconds):,}", f"{median:.0f}", f"{late:.0f}", f"{1000 * max(seconds):.0f}", told])


def confirm_some(home: Path) -> None:
    """As if the house had decided before."""
    with Casebook(home, "benchmark") as book:
        for case in book.cases()[::CONFIRMED]:
            book.decide(case.name, "confirmed")


def members_by_type(run: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in run.members.slice(0, 20_000).to_pylist():
        found[row["node_type"]].append(row["node_id"])
    return found


@dataclass
class Measured:
    """What a server showed."""

    clicks: Clicks
    costs: dict[str, float]
    opened: float
    started_cost: float
    opened_cost: float
    ready: int
    highest: float


def click_through(home: Path, run: Run, analysts: int, seconds: float, patience: float) -> Measured:
    """Serve a home, and let analysts click."""
    server, link, opened = start(home)
    try:
        started_cost = worked(server.pid)
        address = urlsplit(link).netloc
        first = Browser(address)
        first.open(link.partition(address)[2])
        status, page, took = first.open("/")
        opened_cost = worked(server.pid)
        assert status == 200, page
        folded = [first.open(path, part=True)[1] for path in FOLDS]
        cases = re.findall(r'action="/case/(C-\d+)/quick".*?name="ring" value="([^"]+)"', page + "".join(folded), re.DOTALL)
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert cases
        assert token
        wait_for_pages(home, most=patience)
        ready = sum(1 for _ in home.glob("console/*/pages/*"))
        ways, clicks, until = choices(cases, members_by_type(run), token[1]), Clicks(), time.perf_counter() + seconds

        def choose(chance: random.Random) -> Click:
            return ways[chance.choices(list(OFTEN), list(OFTEN.values()))[0]](chance)

        people = [
            threading.Thread(target=click, args=(Browser(address, first.cookie), choose, chance, until, clicks))
            for chance in map(random.Random, range(analysts))
        ]
        for one in people:
            one.start()
        highest = 0.0
        while any(one.is_alive() for one in people):
            highest = max(highest, held(server.pid))
            time.sleep(0.2)
        costs = costs_alone(Browser(address, first.cookie), ways, server.pid)
        return Measured(clicks, costs, opened + took, started_cost, opened_cost, ready, max(highest, held(server.pid)))
    finally:
        server.terminate()
        server.wait(30)


def measure(run: Path, analysts: int, seconds: float, patience: float, home: Path) -> None:
    """Take the run into a casebook, serve it, click, and write what came of it."""
    found = Run.load(run)
    graphdet("cases", "add", str(run), "--home", str(home))
    confirm_some(home)
    got = click_through(home, found, analysts, seconds, patience)
    clicks, events, rings = got.clicks, found.meta["counts"]["accepted"], found.rings.num_rows
    pages = [one for screen, own in clicks.seconds.items() for one in own if screen != A_FILE]
    told = (
        f"A run of {events:,} events and {rings:,} rings; {analysts} analysts for {seconds:.0f} s, each with a click a second. The server "
        f"held {got.highest:.0f} MB at the most, and showed its first page {got.opened:.1f} s after it was called, {got.opened_cost:.1f} s "
        f"of processor, of which {got.started_cost:.1f} s until it listened; the pages of {got.ready:,} rings were prepared when the "
        f"clicking began, and {len(clicks.opened):,} different cases were opened. "
        f"Answers that were none: {len(clicks.failed)}. Milliseconds, the last column of processor:"
    )
    head = [told, "", markdown_row(["screen", "clicks", "median", "95 of 100 within", "longest", "cost"]), "|---|--:|--:|--:|--:|--:|"]
    table = [row(name, clicks.seconds[name], got.costs.get(name)) for name in OFTEN if clicks.seconds[name]] + [row("all pages", pages)]
    text = "\n".join([*head, *table]) + "\n"
    print(text, *clicks.failed[:5], sep="\n")
    figures = {"events": events, "rings": rings, "analysts": analysts, "mb": got.highest, "opened": got.opened, "ready": got.ready}
    figures |= {
        "started_cost": got.started_cost,
        "opened_cost": got.opened_cost,
        "costs": got.costs,
        "seconds": dict(clicks.seconds),
        "failed": clicks.failed,
    }
    write_result("console", figures, text, ROOMS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run folder; a market is made where none is given")
    parser.add_argument("--home", type=Path, help="a home folder that is kept; a new one that goes where none is given")
    parser.add_argument("--events", type=int, default=10_000_000, help="of that market")
    parser.add_argument("--analysts", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds to wait for pages before the clicking begins")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run = options.run or make_run(options.events, Path(place))
        measure(run, options.analysts, options.seconds, options.patience, options.home or Path(place) / "home")


if __name__ == "__main__":
    main()
