"""How a payer keeps a receipt: its page, the PDF, and the form that sends it to his e-mail.

The result page shows the same as the receipt's own page; both take it from here.
"""

import hashlib
import re
from typing import Final

import msgspec

from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Language
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout
from tiyin.web.payer_receipt.facts import kind_of
from tiyin.web.words import N_

__all__ = ["Keeping", "TypedAddress", "keeping_of", "message_id_of", "read_address"]

_ADDRESS_MAX: Final = 254
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?=.{{1,64}}@){_LOCAL}@(?:{_LABEL}\.)+{_LABEL}")


class Keeping(msgspec.Struct, frozen=True):
    """What a page offers for keeping a receipt.

    Args:
        page: The receipt's own page.
        pdf: The PDF.
        action: Where the form for a copy by e-mail is sent; empty where nobody brings e-mail.
        nonce: The form's nonce.
        proof: Shows that the form was given to this browser.
        typed: The address as it was typed, to be corrected.
        error: What is wrong with it, in the page's language.
    """

    page: str
    pdf: str
    action: str
    nonce: str
    proof: str
    typed: str = ""
    error: str = ""

    def __repr__(self) -> str:
        return f"Keeping({self.page!r})"

    __rich_repr__ = rich_repr


class TypedAddress(msgspec.Struct, frozen=True):
    """An e-mail address as typed.

    Args:
        address: The address; empty where it is none.
        error: What is wrong with it, to be translated; empty where nothing is.
    """

    address: str
    error: str = ""

    def __repr__(self) -> str:
        return f"TypedAddress(error={self.error!r})"

    __rich_repr__ = rich_repr


def keeping_of(
    checkout: Checkout,
    browser: Browser,
    receipt: Receipt,
    language: Language,
    *,
    typed: str = "",
    error: str = "",
) -> Keeping | None:
    """Return what a page offers for keeping a receipt.

    Args:
        checkout: The checkout.
        browser: The browser that the page is for; it has to be remembered with the page.
        receipt: The receipt.
        language: The page's language.
        typed: The address as it was typed.
        error: What is wrong with it, in the page's language.

    Returns:
        The offer; None where there is nothing to keep a receipt of.
    """
    if kind_of(receipt) is None:
        return None
    path, nonce = f"/checkout/{receipt.id}", browser.new_nonce()
    return Keeping(
        page=f"{path}/receipt?lang={language}",
        pdf=f"{path}/receipt.pdf?lang={language}",
        action=f"{path}/mail?lang={language}" if checkout.gateway.invoices.sends_mail else "",
        nonce=nonce,
        proof=browser.proof(nonce),
        typed=typed,
        error=error,
    )


def read_address(text: str) -> TypedAddress:
    """Read an e-mail address as a payer types it: one plain address, and nothing about whether it exists.

    Args:
        text: What was typed.
    """
    text = text.strip()
    if not text:
        return TypedAddress("", N_("Enter an e-mail address."))
    if len(text) > _ADDRESS_MAX or _ADDRESS.fullmatch(text) is None:
        return TypedAddress("", N_("An e-mail address looks like name@example.uz. Check what is missing."))
    return TypedAddress(text)


def message_id_of(receipt: Receipt, proof: str, address: str) -> str:
    """Name the message that a form asks for: pressed twice it is one, and to another address another.

    Args:
        receipt: The receipt.
        proof: The form's proof, of which only the browser knows the making.
        address: Where to.
    """
    told = hashlib.sha256(f"{proof}:{address.casefold()}".encode()).hexdigest()
    return f"{receipt.id}-{told[:40]}"
