"""Who is there: the link that is shown once, sessions in memory, and how often a log-in may be tried.

A session is a random name in a cookie that no script and no other site can use. It is new after each log-in, so nobody can hand one to
somebody else beforehand, and it ends when it rests for some hours or when the server ends.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphdet.console.account_file import ANALYST
from graphdet.schema.wording import Language

RESTED, OLDEST = 4 * 3600.0, 16 * 3600.0  # seconds after which a session ends: since its last use, and since its beginning
MOST_SESSIONS = 1000
FREE_TRIES, FIRST_WAIT, LONGEST_WAIT = 5, 2.0, 900.0  # wrong passwords before waiting begins; seconds, doubled with each
MOST_WATCHED = 10_000  # names and addresses whose wrong tries are remembered


@dataclass
class Session:
    """One browser of one person."""

    name: str
    role: str
    language: Language = "en"
    theme: str = ""  # light, dark, or as the system has it
    proof: str = ""  # hash of the password that opened it; another one ends it
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    begun: float = 0.0
    used: float = 0.0
    seen: set[str] = field(default_factory=set)  # cases whose opening is in the audit trail

    @property
    def decides(self) -> bool:
        return self.role == ANALYST


class Sessions:
    """All that are open, and the link that opens one without a password."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._link = secrets.token_urlsafe(32)
        self._lock = threading.Lock()

    @property
    def link(self) -> str:
        """What opens a session once; another is made when it was used."""
        return self._link

    def follow(self, token: str) -> bool:
        """Whether this is the link's token; it is used up then."""
        with self._lock:
            if not hmac.compare_digest(token.encode(), self._link.encode()):
                return False
            self._link = secrets.token_urlsafe(32)
            return True

    def begin(self, name: str, role: str, language: Language, proof: str = "") -> str:
        """A new session; the value of its cookie."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._end_old(now)
            while len(self._open) >= MOST_SESSIONS:
                del self._open[min(self._open, key=lambda one: self._open[one].used)]
            self._open[cookie] = Session(name, role, language, proof=proof, begun=now, used=now)
        return cookie

    def of(self, cookie: str, *, by_itself: bool = False) -> Session | None:
        """Whose cookie it is; nobody's where the session has ended. What an open page asks `by_itself` does not keep a session awake."""
        now = self._clock()
        with self._lock:
            self._end_old(now)
            session = self._open.get(cookie)
            if session is not None and not by_itself:
                session.used = now
            return session

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._lock:
            self._open.pop(cookie, None)

    def _end_old(self, now: float) -> None:
        over = [cookie for cookie, one in self._open.items() if now - one.used > RESTED or now - one.begun > OLDEST]
        for cookie in over:
            del self._open[cookie]


class Tries:
    """How long somebody must wait after wrong passwords: for an account's name, and for an address; each wrong one doubles it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, tuple[int, float]] = {}  # of whom → how often, and when the last was
        self._lock = threading.Lock()

    def wait(self, *whose: str) -> float:
        """Seconds until the next try counts; 0 = now."""
        now = self._clock()
        with self._lock:
            return max((self._until(one) - now for one in whose), default=0.0)

    def begin(self, *whose: str) -> float:
        """Seconds until the next try counts; where it is now, it stands as a wrong one until `right` says otherwise.

        So that of many who try at the same moment no more get through than of those who come one after another.
        """
        with self._lock:
            now = self._clock()
            wait = max((self._until(one) - now for one in whose), default=0.0)
            if not wait > 0:
                self._count(whose, now)
            return wait

    def wrong(self, *whose: str) -> None:
        """A try failed."""
        with self._lock:
            self._count(whose, self._clock())

    def _count(self, whose: Sequence[str], now: float) -> None:
        for one in whose:
            self._wrong[one] = (self._wrong.get(one, (0, 0.0))[0] + 1, now)
        while len(self._wrong) > MOST_WATCHED:
            del self._wrong[min(self._wrong, key=lambda one: self._wrong[one][1])]

    def right(self, *whose: str) -> None:
        """A try succeeded: what was wrong before is forgotten."""
        with self._lock:
            for one in whose:
                self._wrong.pop(one, None)

    def _until(self, one: str) -> float:
        times, last = self._wrong.get(one, (0, 0.0))
        if times < FREE_TRIES:
            return 0.0
        return last + min(FIRST_WAIT * 2.0 ** (times - FREE_TRIES), LONGEST_WAIT)
