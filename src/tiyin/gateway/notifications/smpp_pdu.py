"""SMPP 3.4's packets, as far as a sender of messages needs them: pure, bytes in and out.

A packet is ``length (4) | command_id (4) | command_status (4) | sequence_number (4) | body``, all big-endian,
length included. The libraries that speak SMPP bring queues and repeats of their own; here it must be known of
each message whether it may have been sent, and the packets are the small part.
"""

import struct
from typing import Final

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = [
    "BIND_TRANSCEIVER",
    "DELIVER_SM",
    "ENQUIRE_LINK",
    "ESM_UDH",
    "GENERIC_NACK",
    "HEAD_BYTES",
    "MESSAGE_PAYLOAD",
    "PDU_BYTES_MAX",
    "RESPONSE",
    "SUBMIT_SM",
    "UNBIND",
    "Bind",
    "Packet",
    "PduError",
    "Submit",
    "read_bind",
    "read_head",
    "read_packet",
    "read_submit",
    "udh",
    "write_bind",
    "write_packet",
    "write_submit",
]

HEAD_BYTES: Final = 16
PDU_BYTES_MAX: Final = 70_000
RESPONSE: Final = 0x80000000
"""The bit that makes a command its response."""

GENERIC_NACK: Final = 0x80000000
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
BIND_TRANSCEIVER: Final = 0x00000009
ENQUIRE_LINK: Final = 0x00000015

MESSAGE_PAYLOAD: Final = 0x0424
ESM_UDH: Final = 0x40
_VERSION: Final = 0x34
_SHORT_MAX: Final = 254
_HEAD: Final = struct.Struct(">IIII")
_TLV: Final = struct.Struct(">HH")


class PduError(ValueError):
    """The bytes are no packet of SMPP 3.4, or a value does not fit into one; it shows no value."""


