"""Large arrays beyond what memory should hold → files without a name, which the system writes out and reads back as they are asked for.

NumPy's arrays and those of the kernels alike. Results do not hang on it, only how large a log a machine can take, and how long it takes.
"""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from graphdet.settings import MachineSettings

SHARE = 1 / 4  # of the memory that there is, which large arrays may take where no setting says
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container, as the kernel tells them


def spill_arrays(machine: MachineSettings) -> None:
    """From now on, in this process; for commands, since it stands between NumPy and its memory."""
    from graphdet import _kernels

    allowed = machine.arrays_gb * 1e9 if machine.arrays_gb else SHARE * usable_memory()
    _kernels.spill_beyond(tempfile.gettempdir(), max(int(allowed), 1))


def usable_memory() -> int:
    """Bytes that this process may take: the machine's, its container's, or what `ulimit -d` leaves it."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in LIMITS:
        try:
            found.append(int(Path(place).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    soft = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return min(found if soft == resource.RLIM_INFINITY else [*found, soft])
