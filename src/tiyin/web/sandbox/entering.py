"""Entering: a cash desk's id and its TEST_KEY, and why they do not let anybody in.

Documentation: sandbox («введите Merchant ID и TEST_KEY»; the desk's Endpoint URL), cabinet/cash-desk-key
"""

import hmac
from typing import Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.values import is_clean_text
from tiyin.web.sandbox.services import SandboxDesks
from tiyin.web.sandbox.sessions import Tries
from tiyin.web.words import N_

__all__ = ["Entered", "enter", "find_desk"]

_ID_MAX: Final = 64
_KEY_MAX: Final = 256

_NO_ID: Final = N_("Enter the cash desk's id.")
_NO_DESK: Final = N_("There is no cash desk with this id. Copy it from the desk's developer settings.")
_NO_KEY: Final = N_("Enter the desk's TEST_KEY.")
_BLOCKED: Final = N_("This cash desk is blocked.")
_NO_ENDPOINT: Final = N_(
    "This cash desk has no Endpoint URL, so there is no server to test. Set it in the desk's settings."
)


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of entering.

    Args:
        desk: The cash desk, where the key was right and it can be tested.
        errors: Errors by field (`merchant`, `key`), to be translated.
    """

    desk: Desk | None = None
    errors: dict[str, str] = {}


async def find_desk(desks: SandboxDesks, merchant: str) -> Desk | None:
    """Return the desk that an id or an alias names, or None.

    Args:
        desks: The desks.
        merchant: What was typed or sent.
    """
    if not 0 < len(merchant) <= _ID_MAX or not is_clean_text(merchant):
        return None
    return await desks.find(merchant) or await desks.find_by_alias(merchant)


async def enter(desks: SandboxDesks, tries: Tries, client: str, *, merchant: str, key: str) -> Entered:
    """Look whether an id and a key belong together.

    Args:
        desks: The desks.
        tries: Bounds the wrong tries.
        client: Who asks: an address.
        merchant: The cash desk's id.
        key: Its TEST_KEY.
    """
    desk = await find_desk(desks, merchant)
    if desk is None:
        return Entered(errors={"merchant": _NO_DESK if merchant else _NO_ID})
    wrong = _NO_KEY
    if key and not tries.allowed(client, desk.id):
        wrong = N_("Too many wrong keys. Try again in ten minutes.")
    elif key and (wrong := await _wrong_key(desks, desk, key)):
        tries.note_wrong(client, desk.id)
    if wrong:
        return Entered(errors={"key": wrong})
    if not desk.active or desk.endpoint is None:
        return Entered(errors={"merchant": _NO_ENDPOINT if desk.active else _BLOCKED})
    return Entered(desk=desk)


async def _wrong_key(desks: SandboxDesks, desk: Desk, key: str) -> str:
    """Say why a key is not the desk's TEST_KEY; both are compared whole, whatever the first says."""
    known = await desks.keys_of(desk.id)
    given = key[:_KEY_MAX].encode("utf-8", "surrogatepass")
    is_test = hmac.compare_digest(given, known.test_key.encode())
    is_production = hmac.compare_digest(given, known.key.encode())
    if is_test:
        return ""
    if is_production:
        return N_(
            "This is the desk's key for real payments. The sandbox takes TEST_KEY, the other of the two."
        )
    return N_("This is not the TEST_KEY of this cash desk.")
