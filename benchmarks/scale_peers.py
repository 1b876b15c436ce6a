"""What a user would run instead, by name, on a log file: each in a process of its own, so that `scale.py` can time it.

    python benchmarks/scale_peers.py pandas|cypher|coaction LOG.parquet… [--limit SECONDS]

`cypher` starts a Neo4j server of its own and stops it, also where the limit ends it; the time to load the log into it counts.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

PEERS = {
    "pandas": "pandas + networkx recipe",
    "cypher": "Cypher recipe on Neo4j",
    "coaction": "coordination-network-toolkit",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--limit", type=float, default=0.0, help="seconds; 0 = none")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, options.limit)
    print(f"{_FOUND[options.peer](options.logs):,} groups")


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("stopped at its limit")


def _pandas(logs: Sequence[str]) -> int:
    from pandas_recipe import find_groups

    return len(find_groups(list(logs)))


def _cypher(logs: Sequence[str]) -> int:
    from cypher_recipe import cypher_components, server_in

    from graphdet.events import read_events

    with tempfile.TemporaryDirectory() as folder, server_in(Path(folder) / "server") as session:
        return len(cypher_components(read_events(list(logs)), session=session).groups)


def _coaction(logs: Sequence[str]) -> int:
    from coaction import coaction

    from graphdet.events import read_events

    return len(coaction(read_events(list(logs))).groups)


_FOUND: dict[str, Callable[[Sequence[str]], int]] = {"pandas": _pandas, "cypher": _cypher, "coaction": _coaction}


if __name__ == "__main__":
    main()
