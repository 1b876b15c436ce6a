"""Tables and meta → a run folder on disk: all of it or nothing, whatever moment the process dies at.

A folder is written under another name and renamed when whole, so a half-written one is never mistaken for a run. Tables of a run that is
being made are written as soon as each is ready, beside what is worked on then, and dropped: together they are larger than the log.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphdet.errors import RunError, RunExists
from graphdet.run.consistency import check_table
from graphdet.run.loading import ChangedTables, CheckedTables, read_table
from graphdet.whole import is_full, whole_folder, why

AT_ONCE = 2  # tables that are written beside each other
ROWS = 1 << 20  # of a table that are written at once, and read again at once
KEPT = ("rings", "members")  # small, and what other tables are checked against


def require_free(folder: Path) -> None:
    """Nothing may stand in the way of a run that is to be saved in `folder`; asked before the work, since an answer after it is dear.

    Raises:
        RunExists: it is a file, or a folder that holds anything.
        RunError: the place cannot be written to.
    """
    if folder.is_dir():
        if (folder / "run.json").is_file():
            raise RunExists(f"{folder}: holds a run already; choose another --out, or remove that folder first.")
        found = next(iter(sorted(path.name for path in folder.iterdir())), None)
        if found is not None:
            raise RunExists(f"{folder}: is not empty (found {found!r}); choose another --out.")
        if folder.resolve().is_mount():
            raise RunError(f"{folder}: is a mount point, which cannot be replaced in one step; choose a folder inside it for --out.")
    elif folder.exists() or folder.is_symlink():
        raise RunExists(f"{folder}: is not a folder; choose another --out.")
    above = folder.resolve().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{folder}: cannot be made, since {above} is no folder that may be written to; choose another --out.")


class GrowingTables(CheckedTables):
    """Tables of a run that is being made: each is checked, written and dropped, and read again where it is asked for later.

    Raises:
        ValueError: a table contradicts its schema or another; told when others are added, or at the end.
        RunError: the disk does not allow it; told likewise.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder, self._target = folder, target
        self._names: list[str] = []
        self._here: dict[str, pa.Table] = {}
        self._jobs: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def update(self, tables: Mapping[str, pa.Table]) -> None:
        """Add tables; those that are checked against each other cost least together, since none has to be read again."""
        for job in self._jobs:
            if job.done():
                job.result()
        self._here.update(tables)
        self._names += tables
        self._jobs.append(self._pool.submit(self._check, list(tables)))

    def __getitem__(self, name: str) -> pa.Table:
        table = self._here.get(name)  # asked once: it may be dropped meanwhile
        if table is not None:
            return table
        if name not in self._names:
            raise KeyError(name)
        return read_table(self._folder / f"{name}.parquet", name)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # whether it is there can be told without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def finish(self, rest: Mapping[str, pa.Table]) -> None:
        """Wait until all are written, and then write the rest, or others in place of some, which were checked before."""
        self._wait()
        self._here.update(rest)
        self._jobs = [self._pool.submit(self._write, name) for name in rest]
        self._wait()
        self._pool.shutdown()

    def stop(self) -> None:
        """Begin to write no other; what is being written just now may go on."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self) -> None:
        while self._jobs:  # some come while others are waited for
            self._jobs.pop(0).result()

    def _check(self, names: list[str]) -> None:
        for name in names:
            check_table(name, self._here[name], self)
        self._jobs += [self._pool.submit(self._write, name) for name in names]

    def _write(self, name: str) -> None:
        path = self._folder / f"{name}.parquet"
        with _telling(self._target):
            path.unlink(missing_ok=True)
            _write_table(path, self._here[name])
        if name not in KEPT:
            del self._here[name]


class RunWriter:
    """A run folder that is being made; it stands once `finish` was told the rest, and never if the block ends before.

    Raises:
        RunExists: the folder holds something already.
        RunError: the disk or the rights do not allow it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._tables: GrowingTables | None = None

    def __enter__(self) -> RunWriter:
        return self

    def begin(self) -> GrowingTables:
        """Where a run's tables go as soon as each is ready; for `detect`. Nothing is written before."""
        require_free(self._folder)
        with _telling(self._folder):
            self._partial = self._stack.enter_context(whole_folder(self._folder))
        self._tables = GrowingTables(self._partial, self._folder)
        return self._tables

    def finish(self, tables: Mapping[str, pa.Table], meta: dict[str, Any]) -> None:
        """Write what of a run's tables is not here yet, and run.json; the folder stands then."""
        base, changed = (tables.base, tables.changed) if isinstance(tables, ChangedTables) else (tables, dict[str, pa.Table]())
        begun = self._tables or self.begin()
        begun.finish(changed if base is begun else tables)
        with _telling(self._folder):
            with (self._partial / "run.json").open("x", encoding="utf-8") as text:
                json.dump(meta, text, ensure_ascii=False, indent=1)
                text.write("\n")
            self._stack.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._tables is not None:
            self._tables.stop()
        given_up = error or InterruptedError()  # else a folder that nobody finished would take its place
        self._stack.__exit__(type(given_up), given_up, trace)


@contextlib.contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """What the system says becomes what helps."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            require_free(folder)  # the rename is refused where another run took the place meanwhile
        raise RunError(f"{folder}: the run cannot be written ({why(error)}); choose another --out.") from None


def _write_table(path: Path, table: pa.Table) -> None:
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]  # numbers seldom come twice
    table = table.replace_schema_metadata(None)
    with path.open("xb") as file, pq.ParquetWriter(file, table.schema, compression="zstd", use_dictionary=words) as writer:
        # Whole chunks: page limits, and so bytes, must not depend on how the table was put together.
        for begin in range(0, max(len(table), 1), ROWS):
            writer.write_table(table.slice(begin, ROWS).combine_chunks(), ROWS)
