"""Tables and meta → a run folder on disk: all of it or nothing, whatever moment the process dies at.

A folder is written under another name and renamed when whole, so a half-written one is never mistaken for a run.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphdet.errors import RunError, RunExists


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


def save_folder(folder: Path, tables: Mapping[str, pa.Table], meta: dict[str, Any]) -> None:
    """Write the tables and run.json into `folder`, which must not exist yet or be empty.

    Raises:
        RunExists: the folder holds something already.
        RunError: the disk or the rights do not allow it.
    """
    require_free(folder)
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(target)
        with _half_written(target) as partial:
            for name, table in tables.items():
                _write_table(partial / f"{name}.parquet", table)
            with (partial / "run.json").open("x", encoding="utf-8") as text:
                json.dump(meta, text, ensure_ascii=False, indent=1)
                text.write("\n")
                text.flush()
                os.fsync(text.fileno())
            _flush_folder(partial)
            partial.rename(target)
        _flush_folder(target.parent)
    except OSError as error:
        require_free(folder)  # the rename is refused where another run took the place meanwhile
        raise RunError(f"{folder}: the run cannot be written ({error.strerror}); choose another --out.") from None


def _write_table(path: Path, table: pa.Table) -> None:
    with path.open("xb") as file:
        # One chunk: page limits, and so bytes, must not depend on how the table was put together.
        pq.write_table(table.replace_schema_metadata(None).combine_chunks(), file, compression="zstd")
        os.fsync(file.fileno())


@contextlib.contextmanager
def _half_written(target: Path) -> Iterator[Path]:
    """A locked folder beside `target`, gone afterwards unless it was renamed; the lock tells it from a dead run's leftover."""
    while True:
        partial = target.parent / f"{_leftover_prefix(target)}{secrets.token_hex(4)}"
        partial.mkdir()
        handle = _lock(partial, wait=True)
        if partial.is_dir():
            break
        if handle is not None:  # another save took it for a leftover before the lock was on
            os.close(handle)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _clear_leftovers(target: Path) -> None:
    """Remove what killed runs left beside `target`; those still being written hold a lock."""
    for leftover in target.parent.iterdir():
        handle = _lock(leftover) if leftover.name.startswith(_leftover_prefix(target)) else None
        if handle is not None:
            shutil.rmtree(leftover, ignore_errors=True)
            os.close(handle)


def _leftover_prefix(target: Path) -> str:
    return f".{target.name}.graphdet-"


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """A handle that holds the folder's lock; None where it is gone, the file system knows no locks or, unless we `wait`, another has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
