"""What is written is there whole or not at all: written beside its place, synced, and renamed into it, whatever moment the process dies at.

A half-written file or folder lies in a folder of its own beside the target, under a lock; what a killed process left there is
removed by the next that writes to the same place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from graphdet.scratch import cleared_at_the_end, remove

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SQLITE_FULL = 13  # as sqlite3 has it, which need not be loaded for this


def why(error: OSError) -> str:
    """Why something could not be written, for people; a full disk is named as what it is."""
    if error.errno in FULL:
        return f"the disk is full or its quota is used up: {error.strerror}; free some space"
    return error.strerror or str(error) or type(error).__name__


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk has no room left: by its number, and in words only where it is of a kind that has none."""
    if isinstance(error, OSError):
        return error.errno in FULL
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return bool(code & 0xFF == SQLITE_FULL)
    return os.strerror(errno.ENOSPC) in str(error)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write a file that is to stand at `path`, in place of an older one, once the block ends without an error.

    Raises:
        OSError: the disk or the rights do not allow it.
    """
    target = path.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "no file, but a folder or a device, stands there", str(target))
    with _beside(target) as folder:
        partial = folder / target.name
        yield partial
        sync(partial)
        partial.replace(target)
    sync(target.parent)


@contextlib.contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty folder that is to stand at `path` once the block ends without an error; nothing, or an empty folder, may stand there.

    Args:
        path: folders above it are made.
        replace: a folder that stands there goes, once the new one is whole.

    Raises:
        OSError: the disk or the rights do not allow it, or another stands there.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as folder:
        partial = folder / "new"
        partial.mkdir()
        yield partial
        for inner in [partial, *partial.rglob("*")]:
            sync(inner)
        if replace and target.is_dir():
            target.rename(folder / "old")
        partial.rename(target)
    sync(target.parent)


@contextlib.contextmanager
def whole_or_gone(path: Path) -> Iterator[None]:
    """A folder that is made in several steps, each of which tells where it stands; it goes if the block does not end well.

    Nothing, or an empty folder, may stand there before. What a killed process left of it stays.
    """
    stood, done = path.is_dir(), False

    def clear() -> None:
        if not done:
            remove(path)
            if stood:
                path.mkdir()

    with cleared_at_the_end(clear):
        yield
        done = True


def sync(path: Path) -> None:
    """What was written to a file or folder is on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A locked folder beside `target`, gone afterwards; the lock tells it from a dead process's leftover."""
    _clear_leftovers(target)
    while True:
        folder = target.parent / f"{_leftover_prefix(target)}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        handle = _lock(folder, wait=True)
        if folder.is_dir():
            break
        if handle is not None:  # another took it for a leftover before the lock was on
            os.close(handle)

    def clear() -> None:
        old = folder / "old"
        if old.is_dir() and not target.exists():  # the new one could not take its place
            old.rename(target)
        remove(folder)

    try:
        with cleared_at_the_end(clear):
            yield folder
    finally:
        if handle is not None:
            os.close(handle)


def _clear_leftovers(target: Path) -> None:
    """Remove what killed processes left beside `target`; those still being written hold a lock."""
    for leftover in target.parent.iterdir():
        handle = _lock(leftover) if leftover.name.startswith(_leftover_prefix(target)) else None
        if handle is not None:
            if (leftover / "old").is_dir() and not target.exists():  # killed between two renames
                (leftover / "old").rename(target)
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
