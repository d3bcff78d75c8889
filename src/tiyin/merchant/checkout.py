"""Sending a payer to Payme: a link, a form, a button, a QR code.

```python
checkout = Checkout("587f72c72cac0d162c722ae2", callback="https://shop.uz/orders/:account.order_id")

checkout.link(500_000, {"order_id": "197"})         # https://checkout.paycom.uz/bT01...
checkout.form(500_000, {"order_id": "197"}, description="Заказ № 197")
checkout.button(500_000, {"order_id": "197"})       # drawn by Payme's script
checkout.qr(500_000, {"order_id": "197"}).svg()
```

Documentation: checkout/get-link, checkout/post-form, checkout/button-and-qr
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final, Literal

import msgspec

from tiyin.merchant.checkout_values import (
    check_drawing,
    read_amount_tiyin,
    read_base_url,
    read_callback,
    read_description,
    read_desk,
    read_fields,
    read_language,
    read_timeout,
)
from tiyin.merchant.qr import QrPicture, payment_qr
from tiyin.protocol.checkout_form import BUTTON, form_pairs
from tiyin.protocol.checkout_link import CheckoutRequest, write_link
from tiyin.protocol.values import CURRENCY_UZS, FieldError, Language, Text

__all__ = ["PRODUCTION_URL", "TEST_URL", "Checkout", "Html"]

PRODUCTION_URL: Final = "https://checkout.paycom.uz"
TEST_URL: Final = "https://test.paycom.uz"
"""The sandbox, to which the documentation's forms are sent for testing."""

_SCRIPT: Final = "/integration/js/checkout.min.js"
_SCRIPT_URL: Final = f"https://cdn.paycom.uz{_SCRIPT}"


class Html(str):
    """A piece of HTML whose values are escaped already; Django's and Jinja's templates leave it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return itself, for template engines."""
        return str(self)


