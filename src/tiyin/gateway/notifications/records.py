"""What is stored of messages on their way. What they say and to whom is sealed, and gone at their end."""

from typing import Final, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.protocol.hidden import rich_repr
from tiyin.storage import BYTES, INTEGER, TEXT, Table, define, version_column

__all__ = ["FAILED", "MESSAGES", "SENT", "WAITING", "MessageRow", "Way", "message_place", "work_kind"]

Way: TypeAlias = Literal["sms", "email", "telegram"]

WAITING: Final = "waiting"
SENT: Final = "sent"
FAILED: Final = "failed"


class MessageRow(msgspec.Struct, frozen=True):
    """A message on its way, or how it ended.

    Args:
        id: Begins with 24 hexadecimal characters.
        way: "sms", "email" or "telegram".
        purpose: What it is for, one word: "invoice".
        desk_id: On whose behalf, or None.
        receipt_id: About which receipt, or None.
        receiver: To whom, masked, for a person who looks.
        sealed: What it says and to whom, JSON, sealed for `message_place`; empty once it ended.
        state: `WAITING`, `SENT` or `FAILED`.
        tries: How often it was handed to the service; each is counted before it happens.
        unknown: After how many of these nobody could say whether it arrived.
        error: Why the last try failed, one word; None before.
        at_ms: When it was posted, milliseconds since 1970.
        until_ms: From when it is worth nothing any more.
        ended_ms: When it was sent or given up; 0 while it waits.
    """

    id: str
    way: Way
    purpose: str
    desk_id: str | None
    receipt_id: str | None
    receiver: str
    sealed: bytes
    state: str
    tries: int
    unknown: int
    error: str | None
    at_ms: int
    until_ms: int
    ended_ms: int = 0
    version: int = 1

    def __repr__(self) -> str:
        return f"MessageRow(id={self.id!r}, way={self.way!r}, purpose={self.purpose!r}, state={self.state!r})"

    __rich_repr__ = rich_repr


MESSAGES: Final = Table(
    define(
        "messages",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("way", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("desk_id", TEXT),
        sa.Column("receipt_id", TEXT),
        sa.Column("receiver", TEXT, nullable=False),
        sa.Column("sealed", BYTES, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("unknown", INTEGER, nullable=False),
        sa.Column("error", TEXT),
        sa.Column("at_ms", INTEGER, nullable=False),
        sa.Column("until_ms", INTEGER, nullable=False),
        sa.Column("ended_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("messages_by_receipt", "receipt_id"),
        sa.Index("messages_by_age", "at_ms"),
        grows=True,
    ),
    MessageRow,
    forgets_by="at_ms",
)


def message_place(message_id: str) -> str:
    """Name the vault's place of a message's content."""
    return f"message:{message_id}"


def work_kind(way: Way) -> str:
    """Name the kind of the work-queue rows that send it: a service that hangs holds up no other way."""
    return f"message-{way}"
