"""A folder that one process has to itself, whatever becomes of the process: the system's own lock on a file in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from graphdet.errors import GraphdetError
from graphdet.whole import why


@contextlib.contextmanager
def alone_in(folder: Path, lock: str, taken: GraphdetError, unusable: Callable[[str], GraphdetError]) -> Iterator[None]:
    """The folder is this process's alone for the block; made, and its owner's alone, where it is not there yet.

    Args:
        folder: what is held.
        lock: name of the file in it that carries the lock; the file stays.
        taken: raised where another process has the folder.
        unusable: the error to raise, by its reason, where the folder cannot be made or its file system knows no locks.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(why(error)) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise taken from None
        except OSError as error:
            raise unusable(f"its file system knows no locks: {why(error)}") from None
        yield
    finally:
        os.close(handle)
