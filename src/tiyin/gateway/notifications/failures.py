"""Which answer of which service means what: the one table that decides whether a message is sent again.

What stands in no table is unknown, for the services whose answer may follow a sending, and so is every
connection that was cut after the message may have left.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from tiyin.gateway.notifications.port import SendingFailed, SendingLater, SendingRefused, SendingUnknown

__all__ = ["HTTP_OK", "of_http", "of_smpp", "of_smtp", "of_telegram"]

HTTP_OK: Final = 200

_Verdict: TypeAlias = tuple[type[SendingFailed], str]

# SMPP 3.4, 5.1.3: command_status of submit_sm_resp and bind_transceiver_resp. Each answers for a message that
# was not accepted, so nothing here is unknown.
_SMPP: Final[Mapping[int, _Verdict]] = MappingProxyType(
    {
        0x01: (SendingRefused, "message_too_long"),
        0x02: (SendingRefused, "command_too_long"),
        0x03: (SendingRefused, "command_unknown"),
        0x04: (SendingLater, "not_bound"),
        0x05: (SendingLater, "already_bound"),
        0x08: (SendingLater, "smsc_error"),
        0x0A: (SendingRefused, "sender_address"),
        0x0B: (SendingRefused, "receiver"),
        0x0D: (SendingLater, "bind_failed"),
        0x0E: (SendingLater, "password"),
        0x0F: (SendingLater, "system_id"),
        0x14: (SendingLater, "queue_full"),
        0x33: (SendingRefused, "receivers"),
        0x42: (SendingRefused, "esm_class"),
        0x45: (SendingLater, "submit_failed"),
        0x48: (SendingRefused, "sender_type"),
        0x50: (SendingRefused, "receiver_type"),
        0x58: (SendingLater, "throttled"),
        0x61: (SendingRefused, "schedule"),
        0x62: (SendingRefused, "expiry"),
        0x64: (SendingLater, "receiver_app_temporary"),
        0x65: (SendingRefused, "receiver_app_permanent"),
        0x66: (SendingRefused, "receiver_app_rejected"),
        0xC2: (SendingRefused, "parameter_length"),
        0xC4: (SendingRefused, "parameter_value"),
        0xFF: (SendingLater, "unknown_error"),
    }
)

# HTTP of SMS services. The service answers 400 and 422 for what it will never take; 408, 5xx and what a proxy
# answers may follow a sending.
_HTTP: Final[Mapping[int, _Verdict]] = MappingProxyType(
    {
        400: (SendingRefused, "http_400"),
        401: (SendingLater, "http_401"),
        402: (SendingLater, "no_money"),
        403: (SendingLater, "http_403"),
        404: (SendingRefused, "http_404"),
        413: (SendingRefused, "http_413"),
        422: (SendingRefused, "http_422"),
        429: (SendingLater, "throttled"),
        503: (SendingLater, "http_503"),
    }
)

# Telegram's Bot API: `error_code`. 403 is a payer who blocked the bot; 401 a token that is not good.
_TELEGRAM: Final[Mapping[int, _Verdict]] = MappingProxyType(
    {
        400: (SendingRefused, "bad_request"),
        401: (SendingRefused, "token"),
        403: (SendingRefused, "blocked"),
        404: (SendingRefused, "token"),
        429: (SendingLater, "throttled"),
    }
)


def of_smpp(status: int) -> SendingFailed:
    """Say what an SMSC's command_status other than 0 means; vendors' own codes are worth another try."""
    kind, word = _SMPP.get(status, (SendingLater, f"status_{status:x}"))
    return kind(word)


def of_http(status: int, *, after_ms: int = 0) -> SendingFailed:
    """Say what an SMS service's HTTP status other than 2xx means."""
    kind, word = _HTTP.get(status, (SendingUnknown, f"http_{status}"))
    return kind(word, after_ms=after_ms)


def of_telegram(code: int, *, after_ms: int = 0) -> SendingFailed:
    """Say what an `error_code` of the Bot API means."""
    kind, word = _TELEGRAM.get(code, (SendingUnknown, f"error_{code}"))
    return kind(word, after_ms=after_ms)


def of_smtp(code: int) -> SendingFailed:
    """Say what a mail server's reply means: 5xx for ever, 4xx for now (RFC 5321, 4.2.1)."""
    kind: type[SendingFailed] = SendingRefused if 500 <= code < 600 else SendingLater
    return kind(f"smtp_{code}")
