"""A stored receipt in the one shape that the Subscribe API shows. Pure.

Two shows of the same receipt differ, as the documentation's samples do. In the list of receipts.get_all the
titles are objects of languages, the receipt's number is an integer, and a card's expiry begins with the year.
So does that of a receipt made to hold money, everywhere.

Documentation: subscribe-api/receipts.create, receipts.pay, receipts.get, receipts.get_all, holds
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.receipts.records import Receipt, error_of
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID
from tiyin.protocol.receipt import (
    TRANSACTION_ROW_NAME,
    TRANSACTION_ROW_TITLE,
    AccountRow,
    Epos,
    MerchantAnswer,
    Payer,
    ReceiptAnswer,
    ReceiptCard,
    ReceiptMeta,
    Title,
    expire_year_first,
)
from tiyin.protocol.values import Language, Text

__all__ = ["shape_receipt"]

_PROCESSING: Final = 0
_read_account = msgspec.json.Decoder(dict[str, str | int]).decode
_read_object = msgspec.json.Decoder(dict[str, Any]).decode
_read_description = msgspec.json.Decoder(str | Text).decode


class _StoredPayer(msgspec.Struct):
    phone: str | None = None


_read_payer = msgspec.json.Decoder(_StoredPayer).decode


def shape_receipt(receipt: Receipt, desk: Desk, language: Language, *, listed: bool = False) -> ReceiptAnswer:
    """Shape a receipt for the wire.

    Args:
        receipt: As stored.
        desk: Its cash desk.
        language: Of titles and texts.
        listed: Whether it is one of the list that receipts.get_all answers.

    Returns:
        The shape; the card's number is masked, `detail` is what was given.
    """
    description = _read_description(receipt.description)
    paid = receipt.state == PAID
    card = None
    if receipt.card_mask is not None and receipt.attempt and receipt.state:
        expire = receipt.card_expire or ""
        year_first = listed or receipt.hold or receipt.state == HELD
        card = ReceiptCard(receipt.card_mask, expire_year_first(expire) if year_first else expire)
    return ReceiptAnswer(
        id=receipt.id,
        create_time=receipt.created_ms,
        pay_time=receipt.pay_time_ms,
        cancel_time=receipt.cancel_time_ms,
        state=receipt.state,
        type=receipt.type,
        amount=receipt.amount_tiyin,
        account=_account_rows(receipt, desk, language, listed=listed),
        merchant=MerchantAnswer(
            id=desk.id,
            name=desk.name,
            organization=desk.organization,
            epos=Epos(desk.epos.merchant_id, desk.epos.terminal_id),
            date=desk.created_at_ms,
            type=_title(desk.category, language, listed=listed),
            address=desk.address,
            business_id=desk.business_id,
            logo=desk.logo,
            payer=_payer(receipt) if paid else UNSET,
        ),
        error=_error(receipt, language),
        description=description if isinstance(description, str) else description.in_language(language),
        detail=None if receipt.detail is None else _read_object(receipt.detail),
        commission=receipt.commission_tiyin,
        card=card,
        meta=ReceiptMeta(receipt.source, desk.id),
        processing_id=_PROCESSING if receipt.reference is not None else None,
    )


def _account_rows(receipt: Receipt, desk: Desk, language: Language, *, listed: bool) -> list[AccountRow]:
    """List the account's fields under the desk's titles, then the receipt's own number."""
    account = _read_account(receipt.account)
    titled = {field.name: field for field in desk.account_fields}
    rows = []
    for name, value in account.items():
        field = titled.get(name)
        title = Text.same(name) if field is None else field.title
        main = field is not None and field.main
        rows.append(AccountRow(name, _title(title, language, listed=listed), value, main=main))
    if rows and not any(row.main for row in rows):
        rows[0] = AccountRow(rows[0].name, rows[0].title, rows[0].value, main=True)
    rows.append(
        AccountRow(
            TRANSACTION_ROW_NAME,
            _title(TRANSACTION_ROW_TITLE, language, listed=listed),
            receipt.number if listed else str(receipt.number),
            main=False,
        )
    )
    return rows


def _title(text: Text, language: Language, *, listed: bool) -> Title:
    return text.as_dict() if listed else text.in_language(language)


def _payer(receipt: Receipt) -> Any:
    if receipt.payer is None:
        return UNSET
    phone = _read_payer(receipt.payer).phone
    return UNSET if phone is None else Payer(phone)


def _error(receipt: Receipt, language: Language) -> dict[str, Any] | None:
    """Tell why a cancelled receipt was cancelled, where a failure did it."""
    error = error_of(receipt) if receipt.state == CANCELLED else None
    return None if error is None else {"code": error.code, "message": error.message.in_language(language)}
