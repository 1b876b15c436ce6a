"""`graphdet` and `python -m graphdet`: signals are answered before the program itself is read, which takes longer."""

from __future__ import annotations

from graphdet.early_stop import stop_at_once

stop_at_once()

from graphdet.cli import main  # noqa: E402 - what takes long comes after it

if __name__ == "__main__":
    main()
