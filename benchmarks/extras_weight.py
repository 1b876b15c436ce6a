"""What each extra weighs on disk: its packages and all that they ask for, as they lie in this environment.

Every file that a package's record names is counted as blocks on disk, with the bytecode beside it; what an installation without extras has
already is not counted again. Run it where all extras are installed, as `make test` does, after a run or two: Python writes bytecode of
what it imports when it first does.

    python benchmarks/extras_weight.py
"""

from __future__ import annotations

import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from results_io import ROOT, markdown_row, write_result

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LARGE = 0.05  # of an extra: a package that is named by itself


def main() -> None:
    base = closure(PROJECT["dependencies"])
    found = {"none": base}
    for extra in PROJECT["optional-dependencies"]:
        if extra != "development":
            found[extra] = {name: size for name, size in closure(wanted(extra)).items() if name not in base}
    machine = f"{platform.system()} {platform.machine()} with Python {platform.python_version()}"
    lines = [
        "# What extras weigh",
        "",
        f"Megabytes of packages on disk, on {machine}; an extra's are those that it adds to an installation without extras.",
        "Some extras share packages.",
        "",
        "| extra | packages | MB | of which |",
        "|---|---|---|---|",
    ]
    for extra, own in found.items():
        heavy = sorted(((size, name) for name, size in own.items() if size >= LARGE * sum(own.values())), reverse=True)
        told = ", ".join(f"{name} {size:,.0f}" for size, name in heavy)
        lines.append(markdown_row([extra, str(len(own)), f"{sum(own.values()):,.0f}", told]))
    text = "\n".join(lines) + "\n"
    write_result("extras_weight", found, text, ("extras",))
    print(text)


def wanted(extra: str) -> list[str]:
    """The requirements of an extra, and of those that it holds."""
    found: list[str] = []
    for line in PROJECT["optional-dependencies"][extra]:
        held = re.fullmatch(r"graphdet\[(.*)\]", line)
        found += [one for name in held[1].split(",") for one in wanted(name)] if held else [line]
    return found


def closure(requirements: Iterable[str]) -> Mapping[str, float]:
    """Package → megabytes, of all that is asked for on this machine."""
    found: dict[str, float] = {}
    waiting, seen = [Requirement(one) for one in requirements], set()
    while waiting:
        asked = waiting.pop()
        for extra in {"", *asked.extras}:
            if (asked.name, extra) in seen:
                continue
            seen.add((asked.name, extra))
            package = metadata.distribution(asked.name)
            found[package.name] = found.get(package.name) or weight(package)
            needs = [Requirement(one) for one in package.requires or ()]
            waiting += [one for one in needs if one.marker is None or one.marker.evaluate({"extra": extra})]
    return dict(sorted(found.items()))


def weight(package: metadata.Distribution) -> float:
    """Megabytes of its files on disk, and of their bytecode."""
    files: set[Path] = set()
    for one in package.files or ():
        path = Path(str(package.locate_file(one)))
        files.add(path)
        files.update((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc") if path.suffix == ".py" else ())
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
