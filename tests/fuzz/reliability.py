"""What a soak counted → the table in docs/reliability.md: how much was tried, and what came of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TALLIES, DOCUMENT = ROOT / "tests" / "fuzz" / "tally.jsonl", ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- what was tried, by tests/fuzz/reliability.py -->", "<!-- end of what was tried -->"


def table(lines: list[str]) -> str:
    """Markdown: one row for each kind, the tallies of several soaks added up."""
    found: dict[str, Counter[str]] = {}
    for line in lines:
        told = json.loads(line)
        found.setdefault(told.pop("kind"), Counter()).update(told)
    rows = [
        f"| {kind} | {own['tried']:,} | {own['taken']:,} | {own['refused']:,} | {own['failed']:,} |" for kind, own in sorted(found.items())
    ]
    return "\n".join(["| what | tried | taken, or whole | refused in one line, or absent | failed |", "|---|---:|---:|---:|---:|", *rows])


def renewed(document: str, lines: list[str]) -> str:
    """The document with the table made anew."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(lines)}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    if not TALLIES.exists():
        sys.exit(f"{TALLIES}: nothing was counted yet; `make soak` does.")
    text = renewed(DOCUMENT.read_text(encoding="utf-8"), TALLIES.read_text(encoding="utf-8").splitlines())
    DOCUMENT.write_text(text, encoding="utf-8")