class Packet(msgspec.Struct, frozen=True):
    """One packet.

    Args:
        command: Its command_id.
        status: Its command_status; 0 for requests and for all that went well.
        number: Its sequence_number; a response has its request's.
        body: What follows.
    """

    command: int
    status: int
    number: int
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Packet({self.command:#x}, status={self.status:#x}, number={self.number})"

    __rich_repr__ = rich_repr


class Bind(msgspec.Struct, frozen=True):
    """Body of bind_transceiver; system_id has at most 15 bytes, the password 8, system_type 12."""

    system_id: str
    password: str
    system_type: str = ""

    def __repr__(self) -> str:
        return f"Bind({self.system_id!r})"

    __rich_repr__ = rich_repr


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    """Body of submit_sm.

    Args:
        source: Who sends; digits or, with ton 5, up to 11 letters.
        source_ton: Its type of number: 1 international, 5 letters, 0 unknown.
        source_npi: Its numbering plan.
        destination: Whose phone, digits.
        destination_ton: Its type of number.
        destination_npi: Its numbering plan.
        esm_class: `ESM_UDH` when the text begins with a header of parts.
        data_coding: The alphabet.
        registered_delivery: 1 to be told of the delivery.
        text: At most 254 bytes; a longer one goes as message_payload.
        payload: Whether the text goes as message_payload, however short.
    """

    source: str
    destination: str
    text: bytes
    source_ton: int = 5
    source_npi: int = 0
    destination_ton: int = 1
    destination_npi: int = 1
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    payload: bool = False

    def __repr__(self) -> str:
        return f"Submit({len(self.text)} bytes)"

    __rich_repr__ = rich_repr


def read_head(head: bytes) -> int:
    """Read the first four of a packet's bytes.

    Returns:
        The length of the whole packet.

    Raises:
        PduError: If no packet has that length.
    """
    length = int.from_bytes(head[:4], "big")
    if not HEAD_BYTES <= length <= PDU_BYTES_MAX:
        raise PduError("a packet has 16 to 70000 bytes")
    return length


def read_packet(data: bytes) -> Packet:
    """Read one whole packet.

    Raises:
        PduError: If its length is another than it says.
    """
    if len(data) < HEAD_BYTES or read_head(data) != len(data):
        raise PduError("a packet has another length than it says")
    _, command, status, number = _HEAD.unpack_from(data)
    return Packet(command, status, number, data[HEAD_BYTES:])


def write_packet(packet: Packet) -> bytes:
    """Write one packet."""
    head = _HEAD.pack(HEAD_BYTES + len(packet.body), packet.command, packet.status, packet.number)
    return head + packet.body


def write_bind(bind: Bind) -> bytes:
    """Write the body of bind_transceiver.

    Raises:
        PduError: If a text is too long or not ASCII.
    """
    texts = _c_text(bind.system_id, 15) + _c_text(bind.password, 8) + _c_text(bind.system_type, 12)
    return texts + bytes((_VERSION, 0, 0)) + b"\0"


def read_bind(body: bytes) -> Bind:
    """Read the body of bind_transceiver.

    Raises:
        PduError: If it is none.
    """
    system_id, rest = _take_text(body)
    password, rest = _take_text(rest)
    system_type, _ = _take_text(rest)
    return Bind(system_id, password, system_type)


def write_submit(submit: Submit) -> bytes:
    """Write the body of submit_sm.

    Raises:
        PduError: If a value does not fit.
    """
    payload = submit.payload or len(submit.text) > _SHORT_MAX
    if payload and len(submit.text) > 0xFFFF:
        raise PduError("a message has at most 65535 bytes")
    short = b"" if payload else submit.text
    body = (
        b"\0"
        + bytes((submit.source_ton, submit.source_npi))
        + _c_text(submit.source, 20)
        + bytes((submit.destination_ton, submit.destination_npi))
        + _c_text(submit.destination, 20)
        + bytes((submit.esm_class, 0, 0))
        + b"\0\0"
        + bytes((submit.registered_delivery, 0, submit.data_coding, 0, len(short)))
        + short
    )
    return body + _TLV.pack(MESSAGE_PAYLOAD, len(submit.text)) + submit.text if payload else body


def read_submit(body: bytes) -> Submit:
    """Read the body of submit_sm.

    Raises:
        PduError: If it is none.
    """
    try:
        _, rest = _take_text(body)
        source_ton, source_npi = rest[:2]
        source, rest = _take_text(rest[2:])
        destination_ton, destination_npi = rest[:2]
        destination, rest = _take_text(rest[2:])
        esm_class = rest[0]
        _, rest = _take_text(rest[3:])
        _, rest = _take_text(rest)
        registered, _, coding, _, length = rest[:5]
    except (IndexError, ValueError):
        raise PduError("a submit_sm is cut off") from None
    text, options = rest[5 : 5 + length], rest[5 + length :]
    if len(text) < length:
        raise PduError("a submit_sm is cut off")
    payload = False
    while options:
        if len(options) < _TLV.size:
            raise PduError("an optional parameter is cut off")
        tag, size = _TLV.unpack_from(options)
        value, options = options[4 : 4 + size], options[4 + size :]
        if len(value) < size:
            raise PduError("an optional parameter is cut off")
        if tag == MESSAGE_PAYLOAD:
            text, payload = value, True
    return Submit(
        source=source,
        source_ton=source_ton,
        source_npi=source_npi,
        destination=destination,
        destination_ton=destination_ton,
        destination_npi=destination_npi,
        esm_class=esm_class,
        data_coding=coding,
        registered_delivery=registered,
        text=text,
        payload=payload,
    )


def udh(reference: int, total: int, part: int) -> bytes:
    """Write the header that joins the parts of a long message.

    Args:
        reference: The same for each of its parts, 0 to 255.
        total: How many parts, 2 to 255.
        part: Which one this is, from 1.
    """
    return bytes((5, 0, 3, reference, total, part))


def _c_text(text: str, bytes_max: int) -> bytes:
    if not text.isascii() or "\0" in text or len(text) > bytes_max:
        raise PduError(f"a text is not ASCII or has more than {bytes_max} characters")
    return text.encode() + b"\0"


def _take_text(data: bytes) -> tuple[str, bytes]:
    text, end, rest = data.partition(b"\0")
    if not end or not text.isascii():
        raise PduError("a text has no end or is not ASCII")
    return text.decode(), rest
