"""Alerts → a webhook, signed as Standard Webhooks (standardwebhooks.com, version 1.0) says.

The signature is HMAC-SHA256 over id, time and body. While a secret is changed there are two, and receivers take either. That is a few
lines; the package of that name brings five others with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Sequence

from graphdet import __version__
from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.alert_lines import as_event
from graphdet.alerts.http_post import accepted, post

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64  # of a secret, by the standard
AGENT = f"graphdet/{__version__}"


class Webhook:
    """A receiver that is sent an alert at a time."""

    most = 1

    def __init__(self, settings: SinkSettings, address: str, secrets: Sequence[str]) -> None:
        """Raises ValueError where a secret is none; `read_secret` says which form it has."""
        self._settings, self._address = settings, address
        self._secrets = [read_secret(secret) for secret in secrets]

    def deliver(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            body = as_event(alert, names=self._settings.tells_names)
            headers = sign(alert.key, int(time.time()), body, self._secrets)
            headers |= {"content-type": "application/json", "user-agent": AGENT}
            accepted(post(self._address, body, headers, self._settings.timeout_seconds))


def read_secret(told: str) -> bytes:
    """A secret as the standard writes it, `whsec_` and 24 to 64 bytes in base64.

    Raises:
        ValueError: it is none; the message does not tell it.
    """
    try:
        found = base64.b64decode(told.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not told.strip().startswith(PREFIX) or not LEAST_BYTES <= len(found) <= MOST_BYTES:
        raise ValueError(f"is no secret of Standard Webhooks: {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in base64")
    return found


def sign(name: str, moment: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The three headers; a signature for each secret."""
    signed = b".".join((name.encode(), str(moment).encode(), body))
    told = [base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets]
    return {"webhook-id": name, "webhook-timestamp": str(moment), "webhook-signature": " ".join(f"v1,{one}" for one in told)}
