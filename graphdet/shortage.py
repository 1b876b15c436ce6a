"""What the machine has too little of, disk or memory, whatever a library made of it → one line that names it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from graphdet.whole import is_full, why

MEMORY = "too little memory for this; give --sample or --since for a part of the log, fewer --threads, or a machine with more."
OUT_OF_MEMORY = (
    "bad_alloc",
    "OutOfMemory",
    "Out of Memory",
    "not enough memory",
    "failed to allocate",
    "malloc of size",
    "can't start new thread",
    "Cannot allocate memory",
    "failed to map segment",
    "cannot allocate memory",
)
# Limits of a process's memory (`ulimit -v`, `ulimit -d`): the line of /proc/self/status that counts what they limit, and how many bytes
# the libraries alone need; with less some of them end the process, or wait for ever, while they are loaded.
LIMITS = {"RLIMIT_AS": ("VmPeak", 1 << 30), "RLIMIT_DATA": ("VmData", 1 << 29)}
NEAR = 0.5  # of a limit: who has used so much of it may have been refused the rest


def ran_out(error: BaseException) -> bool:
    """Whether an error is about the disk or the memory, and so not about the file that was being read or written."""
    return is_full(error) or lacks_memory(error)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left; libraries tell it in words alone."""
    return isinstance(error, MemoryError) or any(words in f"{type(error).__name__} {error}" for words in OUT_OF_MEMORY)


def shortage(error: BaseException) -> str:
    """What the machine has too little of, in one line; nothing where the error is another."""
    told: BaseException | None = error
    while told is not None:
        if is_full(told):
            place = getattr(told, "filename", None)
            reason = why(told) if isinstance(told, OSError) else "the disk is full: No space left on device; free some space"
            return f"{place or 'a file'} cannot be written: {reason}, or set TMPDIR to a folder on another disk if it is the temporary one."
        if lacks_memory(told):
            return MEMORY
        told = told.__cause__ or told.__context__
    near = _near_a_limit()
    return f"{near}, and there an error came up ({type(error).__name__}): {MEMORY}" if near else ""


def too_low_a_limit() -> str:
    """A limit of memory under which nothing could be read, in one line; nothing where there is none."""
    for name, (_, least) in LIMITS.items():
        limit = _limit(name)
        if limit is not None and limit < least:
            flag = "-v" if name == "RLIMIT_AS" else "-d"
            return f"memory is limited to {limit >> 20} MB (ulimit {flag}), and at least {least >> 20} MB are needed; raise the limit."
    return ""


def _near_a_limit() -> str:
    """A limit of memory of which half or more was used; libraries that are refused memory may fail in ways that tell nothing of it."""
    with contextlib.suppress(OSError, ValueError):
        told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines())
        for name, (counted, _) in LIMITS.items():
            limit, used = _limit(name), int(told[counted].split()[0]) << 10
            if limit is not None and used > NEAR * limit:
                return f"memory is limited to {limit >> 20} MB, {used >> 20} MB are used"
    return ""


def _limit(name: str) -> int | None:
    import resource

    soft, _ = resource.getrlimit(getattr(resource, name))
    return None if soft == resource.RLIM_INFINITY else soft


def memory_now() -> int:
    """Bytes that this process holds now."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
