"""The console's accounts, for when it listens beyond this machine: a file of names, roles and hashes of passwords, mode 600.

Passwords are hashed by scrypt, of which a try costs some 32 MB and a tenth of a second (RFC 7914; parameters as OWASP advises).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from graphdet.errors import ConsoleError
from graphdet.whole import whole_file, why

FILE = "accounts.json"
ANALYST, READER = "analyst", "reader"
ROLES = (ANALYST, READER)  # an analyst decides, a reader looks
NAME = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]{1,64}")
SHORTEST, LONGEST = 12, 1024  # characters of a password
COST, BLOCK, PARALLEL = 2**15, 8, 3
MOST_BYTES = 1_000_000  # of the file


@dataclass(frozen=True)
class Account:
    """One person who may log in.

    Attributes:
        salt, digest: of the password by scrypt, in hexadecimal.
    """

    name: str
    role: str
    salt: str
    digest: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"a name has 1 to 64 characters and no spaces (found {self.name!r})")
        if self.role not in ROLES:
            raise ValueError(f"a role is one of {', '.join(ROLES)} (found {self.role!r})")
        if len(bytes.fromhex(self.salt)) < 16 or len(bytes.fromhex(self.digest)) != 32:
            raise ValueError("the hash of a password is damaged")


def new_account(name: str, role: str, password: str) -> Account:
    """An account with this password.

    Raises:
        ConsoleError: the name, the role or the password cannot be one.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConsoleError(f"a password has {SHORTEST} to {LONGEST} characters (found {len(password)}).")
    salt = secrets.token_bytes(16)
    try:
        return Account(name, role, salt.hex(), _digest(password, salt).hex())
    except ValueError as error:
        raise ConsoleError(f"{error}.") from None


def fits(account: Account | None, password: str) -> bool:
    """Whether it is this account's password; of nobody's account it is never, and takes as long to tell."""
    salt = bytes.fromhex(account.salt) if account else bytes(16)
    found = _digest(password[: LONGEST + 1], salt)
    return hmac.compare_digest(found, bytes.fromhex(account.digest) if account else bytes(32)) and account is not None


def load_accounts(home: Path) -> dict[str, Account]:
    """Accounts by name; none where there is no file.

    Raises:
        ConsoleError: the file cannot be read, or holds something else.
    """
    path = home / FILE
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            rows = json.loads(file.read(MOST_BYTES))
        if not isinstance(rows, list):
            raise TypeError
        found = [Account(**row) for row in rows]
    except OSError as error:
        raise ConsoleError(f"{path}: cannot be read ({why(error)}).") from None
    except (ValueError, TypeError, RecursionError):
        raise ConsoleError(
            f"{path}: holds no accounts of the console; move it away and make them again (`graphdet account add`)."
        ) from None
    return {account.name: account for account in found}


class AccountsOf:
    """A home's accounts as its file has them now: who was removed is gone at once, and so is an old password.

    Args:
        home: the folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._read: tuple[tuple[int, ...], dict[str, Account]] = (), {}

    def __call__(self) -> dict[str, Account]:
        """Accounts by name; the file is read again where it is another than before.

        Raises:
            ConsoleError: as `load_accounts`.
        """
        try:
            found = (self._home / FILE).stat()
            state: tuple[int, ...] = found.st_mtime_ns, found.st_size, found.st_ino
        except OSError:
            state = ()
        if state != self._read[0] or not state:
            self._read = state, load_accounts(self._home)
        return self._read[1]


def save_accounts(home: Path, accounts: Mapping[str, Account]) -> None:
    """Write the file anew, for its owner's eyes alone.

    Raises:
        ConsoleError: the disk or the rights do not allow it.
    """
    path = home / FILE
    text = json.dumps([asdict(account) for _, account in sorted(accounts.items())], ensure_ascii=True, indent=1)
    try:
        with whole_file(path) as partial:
            partial.touch(mode=0o600)
            partial.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConsoleError(f"{path}: cannot be written ({why(error)}).") from None


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=COST, r=BLOCK, p=PARALLEL, maxmem=2**27, dklen=32)