class Checkout:
    """Makes what sends a payer to the checkout page of one cash desk.

    ```python
    checkout = Checkout(
        "587f72c72cac0d162c722ae2",
        language="uz",
        callback="https://shop.uz/paid/:transaction",
        callback_timeout_ms=3_000,
    )
    ```

    Args:
        desk: The cash desk's id or alias.
        base_url: ``production``, ``test`` (Payme's sandbox), or the checkout address of a gateway.
        language: The page's language where a call names no other.
        callback: Where the payer goes afterwards; ``:transaction`` and ``:account.{field}`` in it are filled
            in by Payme. Without one a form's payer returns to the page that he came from.
        callback_timeout_ms: How long the page waits before it goes there after a payment, 0 to 3,600,000 ms;
            None for Payme's own 15 s.
        account_fields: Names of the cash desk's account fields; if given, others are refused here, before
            a payer meets them.
        currency: 860 to write it into links; left out by default, since there is no other.

    Raises:
        FieldError: If a value is not as documented; it names the argument.
    """

    def __init__(
        self,
        desk: str,
        *,
        base_url: str = "production",
        language: Language = "ru",
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
        account_fields: Sequence[str] = (),
        currency: int | None = None,
    ) -> None:
        self._desk = read_desk(desk)
        self._base_url = read_base_url(
            {"production": PRODUCTION_URL, "test": TEST_URL}.get(base_url, base_url)
        )
        self._fields = tuple(account_fields)
        self._language = read_language(language)
        self._callback = None if callback is None else read_callback(callback, self._fields)
        self._timeout_ms = read_timeout(callback_timeout_ms)
        if currency not in (None, CURRENCY_UZS):
            raise FieldError("currency", f"must be {CURRENCY_UZS} or left out: Payme knows no other")
        self._with_currency = currency is not None

    def __repr__(self) -> str:
        return f"Checkout({self._desk!r}, base_url={self._base_url!r})"

    def link(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        language: Language | None = None,
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
    ) -> str:
        """Write a link to the payment page.

        ```python
        return redirect(checkout.link(500_000, {"order_id": order.id}))
        ```

        Documentation: checkout/get-link

        Args:
            amount_tiyin: What is paid, in tiyin.
            account: What it is paid for: the cash desk's fields.
            language: The page's language; the checkout's by default.
            callback: Where the payer goes afterwards; the checkout's by default.
            callback_timeout_ms: How long the page waits first, in milliseconds; the checkout's by default.

        Raises:
            FieldError: If a value is not as documented, or holds a ``;``, which a link cannot carry.
            ValueError: If the link would be too long.
        """
        request = self._request(amount_tiyin, account, language, callback, callback_timeout_ms)
        return write_link(self._base_url, request, with_currency=self._with_currency)

    def form(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        description: Text | str | None = None,
        detail: Mapping[str, Any] | None = None,
        language: Language | None = None,
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
    ) -> Html:
        """Write an HTML form with a button of its own.

        ```python
        checkout.form(
            500_000,
            {"order_id": "197"},
            description=Text(ru="Заказ № 197", uz="Buyurtma № 197", en="Order No. 197"),
            detail=Detail([Item("Помидоры", price_tiyin=500_000, count=1, code="00702001001000001",
                                package_code="123456", vat_percent=12)]),
        )
        ```

        Documentation: checkout/post-form

        Args:
            amount_tiyin: What is paid, in tiyin.
            account: What it is paid for: the cash desk's fields.
            description: What the payer reads, in one language or in three, at most 1024 characters.
            detail: The goods; `Detail.check` says whether they come to the amount.
            language: The page's language; the checkout's by default.
            callback: Where the payer goes afterwards; the checkout's by default.
            callback_timeout_ms: How long the page waits first, in milliseconds; the checkout's by default.

        Raises:
            FieldError: If a value is not as documented.
        """
        request = self._request(amount_tiyin, account, language, callback, callback_timeout_ms)
        request = _with_goods(request, description, detail)
        submit = f'  <button type="submit">{escape(BUTTON.in_language(request.lang))}</button>'
        return Html("\n".join([self._form_head(), *_inputs(request), submit, "</form>", ""]))

    def button(  # noqa: PLR0913 - the documented form and button have that many
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        style: Literal["colored", "white"] = "colored",
        picture: Literal["svg", "png"] = "svg",
        width: str | None = None,
        html_id: str = "payme",
        nonce: str | None = None,
        description: Text | str | None = None,
        detail: Mapping[str, Any] | None = None,
        language: Language | None = None,
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
    ) -> Html:
        """Write a form whose button is drawn by Payme's script; without scripts it has a plain one.

        ```python
        checkout.button(500_000, {"order_id": "197"}, style="white", width="200px")
        ```

        Documentation: checkout/button-and-qr

        Args:
            amount_tiyin: What is paid, in tiyin.
            account: What it is paid for: the cash desk's fields.
            style: ``colored`` or ``white``.
            picture: ``svg`` or ``png``.
            width: The picture's width, such as ``200px``.
            html_id: The form's id; give each form on a page its own.
            nonce: The nonce of the page's Content-Security-Policy, if it has one.
            description: As for `form`.
            detail: As for `form`.
            language: The page's language; the checkout's by default.
            callback: As for `form`.
            callback_timeout_ms: As for `form`.

        Raises:
            FieldError: If a value is not as documented.
        """
        request = self._request(amount_tiyin, account, language, callback, callback_timeout_ms)
        request = _with_goods(request, description, detail)
        check_drawing(style, picture, width, html_id, nonce)
        words = escape(BUTTON.in_language(request.lang))
        wide = "" if width is None else f' data-width="{width}"'
        of_page = "" if nonce is None else f' nonce="{nonce}"'
        lines = [
            self._form_head(f' id="{html_id}"'),
            *_inputs(request),
            f'  <input type="hidden" name="button" data-type="{picture}"{wide} value="{style}">',
            f'  <div id="{html_id}-button"></div>',
            f'  <noscript><button type="submit">{words}</button></noscript>',
            "</form>",
            f'<script src="{escape(self._script_url())}"{of_page}></script>',
            f"<script{of_page}>Paycom.Button('#{html_id}', '#{html_id}-button');</script>",
            "",
        ]
        return Html("\n".join(lines))

    def link_button(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        text: str | None = None,
        css_class: str = "payme-button",
        language: Language | None = None,
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
    ) -> Html:
        """Write a link that a style can make a button of: no form, no script.

        ```python
        checkout.link_button(500_000, {"order_id": "197"}, text="Оплатить 5 000 сум")
        ```

        Args:
            amount_tiyin: What is paid, in tiyin.
            account: What it is paid for: the cash desk's fields.
            text: What it says; "pay with Payme" in the page's language by default.
            css_class: Its class.
            language: The page's language; the checkout's by default.
            callback: As for `link`.
            callback_timeout_ms: As for `link`.

        Raises:
            FieldError: As for `link`.
            ValueError: As for `link`.
        """
        href = self.link(
            amount_tiyin,
            account,
            language=language,
            callback=callback,
            callback_timeout_ms=callback_timeout_ms,
        )
        words = BUTTON.in_language(language or self._language) if text is None else text
        return Html(f'<a class="{escape(css_class)}" href="{escape(href)}">{escape(words)}</a>')

    def qr(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        language: Language | None = None,
        callback: str | None = None,
        callback_timeout_ms: int | None = None,
    ) -> QrPicture:
        """Draw the link as a QR code, without a script.

        ```python
        checkout.qr(500_000, {"order_id": "197"}).png()
        ```

        Documentation: checkout/button-and-qr

        Args:
            amount_tiyin: What is paid, in tiyin.
            account: What it is paid for: the cash desk's fields.
            language: The page's and the picture's language; the checkout's by default.
            callback: As for `link`.
            callback_timeout_ms: As for `link`.

        Returns:
            A picture with ``.svg()``, ``.png()`` and ``.terminal()``.

        Raises:
            FieldError: As for `link`.
            ValueError: If the link is too long for a QR code.
        """
        link = self.link(
            amount_tiyin,
            account,
            language=language,
            callback=callback,
            callback_timeout_ms=callback_timeout_ms,
        )
        return payment_qr(link, amount_tiyin, language or self._language)

    def _request(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        language: Language | None,
        callback: str | None,
        callback_timeout_ms: int | None,
    ) -> CheckoutRequest:
        fields = read_fields(account, self._fields)
        if callback is None:
            callback = self._callback
        return CheckoutRequest(
            merchant=self._desk,
            account=fields,
            amount_tiyin=read_amount_tiyin(amount_tiyin),
            lang=self._language if language is None else read_language(language),
            callback=None if callback is None else read_callback(callback, tuple(fields)),
            callback_timeout_ms=(
                self._timeout_ms if callback_timeout_ms is None else read_timeout(callback_timeout_ms)
            ),
        )

    def _form_head(self, attributes: str = "") -> str:
        return f'<form{attributes} method="POST" action="{escape(self._base_url)}">'

    def _script_url(self) -> str:
        payme = self._base_url in (PRODUCTION_URL, TEST_URL)
        return _SCRIPT_URL if payme else self._base_url + _SCRIPT


def _inputs(request: CheckoutRequest) -> list[str]:
    return [
        f'  <input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in form_pairs(request)
    ]


def _with_goods(
    request: CheckoutRequest, description: Text | str | None, detail: Mapping[str, Any] | None
) -> CheckoutRequest:
    return msgspec.structs.replace(
        request,
        description=None if description is None else read_description(description),
        detail=None if detail is None else dict(detail),
    )
