"""A run folder → what the console shows of it, prepared by a process of its own: `python -m graphdet.console.preparing RUN PLACE [RING…]`.

First come the scores and events in order of their ids, then the pages of all rings, as the queue has them; what is asked for on standard
input, a ring's id a line, comes before all others. Each page that is there is told on standard output: its ring's id, and a word
of what failed. The process ends when nobody asked for a while, or when its input ends. Where rings are named, as of a run long past whose
accounts are still on a list, their pages alone are made.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.console.prepared import ALL, EVENTS, INDEX, PAGES, PLACES, SCORES, TOLD, Prepared
from graphdet.errors import GraphdetError
from graphdet.printable import inert
from graphdet.replay.recorded import Recorded
from graphdet.report.data import ring_data
from graphdet.run.folder import Run, RunRing
from graphdet.schema import NODE_TYPES, TIERS
from graphdet.whole import whole_file, why

ABOUT = "/about"  # the page of an account, item …
IDLE_SECONDS = 300.0
GRACE_SECONDS = 5.0  # for a page that is being made when the console goes
NICE = 10  # whoever clicks goes first


def prepare(folder: Path, place: Path, asked: queue.Queue[str]) -> Iterator[str]:
    """Prepare a run, and tell of each part that is there.

    Args:
        folder: of the run.
        place: where to write; what is there already stays.
        asked: ids of rings that somebody waits for; '' ends the work.

    Yields:
        INDEX, then ids of rings, each with a tab and a reason where its page could not be made.

    Raises:
        GraphdetError: the run is damaged, or holds no dossiers; the index may be there by then.
        OSError: nothing can be written.
    """
    (place / PAGES).mkdir(mode=0o700, parents=True, exist_ok=True)
    run = Run.load(folder)
    if not Prepared(place).is_indexed:
        write_index(run, place)
    yield INDEX
    recorded = Recorded(run)
    rings = {ring.id: ring for ring in recorded.rings(run.rings.num_rows)}
    left = [name for name in reversed(as_in_the_queue(run)) if not (place / PAGES / name).exists()]
    while True:
        try:
            name = asked.get_nowait() if left else asked.get(timeout=IDLE_SECONDS)
            if not name:
                return
        except queue.Empty:
            if not left:
                return
            name = left.pop()
        if name not in rings:
            yield f"{name}\tno such ring"
        elif (place / PAGES / name).exists():
            yield name
        else:
            yield _made(recorded, rings[name], place)


def as_in_the_queue(run: Run) -> list[str]:
    """A run's rings in the order in which a house without verdicts is asked about them: alerts first, each tier worth most first."""
    rows = run.rings.select(["ring_id", "tier", "chance", "at_stake", "rank"]).to_pylist()
    rows.sort(key=lambda row: (TIERS.index(row["tier"]), -(row["chance"] or 0.0) * (row["at_stake"] or 0.0), row["rank"]))
    return [row["ring_id"] for row in rows]


def prepare_some(folder: Path, place: Path, names: Collection[str]) -> Iterator[str]:
    """Prepare the pages of some rings alone; those that are not in the run are passed over.

    Yields:
        Ids of rings, as `prepare` does.

    Raises:
        GraphdetError: the run is damaged, or holds no dossiers.
        OSError: nothing can be written.
    """
    (place / PAGES).mkdir(mode=0o700, parents=True, exist_ok=True)
    recorded = Recorded(run := Run.load(folder))
    missing = set(names) - Prepared(place).told().keys()
    for ring in recorded.rings(run.rings.num_rows):
        if ring.id in missing:
            yield _made(recorded, ring, place)


def write_index(run: Run, place: Path) -> None:
    """Scores by id; events in order of time; and which of them each node has, by id. The last of the three is written last."""
    scores = run.scores.sort_by([("node_id", "ascending"), ("node_type", "ascending")])
    _write(scores, place / SCORES)
    events = run.events if run.events is not None else pa.table({})
    _write(events, place / EVENTS)
    parts = [_places(events[kind.column], kind.name) for kind in NODE_TYPES if kind.column in events.column_names]
    none = pa.schema({"node_type": pa.string(), "node_id": pa.string(), "events": pa.list_(pa.int64())}).empty_table()
    _write(pa.concat_tables([none, *parts]).sort_by([("node_id", "ascending"), ("node_type", "ascending")]), place / PLACES)


def _places(column: pa.ChunkedArray, node_type: str) -> pa.Table:
    """Each id of a column of events, and the rows that have it, in their order."""
    found = column.combine_chunks().dictionary_encode()
    ids, codes = found.dictionary, np.asarray(pc.fill_null(found.indices, -1).to_numpy(zero_copy_only=False))
    rows = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[rows], np.arange(len(ids) + 1)).astype(np.int32)
    own = pa.ListArray.from_arrays(pa.array(starts - starts[0]), pa.array(rows[starts[0] :], pa.int64()))
    return pa.table({"node_type": pa.array([node_type] * len(ids), pa.string()), "node_id": ids, "events": own})


def _write(table: pa.Table, path: Path) -> None:
    with whole_file(path) as partial, pa.OSFile(str(partial), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def _made(recorded: Recorded, ring: RunRing, place: Path) -> str:
    try:
        data = ring_data(recorded, ring)
    except GraphdetError as error:
        return f"{ring.id}\t{error}"
    except Exception as error:  # a fault at one ring keeps none of the others from its page; the message may name people
        return f"{ring.id}\t{type(error).__name__}, a fault of graphdet"
    with whole_file(place / PAGES / ring.id) as partial:
        partial.write_bytes(zlib.compress(inert({**data, "about": ABOUT}).encode()))
    dossier = data["dossiers"][0]
    reasons = list(dict.fromkeys(one["code"] for one in dossier["reasons"] if one["side"] == "for"))
    with (place / TOLD).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"ring": ring.id, "tactics": dossier["kinds"], "reasons": reasons}) + "\n")
    return ring.id


def main() -> None:
    """Prepare the run of the first argument at the second, or of it the rings that are named."""
    os.nice(NICE)
    asked: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            asked.put(line.strip())
        asked.put("")
        time.sleep(GRACE_SECONDS)
        os._exit(0)  # the console is gone, and tables are still read for nobody

    def tell(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    folder, place, *named = sys.argv[1:]
    if not named:
        threading.Thread(target=listen, daemon=True).start()
    try:
        for told in prepare_some(Path(folder), Path(place), named) if named else prepare(Path(folder), Path(place), asked):
            tell(told)
    except BrokenPipeError:
        os._exit(0)  # the console is gone
    except GraphdetError as error:
        tell(f"{ALL}\t{error}")
    except OSError as error:
        tell(f"{ALL}\t{why(error)}")


if __name__ == "__main__":
    main()
