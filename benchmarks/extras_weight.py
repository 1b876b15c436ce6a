"""What each extra weighs on disk: packages as pip installs them, bytecode included, into an environment of their own.

An environment gets what graphdet needs without extras, and each extra is put into a copy of it; graphdet itself is not installed. What
weighs is the folder of packages, without pip and setuptools, which Python brings.

    python benchmarks/extras_weight.py                  # all extras
    python benchmarks/extras_weight.py --extras learn   # one
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from results_io import ROOT, markdown_row, write_result

from graphdet.extras import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LARGE = 0.1  # a part that is named by itself, of its extra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", nargs="+", default=[*EXTRAS, "light"], help="which, by the names of pyproject.toml")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bare = folder / "bare"
        subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True)
        before = parts(bare)
        install(bare, PROJECT["dependencies"])
        found = {"none": more_than(parts(bare), before)}
        for extra in options.extras:
            copy = folder / extra
            shutil.copytree(bare, copy, symlinks=True)
            install(copy, wanted(extra))
            found[extra] = more_than(parts(copy), parts(bare))
            shutil.rmtree(copy)
    rows = {extra: {"megabytes": sum(own.values()), "of which": named(own)} for extra, own in found.items()}
    machine = f"{platform.system()} {platform.machine()} with Python {platform.python_version()}"
    lines = [
        "# What extras weigh",
        "",
        f"Megabytes of packages on disk, bytecode included, on {machine}; an extra's are those that it",
        "adds to an installation without extras. Some extras share packages.",
        "",
        "| extra | MB | of which |",
        "|---|---|---|",
    ]
    for extra, row in rows.items():
        lines.append(
            markdown_row(
                [extra, f"{row['megabytes']:,.0f}", ", ".join(f"{name} {size:,.0f}" for name, size in named(found[extra]).items())]
            )
        )
    text = "\n".join(lines) + "\n"
    write_result("extras_weight", rows, text, ("extras",))
    print(text)


def wanted(extra: str) -> list[str]:
    """The requirements of an extra, of those that it holds, too."""
    found: list[str] = []
    for line in PROJECT["optional-dependencies"][extra]:
        held = re.fullmatch(r"graphdet\[(.*)\]", line)
        found += [one for name in held[1].split(",") for one in wanted(name)] if held else [line]
    return found


def install(environment: Path, packages: Sequence[str]) -> None:
    """By the versions of constraints.txt, with the environment's own pip."""
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *packages], check=True)


def parts(environment: Path) -> dict[str, float]:
    """Megabytes on disk of each entry of an environment's packages."""
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    return {one.name: sum(file.lstat().st_blocks * 512 for file in (one, *one.rglob("*"))) / 1e6 for one in site.iterdir()}


def more_than(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """What came, or grew."""
    return {name: size - before.get(name, 0.0) for name, size in now.items() if size > before.get(name, 0.0)}


def named(own: dict[str, float]) -> dict[str, float]:
    """The parts that weigh something of it, heaviest first."""
    heavy = {name: size for name, size in own.items() if size >= LARGE * sum(own.values())}
    return dict(sorted(heavy.items(), key=lambda pair: -pair[1]))


if __name__ == "__main__":
    main()
