"""Four commands, then Neo4j Browser in headless Chromium: sign in, run the guide's first query, keep a picture of the ring.

    python benchmarks/browser.py --out docs/browser.png

The commands are those of docs/neo4j.md, run in a temporary folder; the server is stopped and removed at the end.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = "import sys; from graphdet.cli import main; sys.argv = ['graphdet', *sys.argv[1:]]; main()"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SECONDS = 60_000  # milliseconds that any step of the page may take
FILLS = "circles => circles.map(circle => circle.getAttribute('fill').toUpperCase())"
# Circles whose last line Browser cut: ids of one kind differ at their end.
CUT = """circles => circles.filter(circle =>
    /(…|\\.\\.\\.)$/.test([...circle.querySelectorAll('text')].map(line => line.textContent).join('').trim())).length"""
# True once the picture has stood still for a while: the layout moves nodes until it has settled.
SETTLED = """() => {
    const places = [...document.querySelectorAll('g.node')].map(node => node.getAttribute('transform')).join();
    const still = places && places === window.lastPlaces ? (window.stillFor || 0) + 1 : 0;
    window.lastPlaces = places;
    window.stillFor = still;
    return still > 30;
}"""


@dataclass(frozen=True)
class Drawn:
    """What Browser drew."""

    nodes: int
    fills: Counter[str]  # colour → nodes
    complaints: int  # "Not found" on the page
    cut: int = 0  # circles that do not hold the end of their caption


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def documented_commands() -> list[list[str]]:
    """The first shell block of docs/neo4j.md, as words after `graphdet`."""
    text = (Path(__file__).parent.parent / "docs" / "neo4j.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    lines = [shlex.split(line, comments=True) for line in block.group(1).splitlines()]
    assert all(words[0] == "graphdet" for words in lines)
    return [words[1:] for words in lines]


@contextmanager
def from_nothing(folder: Path) -> Iterator[str]:
    """Run the documented commands in a folder; gives Browser's address, with the kit being served meanwhile."""
    *steps, serve = documented_commands()
    own = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    kit = None
    try:
        for words in steps:
            done = subprocess.run([sys.executable, "-c", COMMAND, *words], cwd=folder, env=own, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"graphdet {' '.join(words)}: {done.stderr}")
        kit = subprocess.Popen([sys.executable, "-c", COMMAND, *serve], cwd=folder, env=own, stdout=subprocess.PIPE, text=True)
        assert kit.stdout is not None
        told = iter(kit.stdout.readline, "")
        yield next(found.group(0) for text in told if (found := re.search(r"http://localhost:\d+/browser/$", text.strip())))
    finally:
        if kit is not None:
            kit.terminate()
            kit.communicate()
        for words in (["db", "down"], ["db", "wipe", "--yes"]):
            subprocess.run([sys.executable, "-c", COMMAND, *words], cwd=folder, env=own, capture_output=True, check=False)


def sign_in(page: Any, address: str, password: str) -> None:
    page.goto(address)
    page.get_by_test_id("username").fill("neo4j")
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("connect").click()
    page.get_by_text("You are connected as user").first.wait_for()


def draw_ring(page: Any) -> Drawn:
    """Run the first query of the guide beside the page by its icon, and wait until its picture stands still."""
    from playwright.sync_api import TimeoutError as TooLate

    frame = page.get_by_test_id("frame").filter(has_text="MATCH").first
    for _ in range(20):  # a guide may be drawn anew at the moment of the click, which is then lost
        page.locator("pre.runnable i").first.click()
        try:
            frame.wait_for(timeout=SECONDS / 20)
            break
        except TooLate:
            continue
    frame.locator("g.node").first.wait_for(timeout=SECONDS)
    page.wait_for_function(SETTLED, timeout=SECONDS)
    fills = frame.locator("g.node").locator("circle.outline, circle.b-outline").evaluate_all(FILLS)
    cut = frame.locator("g.node").evaluate_all(CUT)
    return Drawn(frame.locator("g.node").count(), Counter(fills), page.get_by_text("Not found").count(), cut)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(take_picture(Path(folder), arguments.out))


def take_picture(folder: Path, out: Path) -> Drawn:
    """From nothing to a picture of the worst ring of the demo."""
    from playwright.sync_api import sync_playwright

    with from_nothing(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(SECONDS)
        sign_in(page, address, (folder / "graphdet-db" / "password").read_text(encoding="utf-8").strip())
        drawn = draw_ring(page)
        for button in ("Collapse the node properties display", "zoom-to-fit"):
            page.get_by_label(button).first.click()
        page.wait_for_function(SETTLED)
        page.screenshot(path=str(out))
        browser.close()
    return drawn


if __name__ == "__main__":
    main()
