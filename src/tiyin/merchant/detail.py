"""The goods of a payment, for its fiscal receipt: written in words of a shop, checked, and given to Payme.

```python
detail = Detail(
    [
        Item(
            "Помидоры",
            price_tiyin=505_000,
            count=2,
            code="00702001001000001",
            package_code="123456",
            vat_percent=12,
            discount_tiyin=10_000,
        ),
    ],
    shipping=Shipping("Доставка", price_tiyin=500_000),
)
detail.total_tiyin           # 1500000
detail.check(1_500_000)      # raises if the goods do not come to what is paid

Order(amount_tiyin=detail.total_tiyin, detail=detail)
checkout.form(detail.total_tiyin, {"order_id": "197"}, detail=detail)
```

A `Detail` is a dict of the documented shape, so that it can stand wherever such an object can.

Documentation: checkout/post-form, subscribe-api/receipts.create
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

import msgspec

from tiyin.merchant.sums import check_tiyin
from tiyin.protocol.fiscal import COUNT_MAX, detail_warnings, read_detail, vat_included_tiyin
from tiyin.protocol.fiscal import Detail as WireDetail
from tiyin.protocol.values import FieldError

__all__ = ["Detail", "Discount", "Item", "Shipping", "vat_included_tiyin"]


class Item(msgspec.Struct, frozen=True):
    """One position of the receipt: goods or a service.

    ```python
    Item("Сыр, кг", price_tiyin=12_000_000, count=Decimal("0.350"), code="00406001001000000",
         package_code="1512185", vat_percent=12)
    ```

    Args:
        title: What it is called, 1 to 512 characters.
        price_tiyin: What one unit costs, VAT included, in tiyin.
        count: How many units, above 0; a Decimal for goods that are weighed.
        code: The IKPU (MXIK), 17 digits.
        package_code: The code of the packaging, digits.
        vat_percent: The VAT rate, 0 to 100; 0 and 12 are in force.
        units: The code of the unit of measure, if there is one.
        discount_tiyin: Taken off the whole position (not off each unit), in tiyin.
        discount_title: What the discount is called, if it has a name.

    Raises:
        TypeError: If a price or a discount is no int, or the count or the rate a float.
        FieldError: If the count or the rate cannot be written exactly.
    """

    title: str
    price_tiyin: int
    count: int | Decimal
    code: str
    package_code: str
    vat_percent: int | Decimal
    units: int | None = None
    discount_tiyin: int | None = None
    discount_title: str | None = None

    def __post_init__(self) -> None:
        check_tiyin(self.price_tiyin)
        if self.discount_tiyin is not None:
            check_tiyin(self.discount_tiyin)
        elif self.discount_title is not None:
            raise FieldError("discount_tiyin", "is required beside discount_title")
        _number("count", self.count)
        _number("vat_percent", self.vat_percent)

    def as_dict(self) -> dict[str, Any]:
        """Return the documented object; what was not given is not in it."""
        written: dict[str, Any] = {
            "title": self.title,
            "price": self.price_tiyin,
            "count": _number("count", self.count),
            "code": self.code,
            "package_code": self.package_code,
            "vat_percent": _number("vat_percent", self.vat_percent),
        }
        if self.units is not None:
            written["units"] = self.units
        if self.discount_tiyin is not None:
            written["discount"] = (
                self.discount_tiyin
                if self.discount_title is None
                else Discount(self.discount_title, self.discount_tiyin).as_dict()
            )
        return written


class Shipping(msgspec.Struct, frozen=True):
    """The delivery.

    ```python
    Shipping("Доставка до ттз-4 28/23", price_tiyin=500_000)
    ```

    Args:
        title: Where and how, 1 to 512 characters.
        price_tiyin: What it costs, in tiyin.

    Raises:
        TypeError: If the price is no int.
    """

    title: str
    price_tiyin: int

    def __post_init__(self) -> None:
        check_tiyin(self.price_tiyin)

    def as_dict(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"title": self.title, "price": self.price_tiyin}


class Discount(msgspec.Struct, frozen=True):
    """A discount on the whole payment.

    ```python
    Discount("Скидка 5%", price_tiyin=50_000)
    ```

    Args:
        title: What it is called, 1 to 512 characters.
        price_tiyin: How much is taken off, in tiyin.

    Raises:
        TypeError: If the price is no int.
    """

    title: str
    price_tiyin: int

    def __post_init__(self) -> None:
        check_tiyin(self.price_tiyin)

    def as_dict(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"title": self.title, "price": self.price_tiyin}


class Detail(dict[str, Any]):
    """The goods of one payment: a dict of the documented shape that knows what it comes to.

    ```python
    detail = Detail([item, another], shipping=Shipping("Доставка", 500_000))
    ```

    Args:
        items: The positions, at most 1000.
        shipping: The delivery, if there is one.
        discount: Taken off the whole payment, if anything is.

    Raises:
        FieldError: If a value is not as documented; it names the field, such as ``items[0].code``.
    """

    def __init__(
        self, items: Sequence[Item], *, shipping: Shipping | None = None, discount: Discount | None = None
    ) -> None:
        super().__init__(receipt_type=0, items=[item.as_dict() for item in items])
        if shipping is not None:
            self["shipping"] = shipping.as_dict()
        if discount is not None:
            self["discount"] = discount.as_dict()
        read_detail(self)

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Take goods that are written in the documented shape already, from a database for example.

        ```python
        Detail.read(order.detail_json).check(order.amount_tiyin)
        ```

        Args:
            value: The object; it is kept as it is.

        Raises:
            FieldError: If a value is not as documented; it names the field.
        """
        read_detail(dict(value))
        made = cls(())
        made.clear()
        made.update(value)
        return made

    @property
    def total_tiyin(self) -> int:
        """What everything comes to, in tiyin; each weighed position is rounded half up."""
        return self._read().total_tiyin

    @property
    def vat_tiyin(self) -> int:
        """The VAT that the positions' prices include after their discounts, in tiyin; rates are whole.

        Raises:
            ValueError: If a rate is not whole.
        """
        items = self._read().items
        if any(item.vat_percent % 1 for item in items):
            raise ValueError("the VAT of a rate that is not whole is yours to round")
        return sum(vat_included_tiyin(item.total_tiyin, int(item.vat_percent)) for item in items)

    def warnings(self, amount_tiyin: int | None = None) -> list[str]:
        """List what looks wrong without being forbidden: sentences in English, for the developer.

        ```python
        for words in detail.warnings():
            log.warning(words)
        ```

        Args:
            amount_tiyin: What is paid, in tiyin; None if it is what the goods come to.
        """
        read = self._read()
        return detail_warnings(read, read.total_tiyin if amount_tiyin is None else check_tiyin(amount_tiyin))

    def check(self, amount_tiyin: int) -> Self:
        """Make sure that the goods come to what is paid for them.

        ```python
        Order(amount_tiyin=price, detail=detail.check(price))
        ```

        Args:
            amount_tiyin: What is paid, in tiyin.

        Returns:
            The same goods.

        Raises:
            FieldError: If they come to another amount, or a value is not as documented.
        """
        total_tiyin = self.total_tiyin
        if total_tiyin != check_tiyin(amount_tiyin):
            raise FieldError(
                "detail", f"the goods come to {total_tiyin} tiyin, but {amount_tiyin} tiyin are to be paid"
            )
        return self

    def _read(self) -> WireDetail:
        # Read again each time: a dict may have been changed by anybody.
        return read_detail(self)


def _number(name: str, value: int | Decimal) -> int | float:
    """Write a count or a rate as JSON can: a Decimal as the float that reads as the same digits."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"{name} is an int or a Decimal, not {type(value).__name__}")
    # Compared first: a number of a million digits is not worth making.
    if isinstance(value, Decimal) and not (value.is_finite() and 0 <= value <= COUNT_MAX):
        raise FieldError(name, f"must be from 0 to {COUNT_MAX}")
    if value == int(value):
        return int(value)
    written = float(value)
    if Decimal(repr(written)) != value:
        raise FieldError(name, "must have at most 15 digits")
    return written
