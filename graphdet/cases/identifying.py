"""Accounts under other names, for lists that leave the house; whose name it is, two people tell together.

A pseudonym is a keyed hash of the account's id. The key lies beside the casebook and never leaves the house: without it nobody can go
through the ids and try.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from graphdet.cases.entries import ASKED_WHO, LONGEST_TEXT, TOLD_WHO, WHO_APPROVED, Entry, bounded
from graphdet.cases.open_book import OpenBook
from graphdet.cases.rows import Group
from graphdet.errors import CaseError, UnknownCase
from graphdet.schema import USER
from graphdet.whole import whole_file, why

KEY, KEY_BYTES = "pseudonyms.key", 32
PSEUDONYM = re.compile("P-[0-9a-f]{20}")


class Identifying(OpenBook):
    """The casebook as far as it knows accounts under other names."""

    def pseudonyms(self, users: Iterable[str]) -> dict[str, str]:
        """User → the name to give away, the same in every list of this house."""
        key = self._key()
        return {user: _pseudonym(key, user) for user in users}

    def identify(self, pseudonym: str, reason: str = "") -> str | None:
        """Whose pseudonym it is; None where a second person must approve first, which is asked for.

        Where the casebook knows several people nobody is told alone: one asks, with a reason, another one approves, and then whoever asked
        is told, once. Each step is an entry of the journal, in which the account's id does not stand.

        Raises:
            CaseError: no reason is given, or it waits for the other person.
            UnknownCase: it is nobody's.
        """
        found = self._whose(pseudonym)
        with self.writing() as writer:
            asked, approved = self._open_request(pseudonym)
            if asked is None:
                reason = bounded(reason, LONGEST_TEXT, "the reason", needed=True)
                writer.add(ASKED_WHO, told={"pseudonym": pseudonym, "reason": reason})
                if self.authors() - {self.author}:
                    return None
            elif not approved:
                raise CaseError(
                    f"{pseudonym} waits for a second person: `graphdet cases approve {pseudonym}`, by anybody but {asked.author}."
                )
            elif asked.author != self.author:
                raise CaseError(f"{pseudonym} was asked for by {asked.author}, who is told.")
            writer.add(TOLD_WHO, told={"pseudonym": pseudonym})
            return found

    def approve_identifying(self, pseudonym: str) -> None:
        """Say yes to another person's wish to know whose pseudonym it is.

        Raises:
            CaseError: nobody asked, it is approved already, or one asked oneself.
        """
        with self.writing() as writer:
            asked, approved = self._open_request(pseudonym)
            if asked is None or approved:
                raise CaseError(f"{pseudonym} waits for no approval.")
            if asked.author == self.author:
                raise CaseError(f"{pseudonym} was asked for by {self.author}; somebody else must approve it.")
            writer.add(WHO_APPROVED, told={"pseudonym": pseudonym})

    def _open_request(self, pseudonym: str) -> tuple[Entry | None, bool]:
        """Who asked last and was not told yet, and whether somebody approved."""
        asked, approved = None, False
        for entry in self.tables.select("kind IN (?, ?, ?)", (ASKED_WHO, WHO_APPROVED, TOLD_WHO)):
            if entry.told.get("pseudonym") == pseudonym:
                asked = entry if entry.kind == ASKED_WHO else None if entry.kind == TOLD_WHO else asked
                approved = entry.kind == WHO_APPROVED
        return asked, approved

    def _whose(self, pseudonym: str) -> str:
        if not PSEUDONYM.fullmatch(pseudonym):
            raise CaseError("a pseudonym is P- and twenty digits, as `graphdet cases export --pseudonyms` writes them.")
        key = self._key()
        with self.reading():
            known = {user for group in self.tables.rows(Group) for user in group.ids(USER)}
        found = next((user for user in known if hmac.compare_digest(_pseudonym(key, user), pseudonym)), None)
        if found is None:
            raise UnknownCase(f"{pseudonym} is nobody's in this casebook; was it written with another {KEY}?")
        return found

    def _key(self) -> bytes:
        path = self.home / KEY
        try:
            if not path.exists():
                with self.writing():  # one at a time
                    if not path.exists():
                        _write(path, secrets.token_bytes(KEY_BYTES))
            key = path.read_bytes()
        except OSError as error:
            raise CaseError(f"{path}: {why(error)}; pseudonyms need their key.") from None
        if len(key) != KEY_BYTES:
            raise CaseError(f"{path}: is no key of pseudonyms; bring the right one back, or remove it, and all names are new.")
        return key


def _write(path: Path, key: bytes) -> None:
    with whole_file(path) as partial:
        partial.touch(0o600)
        partial.write_bytes(key)


def _pseudonym(key: bytes, user: str) -> str:
    return "P-" + hmac.new(key, user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:20]
