"""Installs what a lock names, and then graphdet with its kernels, with a line that moves: packages so far, seconds of the build.

python locks/install.py all          # what `make demo` needs, into the environment of this Python
python locks/install.py development  # and `make test`

On a terminal the line is drawn anew, elsewhere (in CI, in a file) it is printed again every ten seconds. If pip fails, its words are shown.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
QUIET_SECONDS = 10.0  # between two lines where they stay
DRAWN_SECONDS = 0.5  # between two drawings of the line on a terminal
LINES_ON_FAILURE = 40


@dataclass
class Stage:
    """One call of pip, as its own words tell it.

    Attributes:
        fetched: packages that it has found, in its cache or elsewhere.
        wanted: packages that it installs, once it says so.
        building: whether it builds graphdet now.
        count: how many packages are installed now.
    """

    count: Callable[[], int]
    fetched: int = 0
    wanted: int = 0
    had: int = 0
    building: bool = False
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.had = self.count()

    def hear(self, line: str) -> None:
        """One line that pip says."""
        self.said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self.fetched += 1
        elif line.startswith("Installing collected packages: "):
            self.wanted, self.building = line.count(",") + 1, False
        elif re.match(r"\s*(Building (editable|wheel) for graphdet|Installing build dependencies)", line):
            self.building = "finished" not in line

    def told(self) -> str:
        """Where it is."""
        if self.building:
            return "building the kernels"
        if self.wanted:
            return f"installing packages: {min(max(self.count() - self.had, 0), self.wanted):,} of {self.wanted:,}"
        return f"fetching packages: {self.fetched:,} so far" if self.fetched else "asking for packages"


def follow(command: Sequence[str], begin: str, end: Callable[[Stage], str], count: Callable[[], int], out: TextIO) -> None:
    """Run pip and tell how far it is, to the end.

    Args:
        begin, end: what is said before the first of its words, and once it is done.

    Raises:
        SystemExit: it failed; what it said last stands on stderr.
    """
    stage, start = Stage(count), time.monotonic()
    drawn = out.isatty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # noqa: S603 - pip
    listener = threading.Thread(target=_listen, args=(process, stage), daemon=True)
    listener.start()
    last, shown = 0.0, ""
    try:
        while listener.is_alive():
            listener.join(DRAWN_SECONDS)
            now = time.monotonic()
            told = stage.told() if stage.said else begin
            if drawn:
                out.write(f"\r\x1b[K{told} · {now - start:.0f} s")
            elif told.split(":")[0] != shown or now - last >= QUIET_SECONDS:
                out.write(f"{told} · {now - start:.0f} s\n")
                last, shown = now, told.split(":")[0]
            out.flush()
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        out.write("\n" if drawn else "")
        sys.exit(130)
    out.write("\r\x1b[K" if drawn else "")
    if code:
        sys.stderr.write("\n".join(stage.said[-LINES_ON_FAILURE:]) + "\n")
        sys.exit(code)
    out.write(f"{end(stage)} · {time.monotonic() - start:.0f} s\n")
    out.flush()


def _listen(process: subprocess.Popen[str], stage: Stage) -> None:
    for line in process.stdout or ():
        stage.hear(line.rstrip())


def pip(*words: str) -> list[str]:
    """The command; nothing that draws, asks, or looks for a newer pip."""
    options = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    return [sys.executable, "-u", "-m", "pip", "install", *options, *words]


def packages_installed(stage: Stage) -> str:
    """What came of a lock."""
    return f"installed {stage.wanted:,} package{'s' if stage.wanted > 1 else ''}" if stage.wanted else "all packages are there"


def installed(folder: Path) -> int:
    """Packages that lie in an environment."""
    return sum(1 for one in folder.iterdir() if one.name.endswith(".dist-info")) if folder.is_dir() else 0


def main() -> None:
    (name,) = sys.argv[1:]
    site = Path(sysconfig.get_path("purelib"))

    def count() -> int:
        return installed(site)

    # All that the lock names comes by its digest; what it does not name yet (a test says so) by its version alone.
    lock = pip("--require-hashes", "--requirement", str(ROOT / "locks" / f"{name}.txt"))
    follow(lock, "asking for packages", packages_installed, count, sys.stdout)
    own = pip("--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[{name}]")
    follow(own, "building the kernels", lambda _: "built the kernels of graphdet", count, sys.stdout)


if __name__ == "__main__":
    main()
