"""Results and the code as it is → which of them were measured on other code, and how far that is away.

python benchmarks/stale.py    # one line for each result; exit 1 where one has no stamp
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from results_io import RESULTS, code_digests, git, read_stamps


def main() -> None:
    stamps, code = read_stamps(), code_digests()
    lost = unstamped()
    for name in sorted(stamps):
        print(f"{name}: {verdict(stamps[name], code)}")
    for name in lost:
        print(f"{name}: has no stamp")
    sys.exit(1 if lost else 0)


def unstamped() -> list[str]:
    """Results that no stamp tells of."""
    return sorted({path.stem for path in RESULTS.iterdir()} - {"stamps"} - set(read_stamps()))


def verdict(stamp: Mapping[str, Any], code: Mapping[str, str]) -> str:
    """Fresh, or stale: since when, and which rooms say something else now."""
    measured = stamp["commit"].rstrip("+")
    since = git("rev-list", "--count", f"{measured}..HEAD") if measured else ""
    away = f", {since} commits ago" if since and since != "0" else ""
    if stamp["code"] is None:
        return f"stale: measured before there were stamps, at {measured} or before{away}"
    changed = sorted(room for room, digest in stamp["code"].items() if code.get(room) != digest)
    return f"stale: measured at {stamp['commit'] or 'an unknown commit'}{away}; changed since: {', '.join(changed)}" if changed else "fresh"


if __name__ == "__main__":
    main()
