"""How fast the console answers while several analysts click at once, and how much memory its server takes.

    python benchmarks/console.py RUN                       # an existing run folder
    python benchmarks/console.py --events 10000000         # a market of its own, made and run first

Each analyst opens a page, looks at it for a moment, and opens the next: the queue, cases from its head and from all of it, accounts, the
week, lists, runs. A case that nobody opened before is built, which costs most; how many were says the table.
"""

from __future__ import annotations

import argparse
import http.client
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
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
from results_io import markdown_row, write_result

from graphdet.run.folder import Run

PROGRAM = str(Path(sys.executable).with_name("graphdet"))
ROOMS = ("console", "cases", "week", "report", "replay", "dossier", "words", "run", "schema")
Choice = Callable[[random.Random], tuple[str, str]]
SCREENS = ("queue", "case at the head", "any case", "account", "week", "lists", "runs")
OFTEN = (25, 25, 15, 20, 5, 5, 5)


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
        self._line, self.cookie = http.client.HTTPConnection(address, timeout=60), cookie

    def open(self, path: str) -> tuple[int, str, float]:
        """Status, text and seconds."""
        begin = time.perf_counter()
        self._line.request("GET", path, headers={"Cookie": self.cookie} if self.cookie else {})
        answer = self._line.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self.cookie = cookie.split(";")[0]
        return answer.status, text, time.perf_counter() - begin


def click(
    browser: Browser, choose: Callable[[random.Random], tuple[str, str]], chance: random.Random, until: float, clicks: Clicks
) -> None:
    """One analyst, until the time is over."""
    while time.perf_counter() < until:
        screen, path = choose(chance)
        status, _, seconds = browser.open(path)
        clicks.seconds[screen].append(seconds)
        if status != 200:
            clicks.failed.append(f"{path}: {status}")
        if path.startswith("/case/"):
            clicks.opened.add(path)
        time.sleep(chance.uniform(0.5, 1.5))


def chooser(cases: list[str], accounts: list[str]) -> Choice:
    """What an analyst opens next: the name of a screen, and its address."""

    def choose(chance: random.Random) -> tuple[str, str]:
        screen = chance.choices(SCREENS, OFTEN)[0]
        paths = {
            "queue": "/",
            "case at the head": f"/case/{chance.choice(cases[:40])}",
            "any case": f"/case/{chance.choice(cases)}",
            "account": f"/about?type=user&id={quote(chance.choice(accounts), safe='')}",
        }
        return screen, paths.get(screen, f"/{screen}")

    return choose


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


def row(name: str, seconds: list[float]) -> str:
    median, late = (1000 * float(np.quantile(seconds, part)) for part in (0.5, 0.95))
    return markdown_row([name, f"{len(seconds):,}", f"{median:.0f}", f"{late:.0f}", f"{1000 * max(seconds):.0f}"])


def measure(run: Path, analysts: int, seconds: float, patience: float, folder: Path) -> None:
    """Take the run into a casebook, serve it, click, and write what came of it."""
    found = Run.load(run)
    home = folder / "home"
    graphdet("cases", "add", str(run), "--home", str(home))
    server, link, opened = start(home)
    try:
        address = urlsplit(link).netloc
        first = Browser(address)
        first.open(link.partition(address)[2])
        begin = time.perf_counter()
        status, page, _ = first.open("/")
        opened += time.perf_counter() - begin
        assert status == 200, page
        cases = list(dict.fromkeys(re.findall(r"/case/(C-\d+)", page)))
        users = [row["node_id"] for row in found.members.slice(0, 20_000).to_pylist() if row["node_type"] == "user"]
        wait_for_pages(home, most=patience)
        ready = sum(1 for _ in home.glob("console/*/pages/*"))
        clicks, until = Clicks(), time.perf_counter() + seconds
        choose = chooser(cases, users)
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
    finally:
        server.terminate()
        server.wait(30)
    every = [one for own in clicks.seconds.values() for one in own]
    events = found.meta["counts"]["accepted"]
    told = (
        f"A run of {events:,} events and {found.rings.num_rows:,} rings; {analysts} analysts for {seconds:.0f} s, each with a click a "
        f"second. The server held {highest:.0f} MB at the most, and showed its first page {opened:.1f} s after it was called; the pages of "
        f"{ready:,} rings were prepared when the clicking began, and {len(clicks.opened):,} different cases were opened. Milliseconds:"
    )
    head = [told, "", markdown_row(["screen", "clicks", "median", "95 of 100 within", "longest"]), "|---|--:|--:|--:|--:|"]
    table = [row(name, clicks.seconds[name]) for name in SCREENS if clicks.seconds[name]] + [row("all", every)]
    text = "\n".join([*head, *table]) + "\n"
    print(text, *clicks.failed[:5], sep="\n")
    figures = {"events": events, "rings": found.rings.num_rows, "analysts": analysts, "mb": highest, "opened": opened, "ready": ready}
    write_result("console", {**figures, "seconds": dict(clicks.seconds), "failed": clicks.failed}, text, ROOMS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run folder; a market is made where none is given")
    parser.add_argument("--events", type=int, default=10_000_000, help="of that market")
    parser.add_argument("--analysts", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds to wait for pages before the clicking begins")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run = options.run or make_run(options.events, Path(place))
        measure(run, options.analysts, options.seconds, options.patience, Path(place))


if __name__ == "__main__":
    main()
