"""What a log says of a picture, and the folder that it is in → the file's bytes, or why there are none; nothing is ever fetched.

A log may be anybody's, and a path in it may want to be read from elsewhere: only plain files inside the folder are, step by step from that
folder down, so that no link leads out of it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from graphdet.shortage import ran_out

MOST_BYTES = 64 << 20
ADDRESS = r"(?i)^\s*([a-z][a-z0-9+.-]+://|//|(data|blob|file|about|javascript):)"  # also for Arrow, which knows no flags beside it
_ADDRESS = re.compile(ADDRESS)
_DRIVE = re.compile(r"[a-z]:", re.IGNORECASE)
_PLAIN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class PictureRefused(Exception):
    """Why a picture counts as missing, as a note says it after their number."""


GONE = "not there ([log] image_folder says where names start)"
NO_FOLDER = "in no folder that is known ([log] image_folder names it)"
ADDRESSES = "at addresses (nothing is fetched)"
OUTSIDE = "outside the log's folder"
CONTROLS = "with control characters in the name"
NO_FILE = "no plain file (a link, folder, pipe or device)"
LOCKED = "locked"
LARGE = f"of more than {MOST_BYTES >> 20} MB"


def read_inside(folder: Path | None, name: str) -> bytes:
    """The bytes of a file inside a folder.

    Args:
        folder: that of the log; None where the log came from a pipe.
        name: a relative path, as the log has it; a backslash parts folders as a slash does.

    Raises:
        PictureRefused: it is no plain file inside the folder, cannot be read, or is larger than `MOST_BYTES`.
    """
    parts = _parts(name)
    if folder is None:
        raise PictureRefused(NO_FOLDER)
    try:
        with ExitStack() as opened:
            at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, at)
            for part in parts[:-1]:
                _require(part, at, stat.S_ISDIR)
                at = os.open(part, _PLAIN | os.O_DIRECTORY, dir_fd=at)
                opened.callback(os.close, at)
            _require(parts[-1], at, stat.S_ISREG)
            file = os.open(parts[-1], _PLAIN, dir_fd=at)
            opened.callback(os.close, file)
            return _content(file)
    except OSError as error:
        if ran_out(error):
            raise
        raise PictureRefused(LOCKED if error.errno in (errno.EACCES, errno.EPERM, errno.EIO) else GONE) from None


def _parts(name: str) -> list[str]:
    """The steps of a path from the folder down."""
    if not name.isprintable():
        raise PictureRefused(CONTROLS)
    plain = name.replace("\\", "/")
    if _ADDRESS.match(plain):
        raise PictureRefused(ADDRESSES)
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in parts or not parts:
        raise PictureRefused(OUTSIDE)
    return parts


def _require(part: str, folder: int, is_kind: Callable[[int], bool]) -> None:
    """Before it is opened: to open a pipe or a device may do something."""
    mode = os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode
    if not is_kind(mode):
        raise PictureRefused(NO_FILE)


def _content(file: int) -> bytes:
    told = os.fstat(file)
    if not stat.S_ISREG(told.st_mode):  # another took its place
        raise PictureRefused(NO_FILE)
    if told.st_size > MOST_BYTES:
        raise PictureRefused(LARGE)
    with os.fdopen(os.dup(file), "rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:  # it grew
        raise PictureRefused(LARGE)
    return data
