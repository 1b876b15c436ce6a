"""Who is told of alerts, and when: the settings of `[alerts]` and of each of its sinks, declared once as all others are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from graphdet.log_settings import Section

Kind = Literal["file", "webhook", "slack", "feishu", "dingtalk", "kafka", "neo4j"]
CHATS = ("slack", "feishu", "dingtalk")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

ChangeKind = Literal["appeared", "rose", "returned", "split", "merged", "grew", "gained", "fell", "ended"]
CHANGE_KINDS: tuple[ChangeKind, ...] = ("appeared", "rose", "returned", "split", "merged", "grew", "gained", "fell", "ended")

# What each kind of sink must be told, and what it may be told besides what all may.
NEEDS: dict[str, tuple[str, ...]] = {"file": ("path",), "webhook": ("secrets_from",), "kafka": ("topic", "servers"), "neo4j": ()}
MAY: dict[str, tuple[str, ...]] = {
    "file": ("path", "form", "names"),
    "webhook": ("address", "address_from", "secrets_from", "names"),
    **dict.fromkeys(CHATS, ("address", "address_from", "secrets_from", "names", "lang")),
    "kafka": ("topic", "servers", "options", "options_from", "form", "names"),
    "neo4j": ("server",),
}


SECRETIVE = ("address", "address_from", "secrets_from", "options", "options_from")  # where a secret may have been pasted


def may_be_told(place: Sequence[str], value: object) -> bool:
    """Whether an error may show the value that stands at this place of the settings."""
    return tuple(place[:2]) != ("alerts", "sinks") or not (isinstance(value, dict) or set(SECRETIVE) & set(place))


class SinkSettings(Section):
    """One place that alerts are sent to. Secrets never stand here: settings name the environment variables that hold them."""

    kind: Kind = Field(description="what it is: file, webhook, slack, feishu, dingtalk, kafka or neo4j")
    changes: tuple[ChangeKind, ...] = Field(
        CHANGE_KINDS, min_length=1, description="what it is told of: appeared, rose, returned, split, merged, grew, gained, fell, ended"
    )
    path: str = Field("", description="of a file that alerts are added to, a line each")
    form: Literal["json", "cef"] = Field("json", description="of a line or message: JSON, or CEF for tools that watch over security")
    address: str = Field("", description="of a receiver, by https; by http on this machine alone")
    address_from: str = Field("", description="the environment variable that holds the address, where the address itself is a secret")
    secrets_from: tuple[str, ...] = Field(
        (), max_length=8, description="environment variables with the secrets to sign with, the new one first while secrets change"
    )
    topic: str = Field("", max_length=249, description="of Kafka")
    servers: tuple[str, ...] = Field((), description='of Kafka, such as "kafka1.example.org:9092"')
    options: dict[str, str] = Field({}, description='of the Kafka client, by its own names, such as "security.protocol" = "SASL_SSL"')
    options_from: dict[str, str] = Field({}, description='the same from environment variables, such as "sasl.password" = "KAFKA_PASSWORD"')
    server: str = Field("", description='folder of a Neo4j server of `graphdet db up`; "" = that of NEO4J_URI and its kin')
    names: bool | None = Field(None, description="whether users' ids are told; left out: to programs they are, in chats they are not")
    lang: Literal["en", "zh"] = Field("en", description="language of a chat")
    every_seconds: float | None = Field(
        None, ge=0, le=86_400, description="least time between two messages; left out: 60 for chats, whose messages are digests, and else 0"
    )
    timeout_seconds: float = Field(10.0, ge=0.1, le=300, description="time after which a receiver that has not answered is given up on")

    @property
    def tells_names(self) -> bool:
        """Whether users' ids are told."""
        return self.kind not in CHATS if self.names is None else self.names

    @property
    def pause(self) -> float:
        """Least seconds between two messages."""
        if self.every_seconds is not None:
            return self.every_seconds
        return 60.0 if self.kind in CHATS else 0.0

    @model_validator(mode="after")
    def _is_whole(self) -> SinkSettings:
        for name in NEEDS.get(self.kind, ()):
            if not getattr(self, name):
                raise ValueError(f"a sink of the kind {self.kind} needs {name}")
        if self.kind in ("webhook", *CHATS) and bool(self.address) == bool(self.address_from):
            raise ValueError(f"a sink of the kind {self.kind} needs one of address and address_from")
        every = {name for names in MAY.values() for name in names}
        for name in sorted(self.model_fields_set & every - set(MAY[self.kind])):
            raise ValueError(f"a sink of the kind {self.kind} has no {name}; it may have {', '.join(MAY[self.kind])}")
        if self.kind == "dingtalk" and self.pause < 3:
            raise ValueError("DingTalk takes 20 messages a minute; every_seconds of 3 is the least")
        return self

    @field_validator("address_from", "secrets_from", "options_from")
    @classmethod
    def _variables(cls, told: str | tuple[str, ...] | dict[str, str]) -> str | tuple[str, ...] | dict[str, str]:
        names = (told,) if isinstance(told, str) else told.values() if isinstance(told, dict) else told
        for name in names:
            if name and not VARIABLE.fullmatch(name):
                raise ValueError("names of environment variables stand here, of letters, digits and _, and never a secret itself")
        return told


class AlertSettings(Section):
    """When a ring is told of, to whom, and how often a receiver that does not answer is tried."""

    least: Literal["alert", "review"] = Field("alert", description="the tier from which on a ring is told of")
    grew_share: float = Field(0.25, gt=0, le=100, description="a ring that has grown by this share since it was last told of is told again")
    grew_least: int = Field(3, ge=1, description="and by at least so many members")
    gained_share: float = Field(0.5, gt=0, le=1e6, description="a ring that has gained this share of money since is told again")
    gained_least: float = Field(1.0, ge=0, description="and at least so much, in the log's currency")
    settle_hours: float = Field(
        24.0,
        ge=0,
        le=8760,
        description="a fall of tier and an end are told once they have lasted so long, so that what wavers is told once",
    )
    retry_seconds: float = Field(2.0, gt=0, le=3600, description="pause after a sink's first failure; it doubles with each, and varies")
    retry_most_seconds: float = Field(1800.0, gt=0, le=86_400, description="and becomes no longer than this")
    give_up_hours: float = Field(
        72.0,
        gt=0,
        le=8760,
        description="after which an alert that cannot be delivered is a dead letter; `graphdet alerts resend` tries again",
    )
    sinks: dict[str, SinkSettings] = Field({}, description="[alerts.sinks.NAME], one for each place that alerts are sent to")

    @field_validator("sinks")
    @classmethod
    def _named(cls, sinks: dict[str, SinkSettings]) -> dict[str, SinkSettings]:
        for name in sinks:
            if not WORD.fullmatch(name):
                raise ValueError(
                    f"'{name}' is no name of a sink; it has letters, digits, _ and -, 64 at the most, and begins with a letter"
                )
        return sinks
