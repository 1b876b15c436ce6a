"""What must not outlive its use: plain copies of compressed logs, what spills from memory, and whatever else is to be cleared.

The folder for it is the owner's alone, and is gone when its block ends, at the latest when the process is told to end (`clear_scratch`).
What a killed process left is cleared by the next one: a folder whose lock nobody holds is nobody's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from graphdet.errors import NoScratch

PREFIX = "graphdet-scratch-"
LOCK, UNNAMED = "lock", "lock.new"
UNLOCKED = 3600.0  # seconds after which a folder without a lock is taken for a dead process's: making the lock takes milliseconds
_clearings: set[Callable[[], None]] = set()


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder (mode 700) below the temporary folder, for as long as the block lasts.

    Raises:
        NoScratch: no folder for temporary files can be written to, or there is no room in any.
    """
    try:
        parent = Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # Python's own search for one, which tells full disks and missing rights alike
        raise NoScratch(
            "no folder for temporary files: none of those in use (TMPDIR, /tmp, /var/tmp, this one) can be written to; "
            "make room there, or set TMPDIR to a folder that can."
        ) from error
    _clear_leftovers(parent)
    outer = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with cleared_at_the_end(partial(remove, outer)):
        lock = _take_lock(outer)
        try:
            inner = outer / "files"
            inner.mkdir(mode=0o700)
            yield inner
        finally:
            remove(outer)
            os.close(lock)


@contextlib.contextmanager
def cleared_at_the_end(clear: Callable[[], None]) -> Iterator[None]:
    """`clear` is called when the block ends, or before that when the process is told to end; it may be called twice."""
    _clearings.add(clear)
    try:
        yield
    finally:
        clear()
        _clearings.discard(clear)


def remove(folder: Path) -> None:
    """A folder with all that is in it, though threads may still write to it: under another name they do not find it."""
    gone = folder.with_name(f"{folder.name}-gone")
    with contextlib.suppress(OSError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def new_file(folder: Path) -> Path:
    """A new empty file that its owner alone may read (mode 600)."""
    handle, name = tempfile.mkstemp(".txt", "", folder)
    os.close(handle)
    return Path(name)


def clear_scratch() -> None:
    """Clear now whatever this process has yet to clear; for a process that is about to end."""
    for clear in list(_clearings):
        clear()


def _take_lock(folder: Path) -> int:
    """A lock on the folder, held until the handle is closed or the process dies; it has its name only once it is held."""
    unnamed = folder / UNNAMED
    handle = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: the folder stays if the process is killed
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(folder / LOCK)
    return handle


def _clear_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            state = folder.lstat()
            if not folder.is_symlink() and folder.is_dir() and state.st_uid == os.getuid() and _is_dead(folder, state.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path, changed: float) -> bool:
    """Whether no process holds the folder's lock; one that has none yet may be just being made."""
    old = time.time() - changed > UNLOCKED
    for name in (LOCK, UNNAMED):
        try:
            handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(handle)
        return name == LOCK or old
    return old
