"""What a shop's hook may raise to say no, each with the code that the documentation gives it.

```
RpcError                        any answer with an error (tiyin.protocol.errors)
└── Refused                     a shop's documented "no": it promises that the hook did nothing
    ├── AccountNotFound         -31050..-31099, `data` = the field's name
    ├── OrderUnavailable        -31050..-31099: paid, cancelled, reserved, blocked
    ├── WrongAmount             -31001
    ├── CannotPerform           -31008
    ├── AlreadyDelivered        -31007
    └── SystemDown              -32400
```

Any other exception means that nobody knows what the hook did: Payme gets -32400 and asks again.
"""

from tiyin.protocol.errors import CommonCode, MerchantCode, RpcError, is_account_error
from tiyin.protocol.values import Text

__all__ = [
    "AccountNotFound",
    "AlreadyDelivered",
    "CannotPerform",
    "OrderUnavailable",
    "Refused",
    "SystemDown",
    "WrongAmount",
]


class Refused(RpcError):
    """A documented refusal. Whoever raises it promises that the hook changed nothing."""


class _AccountRefused(Refused):
    """A refusal that the payer can do something about, with the field of the account that it is about."""

    field: str

    def __init__(self, field: str, code: int, message: Text | None) -> None:
        if not is_account_error(code):
            raise ValueError(f"a refusal of the account has a code from -31050 to -31099, not {code}")
        super().__init__(code, message, field)
        self.field = field


class AccountNotFound(_AccountRefused):
    """What the payer typed leads to no order, phone, login.

    Documentation: merchant-api/errors

    Args:
        field: The name of the account's field that is wrong, as the cash desk has it.
        message: What the payer reads, in three languages; the table's text of the code by default.
        code: From -31050 to -31099.
    """

    def __init__(
        self, field: str, message: Text | None = None, *, code: int = MerchantCode.ACCOUNT_NOT_FOUND
    ) -> None:
        super().__init__(field, code, message)


class OrderUnavailable(_AccountRefused):
    """The order exists and cannot be paid (now).

    Documentation: merchant-api/errors

    Args:
        field: The name of the account's field that names the order.
        message: What the payer reads, in three languages; the table's text of the code by default.
        code: From -31050 to -31099.
    """

    def __init__(
        self, field: str, message: Text | None = None, *, code: int = MerchantCode.ACCOUNT_OTHER
    ) -> None:
        super().__init__(field, code, message)


class WrongAmount(Refused):
    """The amount is not the order's.

    The kit judges amounts by the `Order` that `Billing.check` returns; raise this only for what an `Order`
    cannot say.

    Args:
        message: What the payer reads; the table's text by default.
    """

    def __init__(self, message: Text | None = None) -> None:
        super().__init__(MerchantCode.WRONG_AMOUNT, message)


class CannotPerform(Refused):
    """The state of the order does not allow what is asked.

    Args:
        message: What the payer reads; the table's text by default.
    """

    def __init__(self, message: Text | None = None) -> None:
        super().__init__(MerchantCode.CANNOT_PERFORM, message)


class AlreadyDelivered(Refused):
    """The goods or services were handed over in full: the payment can no longer be cancelled.

    Args:
        message: What the merchant reads in the cabinet; the table's text by default.
    """

    def __init__(self, message: Text | None = None) -> None:
        super().__init__(MerchantCode.CANNOT_CANCEL, message)


class SystemDown(Refused):
    """Something that the payment needs is down now. Payme asks again later.

    Args:
        message: What the payer reads; the table's text by default.
    """

    def __init__(self, message: Text | None = None) -> None:
        super().__init__(CommonCode.INTERNAL, message)
