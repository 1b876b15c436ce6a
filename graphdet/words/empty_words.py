"""What stands in our commands, guides and queries where a name or a reason is to be written: none of it is anybody's word."""

from __future__ import annotations

import re

PLACEHOLDERS = ("your name", "name", "why", "your reason", "reason", "note", "author", "...", "…", "您的姓名", "姓名", "理由", "原因", "……")
_BRACKETED = re.compile(r"<.*>|\[.*\]", re.DOTALL)


def is_placeholder(text: str) -> bool:
    """Whether somebody left in what they were to replace."""
    return text.strip().lower() in PLACEHOLDERS or _BRACKETED.fullmatch(text.strip()) is not None
