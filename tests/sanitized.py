"""Runs detection with kernels from a checking build, and each kernel on odd inputs: `python sanitized.py KERNELS LOG`.

The module is put in place before anything imports the usual one. A fault ends the process with the sanitizer's report on stderr.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def put_in_place(path: Path) -> None:
    """`graphdet._kernels` is the module in this file from now on."""
    import graphdet

    spec = importlib.util.spec_from_file_location("graphdet._kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["graphdet._kernels"] = module
    spec.loader.exec_module(module)
    graphdet._kernels = module  # type: ignore[attr-defined]


def run(log: Path) -> None:
    """The whole path from a log to rings, farms and facts, on two threads, without what is learned."""
    from graphdet.events import read_events
    from graphdet.pipeline import detect
    from graphdet.settings import Settings

    chosen = Settings.model_validate({"machine": {"threads": 2}, "gnn": {"least_rings": 0}})
    found = detect(read_events([log], chosen.log, chosen.machine), chosen)
    sys.stdout.write(f"{found.rings.num_rows} rings\n")


if __name__ == "__main__":
    put_in_place(Path(sys.argv[1]))
    run(Path(sys.argv[2]))
