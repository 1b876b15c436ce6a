"""Large arrays beyond what memory should hold → files without a name, which the system writes out and reads back as they are asked for.

NumPy's arrays and those of the kernels alike. Results do not hang on it, only how large a log a machine can take, and how long it takes.
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from graphdet.settings import MachineSettings

SHARE = 1 / 4  # of the memory that there is, which large arrays may take where no setting says
GROUPS = Path("/proc/self/cgroup")  # which control groups bound this process: lines of number:controllers:path
BOUNDS = {"": "/sys/fs/cgroup{}/memory.max", "memory": "/sys/fs/cgroup/memory{}/memory.limit_in_bytes"}  # of a group, by what bounds it


def spill_arrays(machine: MachineSettings) -> None:
    """From now on, in this process; for commands, since it stands between NumPy and its memory."""
    from graphdet import _kernels

    allowed = machine.arrays_gb * 1e9 if machine.arrays_gb else SHARE * usable_memory()
    _kernels.spill_beyond(tempfile.gettempdir(), max(int(allowed), 1))


def usable_memory() -> int:
    """Bytes that this process may take: the machine's, its container's or control group's, or what `ulimit -d` leaves it."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *bounds_of_groups()]
    soft = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return min(found if soft == resource.RLIM_INFINITY else [*found, soft])


def bounds_of_groups() -> Iterator[int]:
    """Bytes that each control group around this process may take, where it says so; a container sees its own as the outermost."""
    try:
        groups = [line.split(":", 2) for line in GROUPS.read_text(encoding="utf-8").splitlines()]
    except OSError:  # no Linux
        return
    for _, controllers, path in groups:
        for controller in BOUNDS.keys() & set(controllers.split(",")):
            for group in (Path(path), *Path(path).parents):
                try:
                    yield int(Path(BOUNDS[controller].format("" if group == Path("/") else group)).read_text(encoding="ascii"))
                except (OSError, ValueError):  # no such file, or "max"
                    continue
