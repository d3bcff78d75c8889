"""The cards of the Subscribe API: parameters and answers of the methods cards.*.

Documentation: subscribe-api/methods
"""

import re
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.params import AccountField, Whole, set_field
from tiyin.protocol.receipt import read_expire
from tiyin.protocol.values import mask_card_number, read_account, read_amount

__all__ = [
    "TOKEN_LENGTH_MAX",
    "CardAnswer",
    "CardParams",
    "CardResult",
    "CardsCheckParams",
    "CardsCreateParams",
    "CardsGetVerifyCodeParams",
    "CardsRemoveParams",
    "CardsVerifyParams",
    "CodeSent",
    "Customer",
    "Token",
]

TOKEN_LENGTH_MAX: Final = 1024
CUSTOMER_LENGTH_MAX: Final = 256

Token: TypeAlias = Annotated[str, Meta(min_length=1, max_length=TOKEN_LENGTH_MAX)]
Customer: TypeAlias = Annotated[str, Meta(max_length=CUSTOMER_LENGTH_MAX)]

_CARD_NUMBER = re.compile(r"[0-9]{12,19}")
_CODE = re.compile(r"[0-9]{1,16}")


class CardParams(msgspec.Struct, frozen=True):
    """A card as the payer typed it; never shown.

    Args:
        number: digits; spaces are taken out. Whether such a card exists is the gateway's to say.
        expire: month and year, `0399`; `03/99` is read as well.
    """

    number: str
    expire: str

    def __post_init__(self) -> None:
        set_field(self, "number", self.number, _read_card_number)
        set_field(self, "expire", self.expire, read_expire)

    def __repr__(self) -> str:
        return f"CardParams(number={mask_card_number(self.number)!r}, expire=<hidden>)"

    __rich_repr__ = rich_repr


class CardsCreateParams(msgspec.Struct, frozen=True):
    """Make a token of a card. Documentation: subscribe-api/cards.create.

    Args:
        card: the card.
        save: whether the token is good for more than one payment.
        account: what is being paid, where it is known already.
        customer: any name of the payer: phone, uid, email.
        amount: in tiyin; the token then pays only this amount.
    """

    card: CardParams
    save: bool = False
    account: AccountField | None = None
    customer: Customer | None = None
    amount: Whole | None = None

    def __post_init__(self) -> None:
        if self.account is not None:
            set_field(self, "account", self.account, read_account)
        if self.amount is not None:
            set_field(self, "amount", self.amount, read_amount)


class _TokenParams(msgspec.Struct, frozen=True):
    token: Token

    def __repr__(self) -> str:
        return f"{type(self).__name__}(token=<hidden>)"

    __rich_repr__ = rich_repr


class CardsGetVerifyCodeParams(_TokenParams, frozen=True):
    """Send a code to the card's phone. Documentation: subscribe-api/cards.get_verify_code.

    Args:
        token: the card's token.
    """


class CardsCheckParams(_TokenParams, frozen=True):
    """Tell about a token. Documentation: subscribe-api/cards.check.

    Args:
        token: the card's token.
    """


class CardsRemoveParams(_TokenParams, frozen=True):
    """Forget a token. Documentation: subscribe-api/cards.remove.

    Args:
        token: the card's token.
    """


class CardsVerifyParams(_TokenParams, frozen=True):
    """Prove with the code that the card is the payer's. Documentation: subscribe-api/cards.verify.

    Args:
        token: the card's token.
        code: the digits from the SMS.
    """

    code: str

    def __post_init__(self) -> None:
        set_field(self, "code", self.code, _read_code)

    def __repr__(self) -> str:
        return "CardsVerifyParams(token=<hidden>, code=<hidden>)"


class CardAnswer(msgspec.Struct, frozen=True):
    """A card as its owner may see it.

    Args:
        number: the masked number.
        expire: `03/99`.
        token: the token that pays.
        recurrent: whether it pays more than once.
        verify: whether a code proved it.
    """

    number: str
    expire: str
    token: str
    recurrent: bool
    verify: bool

    def __repr__(self) -> str:
        return (
            f"CardAnswer(number={self.number!r}, expire={self.expire!r}, token=<hidden>, "
            f"recurrent={self.recurrent!r}, verify={self.verify!r})"
        )

    __rich_repr__ = rich_repr


class CardResult(msgspec.Struct, frozen=True):
    """The answer of cards.create, cards.verify and cards.check."""

    card: CardAnswer


class CodeSent(msgspec.Struct, frozen=True):
    """The answer of cards.get_verify_code.

    Args:
        sent: whether a code went out.
        phone: the masked phone.
        wait_ms: until a code may be asked for again; `wait` on the wire.
    """

    sent: bool
    phone: str
    wait_ms: int = msgspec.field(name="wait")


def _read_card_number(value: str) -> str:
    digits = value.replace(" ", "")
    if _CARD_NUMBER.fullmatch(digits) is None:
        raise ValueError("must be the digits of a card number")
    return digits


def _read_code(value: str) -> str:
    code = value.strip()
    if _CODE.fullmatch(code) is None:
        raise ValueError("must be digits")
    return code
