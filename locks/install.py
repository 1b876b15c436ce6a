"""Installs what a lock names, and graphdet with its kernels, with a line that moves: packages so far, seconds of the build.

python locks/install.py light        # what `make demo` needs, into the environment of this Python
python locks/install.py all          # the network and the lab, too
python locks/install.py development  # and `make test`

Most of the time goes into unpacking, which pip does one file after the other: so the lock is dealt out to several, and the kernels are
built beside them. A lock names everything, so none of them has to work out what else is needed; at the end it is made sure.
On a terminal the line is drawn anew; elsewhere (in CI, in a file) there is one where another stage begins, and every twenty seconds.
If pip fails, its words are shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
QUIET_SECONDS = 20.0  # between two lines where they stay
DRAWN_SECONDS = 0.5  # between two drawings of the line on a terminal
LINES_ON_FAILURE = 40
MOST_AT_ONCE = 4  # of pip: beyond it the disk is what is waited for
# Packages that weigh more than the rest, in units of ten megabytes on disk (Linux); any other counts for one.
WEIGHT = {
    "torch": 120, "triton": 100, "nvidia-cudnn-cu13": 90, "nvidia-cublas": 75, "nvidia-nccl-cu13": 35, "nvidia-cusparselt-cu13": 25,
    "nvidia-cusparse": 20, "nvidia-cusolver": 20, "nvidia-cufft": 20, "nvidia-cuda-nvrtc": 20, "nvidia-nvshmem-cu13": 15, "pyarrow": 17,
    "scipy": 11, "pandas": 8, "sympy": 8, "scikit-learn": 5, "networkit": 5, "numpy": 4, "matplotlib": 3, "sqlalchemy": 3, "bokeh": 3,
}  # fmt: skip


@dataclass
class Stage:
    """One call of pip, as its own words tell it.

    Attributes:
        fetched: packages that it has found, in its cache or elsewhere.
        wanted: packages that it installs, once it says so.
        building: whether it builds graphdet now.
    """

    fetched: int = 0
    wanted: int = 0
    building: bool = False
    said: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """One line that pip says."""
        self.said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self.fetched += 1
        elif line.startswith("Installing collected packages: "):
            self.wanted, self.building = line.count(",") + 1, False
        elif re.match(r"\s*(Building (editable|wheel) for graphdet|Installing build dependencies)", line):
            self.building = "finished" not in line


@dataclass
class Installing:
    """Several calls of pip at once, told as one.

    Attributes:
        count: how many packages are installed now.
    """

    count: Callable[[], int]
    stages: list[Stage]

    def __post_init__(self) -> None:
        self.had = self.count()

    @property
    def wanted(self) -> int:
        """Packages that they install, as far as they have said so."""
        return sum(stage.wanted for stage in self.stages)

    def told(self) -> str:
        """Where they are."""
        fetched = sum(stage.fetched for stage in self.stages)
        parts = []
        if self.wanted:
            parts.append(f"installing packages: {min(max(self.count() - self.had, 0), self.wanted):,} of {self.wanted:,}")
        elif fetched:
            parts.append(f"fetching packages: {fetched:,} so far")
        if any(stage.building for stage in self.stages):
            parts.append("building the kernels")
        return ", ".join(parts)


def follow(commands: Sequence[Sequence[str]], begin: str, end: Callable[[Installing], str], count: Callable[[], int], out: TextIO) -> None:
    """Run calls of pip at once and tell how far they are, to the end.

    Args:
        begin, end: what is said before the first of their words, and once they are done.

    Raises:
        SystemExit: one failed; what it said last stands on stderr.
    """
    found, start = Installing(count, [Stage() for _ in commands]), time.monotonic()
    drawn = out.isatty()
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # noqa: S603 - pip
        for command in commands
    ]
    listeners = [threading.Thread(target=_listen, args=pair, daemon=True) for pair in zip(processes, found.stages, strict=True)]
    for listener in listeners:
        listener.start()
    last, shown = 0.0, ""
    try:
        while any(listener.is_alive() for listener in listeners):
            time.sleep(DRAWN_SECONDS if drawn else DRAWN_SECONDS / 5)
            now = time.monotonic()
            told = found.told() or begin
            stage = re.sub(r"[\d,]+ ", "", told)
            if drawn:
                out.write(f"\r\x1b[K{told} · {now - start:.0f} s")
            elif stage != shown or now - last >= QUIET_SECONDS:
                out.write(f"{told} · {now - start:.0f} s\n")
                last, shown = now, stage
            out.flush()
            if any(process.poll() for process in processes):
                break
        codes = [process.poll() or 0 for process in processes]
        if not any(codes):
            codes = [process.wait() for process in processes]
    except KeyboardInterrupt:
        _stop(processes)
        out.write("\n" if drawn else "")
        sys.exit(130)
    out.write("\r\x1b[K" if drawn else "")
    if any(codes):
        _stop(processes)
        place = next(place for place, code in enumerate(codes) if code)
        listeners[place].join(1)
        sys.stderr.write("\n".join(found.stages[place].said[-LINES_ON_FAILURE:]) + "\n")
        sys.exit(codes[place])
    out.write(f"{end(found)} · {time.monotonic() - start:.0f} s\n")
    out.flush()


def _stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        process.wait()


def _listen(process: subprocess.Popen[str], stage: Stage) -> None:
    for line in process.stdout or ():
        stage.hear(line.rstrip())


def pip(*words: str) -> list[str]:
    """The command; nothing that draws, asks, or looks for a newer pip."""
    options = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    return [sys.executable, "-u", "-m", "pip", "install", *options, *words]


def packages_installed(found: Installing) -> str:
    """What came of a lock."""
    return f"installed {found.wanted:,} package{'s' if found.wanted > 1 else ''}" if found.wanted else "all packages are there"


def installed(folder: Path) -> int:
    """Packages that lie in an environment."""
    return sum(1 for one in folder.iterdir() if one.name.endswith(".dist-info")) if folder.is_dir() else 0


def deal(lock: str, hands: int) -> list[str]:
    """A lock as several, of about the same weight; each package with its digests."""
    packages = [one for one in re.split(r"\n(?=[A-Za-z0-9])", "\n" + lock) if re.match(r"[A-Za-z0-9][\w.-]*==", one.lstrip("\n"))]
    heaviest = sorted(((WEIGHT.get(re.split("==", one.strip())[0], 1), one.strip()) for one in packages), reverse=True)
    dealt: list[list[str]] = [[] for _ in range(hands)]
    weights = [0] * hands
    for weight, one in heaviest:
        least = weights.index(min(weights))
        dealt[least].append(one)
        weights[least] += weight
    return ["\n".join(hand) + "\n" for hand in dealt if hand]


def main() -> None:
    (name,) = sys.argv[1:]
    site = Path(sysconfig.get_path("purelib"))

    def count() -> int:
        return installed(site)

    with tempfile.TemporaryDirectory() as folder:
        # All that the lock names comes by its digest, and nothing else. Python writes bytecode of what it imports when it first does.
        commands = []
        for place, part in enumerate(deal((ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8"), hands())):
            path = Path(folder) / f"{place}.txt"
            path.write_text(part, encoding="utf-8")
            commands.append(pip("--no-deps", "--no-compile", "--require-hashes", "--requirement", str(path)))
        commands.append(pip("--no-deps", "--editable", str(ROOT)))
        follow(commands, "asking for packages", packages_installed, count, sys.stdout)
    # What the lock does not name yet (a test says so) comes by its version alone; as a rule there is nothing left to do.
    whole = subprocess.run(pip("--no-index", "--quiet", f"graphdet[{name}]"), capture_output=True, check=False)  # noqa: S603 - pip
    if whole.returncode:
        rest = pip("--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[{name}]")
        follow([rest], "looking for what the lock lacks", packages_installed, count, sys.stdout)


def hands() -> int:
    """How many calls of pip unpack at once."""
    return max(min(os.cpu_count() or 1, MOST_AT_ONCE), 1)


if __name__ == "__main__":
    main()
