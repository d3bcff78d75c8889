"""The HTML that a merchant puts into his page: written once, shown as text and drawn as the preview.

Documentation: checkout/button-and-qr, checkout/get-link, checkout/post-form
"""

from html import escape

import msgspec

from tiyin.protocol.checkout_form import BUTTON, form_pairs, write_form
from tiyin.protocol.checkout_link import CheckoutRequest, write_link
from tiyin.web.integration.asked import Kind
from tiyin.web.integration.checkout_script import SCRIPT_PATH

__all__ = ["Look", "link_of", "preview_of", "snippet_of"]


class Look(msgspec.Struct, frozen=True):
    """How a button or a code looks.

    Args:
        style: `colored` or `white`.
        format: `svg` or `png`.
        width: Such as `200px`; empty for the script's own.
    """

    style: str = "colored"
    format: str = "svg"
    width: str = ""


def link_of(base_url: str, request: CheckoutRequest) -> str | None:
    """Return the link to the payment page, or None where a value cannot travel in one.

    Args:
        base_url: The checkout's address.
        request: What is paid.
    """
    try:
        return write_link(base_url, request)
    except ValueError:
        return None


def snippet_of(base_url: str, kind: Kind, request: CheckoutRequest, look: Look) -> str:
    """Return the HTML to put into a page.

    Args:
        base_url: The checkout's address.
        kind: What is wanted.
        request: What is paid.
        look: How it looks.
    """
    if kind is Kind.LINK:
        href = escape(write_link(base_url, request))
        return f'<a href="{href}">{escape(BUTTON.in_language(request.lang))}</a>\n'
    if kind is Kind.FORM:
        return write_form(base_url, request)
    source = escape(base_url + SCRIPT_PATH)
    function = "Button" if kind is Kind.BUTTON else "QR"
    lines = [
        *_form(base_url, kind, request, look, new_tab=False),
        f'<script src="{source}"></script>',
        f"<script>Paycom.{function}('#form-payme', '#{kind}-container');</script>",
        "",
    ]
    return "\n".join(lines)


def preview_of(base_url: str, kind: Kind, request: CheckoutRequest, look: Look) -> str:
    """Return the HTML of the preview: the same, but it opens beside the page, and the page calls the script.

    Args:
        base_url: The checkout's address.
        kind: What is wanted.
        request: What is paid.
        look: How it looks.
    """
    if kind in {Kind.LINK, Kind.FORM}:
        opening = "<a " if kind is Kind.LINK else "<form "
        return snippet_of(base_url, kind, request, look).replace(opening, f'{opening}target="_blank" ', 1)
    return "\n".join(_form(base_url, kind, request, look, new_tab=True))


def _form(base_url: str, kind: Kind, request: CheckoutRequest, look: Look, *, new_tab: bool) -> list[str]:
    width = f' data-width="{escape(look.width)}"' if look.width else ""
    picture = f'name="button" data-type="{look.format}"{width} value="{look.style}"'
    if kind is Kind.QR:
        picture = f'name="qr"{width}'
    target = ' target="_blank"' if new_tab else ""
    words = escape(BUTTON.in_language(request.lang))
    return [
        f'<form id="form-payme" method="POST" action="{escape(base_url)}/"{target}>',
        *(
            f'  <input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in form_pairs(request)
        ),
        f'  <input type="hidden" {picture}>',
        f'  <div id="{kind}-container"></div>',
        f'  <noscript><button type="submit">{words}</button></noscript>',
        "</form>",
    ]
