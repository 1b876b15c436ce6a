"""What a report costs, and the README's picture of one: seconds, memory, size, and how soon Chromium shows it.

    python benchmarks/report.py RUN              # figures, for an existing run folder
    python benchmarks/report.py --picture docs/report.png

The picture is of the demo's worst ring, at 1400 pixels.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from browser import QUIET, find_chromium


def measure(folder: Path, most: int) -> None:
    """Print the cost of one report; run it in a fresh process, since the highest memory is the process's."""
    from graphdet.report import write_report
    from graphdet.run.folder import Run

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "report.html"
        begin, cpu = time.perf_counter(), time.process_time()
        run = Run.load(folder)
        write_report(run, path, most)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        events = run.meta["counts"]["accepted"]
        print(f"{events:,} events, {run.rings.num_rows} rings, dossiers of {min(most, run.rings.num_rows)}")
        print(f"written in {seconds:.1f} s ({cpu:.1f} s of CPU), peak {peak:.2f} GiB, {path.stat().st_size / 1e6:.1f} MB")
        if find_chromium():
            print(f"first view after {first_view(path):.2f} s in headless Chromium")


def first_view(path: Path) -> float:
    """Seconds from opening the file until the worklist stands."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_context(offline=True, viewport={"width": 1400, "height": 900}).new_page()
        page.goto("about:blank")
        begin = time.perf_counter()
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("#rings tbody tr")
        seconds = time.perf_counter() - begin
        browser.close()
    return seconds


def take_picture(out: Path) -> None:
    """The demo's worst ring as the report shows it."""
    from playwright.sync_api import sync_playwright

    from graphdet.events import read_events
    from graphdet.pipeline import detect
    from graphdet.report import write_report
    from graphdet.simulate import preset, simulate, write_market

    if find_chromium() is None:
        sys.exit("no Chromium on this machine (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        write_market(simulate(preset("demo"), 1), Path(place) / "market")
        write_report(detect(read_events([Path(place) / "market" / "events.parquet"])), Path(place) / "report.html", 20)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_context(offline=True, locale="en-US", viewport={"width": 1400, "height": 1000}).new_page()
        page.goto((Path(place) / "report.html").as_uri())
        page.locator("#rings tbody a").first.click()
        page.wait_for_selector("#chart-network[data-drawn=yes]")
        page.wait_for_timeout(500)
        page.screenshot(path=str(out), clip={"x": 0, "y": 0, "width": 1400, "height": 2050}, full_page=True)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run folder to measure on")
    parser.add_argument("--most", type=int, default=200, help="dossiers in the report")
    parser.add_argument("--picture", type=Path, help="where to put the picture")
    options = parser.parse_args()
    if options.run:
        measure(options.run, options.most)
    if options.picture:
        take_picture(options.picture)


if __name__ == "__main__":
    main()
