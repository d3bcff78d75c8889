"""A checkout link as a QR code: for a page, a printed bill, a terminal.

```python
picture = checkout.qr(500_000, {"order_id": "197"})
Path("bill.svg").write_text(picture.svg(), encoding="utf-8")
```

Documentation: checkout/button-and-qr
"""

import io
from html import escape
from typing import Final

import segno

from tiyin.merchant.sums import sums_text
from tiyin.protocol.values import Language, Text

__all__ = ["QrPicture", "payment_qr"]

_SCALE_MAX: Final = 100
_BORDER: Final = 4  # Modules of quiet around it: fewer, and cameras miss it.

_TITLE: Final = Text(
    ru="QR-код для оплаты {sum} через Payme",
    uz="Payme orqali {sum} toʻlash uchun QR-kod",
    en="QR code to pay {sum} with Payme",
)
_DESCRIPTION: Final = Text(
    ru="Наведите на него камеру телефона, и откроется страница оплаты.",
    uz="Telefon kamerasini unga tuting, shunda toʻlov sahifasi ochiladi.",
    en="Point a phone's camera at it, and the payment page opens.",
)


class QrPicture:
    """An address drawn as a QR code.

    ```python
    QrPicture("https://checkout.paycom.uz/bT01...", title="QR-код", description="Оплата заказа").png()
    ```

    Args:
        address: What it says.
        title: What it is, for those who do not see it.
        description: What to do with it.

    Raises:
        ValueError: If the address is too long for a QR code.
    """

    def __init__(self, address: str, *, title: str, description: str) -> None:
        self.address: Final = address
        self.title: Final = title
        self.description: Final = description
        try:
            self._code = segno.make_qr(address, error="m")
        except segno.DataOverflowError:
            raise ValueError(
                "the link is too long for a QR code: shorten the callback or the account"
            ) from None

    def svg(self, *, scale: int = 4) -> str:
        """Draw it as an `<svg>` for a page or a file; a screen reader reads its title.

        ```python
        page.replace("{{ qr }}", picture.svg())
        ```

        Args:
            scale: Width of one module in CSS pixels, 1 to 100. Styles may set another size: it has a viewBox.
        """
        side = self._side(scale)
        drawn: str = self._code.svg_inline(
            border=_BORDER, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(self.title)}" '
            f'width="{side}" height="{side}"'
        )
        words = f"<title>{escape(self.title)}</title><desc>{escape(self.description)}</desc>"
        opening, closing, rest = drawn.removeprefix("<svg").partition(">")
        return f"{head}{opening}{closing}{words}{rest}"

    def png(self, *, scale: int = 8) -> bytes:
        """Draw it as a PNG.

        ```python
        return Response(picture.png(), media_type="image/png")
        ```

        Args:
            scale: Width of one module in pixels, 1 to 100.
        """
        self._side(scale)
        drawn = io.BytesIO()
        self._code.save(drawn, kind="png", scale=scale, border=_BORDER, dark="#000", light="#fff")
        return drawn.getvalue()

    def terminal(self) -> str:
        """Draw it in half blocks with colours of a terminal.

        ```python
        print(picture.terminal())
        ```
        """
        drawn = io.StringIO()
        self._code.terminal(drawn, border=_BORDER, compact=True)
        return drawn.getvalue()

    def _side(self, scale: int) -> int:
        if type(scale) is not int or not 1 <= scale <= _SCALE_MAX:
            raise ValueError(f"scale must be a whole number from 1 to {_SCALE_MAX}")
        return int(self._code.symbol_size(scale=scale, border=_BORDER)[0])


def payment_qr(link: str, amount_tiyin: int, language: Language) -> QrPicture:
    """Draw a checkout link, with words for screen readers.

    ```python
    payment_qr(checkout.link(500_000, {"order_id": "197"}), 500_000, "ru")
    ```

    Args:
        link: The checkout link.
        amount_tiyin: What is paid, in tiyin.
        language: Of the words.

    Raises:
        ValueError: If the link is too long for a QR code.
    """
    title = _TITLE.in_language(language).format(sum=sums_text(amount_tiyin, language))
    return QrPicture(link, title=title, description=_DESCRIPTION.in_language(language))
