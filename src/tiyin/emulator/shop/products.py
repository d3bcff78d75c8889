"""What the demo shop sells."""

from typing import Final

import msgspec

from tiyin.protocol.values import Text

__all__ = ["PRODUCTS", "Product", "find_product"]


class Product(msgspec.Struct, frozen=True):
    """A thing one can buy.

    Args:
        code: Its name in addresses and in the books.
        title: What it is called.
        about: A line about it.
        price_tiyin: What it costs.
        drawing: The name of its picture among the macros of `shop/macros.html`.
        ikpu: Its code in the tax office's catalogue, 17 digits.
    """

    code: str
    title: Text
    about: Text
    price_tiyin: int
    drawing: str
    ikpu: str


PRODUCTS: Final[tuple[Product, ...]] = (
    Product(
        code="tea",
        title=Text(ru="Зелёный чай", uz="Koʻk choy", en="Green tea"),
        about=Text(ru="Пачка, 100 граммов", uz="Qadoq, 100 gramm", en="A pack of 100 grams"),
        price_tiyin=500_000,
        drawing="tea",
        ikpu="00902001001000001",
    ),
    Product(
        code="bread",
        title=Text(ru="Лепёшка из тандыра", uz="Tandir non", en="Tandoor bread"),
        about=Text(ru="Тёплая, с кунжутом", uz="Issiq, kunjutli", en="Warm, with sesame"),
        price_tiyin=1_200_000,
        drawing="bread",
        ikpu="01905001001000001",
    ),
    Product(
        code="bowl",
        title=Text(ru="Пиала из Риштана", uz="Rishton piyolasi", en="A bowl from Rishtan"),
        about=Text(ru="Расписана вручную", uz="Qoʻlda naqshlangan", en="Painted by hand"),
        price_tiyin=8_500_000,
        drawing="bowl",
        ikpu="06911001001000001",
    ),
)


def find_product(code: str) -> Product | None:
    """Give the product with a code, or None."""
    return next((product for product in PRODUCTS if product.code == code), None)
