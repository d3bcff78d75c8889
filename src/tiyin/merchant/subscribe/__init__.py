"""The client of the Subscribe API: cards, receipts and holds from a shop's own application.

Needs the extra ``tiyin[client]``. A whole purchase:

```python
from tiyin.merchant.subscribe import CodeWrong, PaymentRefused, SubscribeClient

client = SubscribeClient(desk_id, key, base_url="test")

card = client.cards.create("8600069195406311", "03/99", save=True)
client.cards.get_verify_code(card.token)
try:
    card = client.cards.verify(card.token, code_from_the_payer)
except CodeWrong as error:
    return error.text.in_language("uz")  # the payer may try again

receipt = client.receipts.create(500_000, {"order_id": "17"})  # tiyin: 5 000 sum
try:
    receipt = client.receipts.pay(receipt.id, card.token)
except PaymentRefused as error:
    return error.text.in_language("uz")  # nothing was taken
assert receipt.is_paid
```

`AsyncSubscribeClient` is the same for asyncio. Everything that can go wrong is drawn as a tree in
`tiyin.merchant.subscribe.errors`; when a request is
sent again is said in `tiyin.merchant.subscribe.exchange`.
"""

from tiyin.merchant.subscribe.client import AsyncSubscribeClient, SubscribeClient
from tiyin.merchant.subscribe.errors import (
    AccessDenied,
    AmountNotAllowed,
    AnswerLost,
    BadAnswer,
    BalanceUnknown,
    CardDeclined,
    CardNotFound,
    CardRefused,
    CardUnsupported,
    CardWrong,
    CodeExpired,
    CodeNotSent,
    CodeRefused,
    CodeTriesExceeded,
    CodeWrong,
    DebitFailed,
    DeskNotServed,
    InsufficientFunds,
    NotReached,
    PaymentRefused,
    ReceiptNotFound,
    ReceiptNotPayable,
    SmsNotConnected,
    SubscribeError,
    Unavailable,
    WrongField,
    WrongRequest,
)
from tiyin.merchant.subscribe.results import AccountRow, Card, CodeSent, Desk, Payer, Receipt, ReceiptCard
from tiyin.merchant.subscribe.settings import PRODUCTION, TEST
from tiyin.merchant.subscribe.transport import AsyncTransport, Transport
from tiyin.protocol.receipt import ReceiptState

__all__ = [
    "PRODUCTION",
    "TEST",
    "AccessDenied",
    "AccountRow",
    "AmountNotAllowed",
    "AnswerLost",
    "AsyncSubscribeClient",
    "AsyncTransport",
    "BadAnswer",
    "BalanceUnknown",
    "Card",
    "CardDeclined",
    "CardNotFound",
    "CardRefused",
    "CardUnsupported",
    "CardWrong",
    "CodeExpired",
    "CodeNotSent",
    "CodeRefused",
    "CodeSent",
    "CodeTriesExceeded",
    "CodeWrong",
    "DebitFailed",
    "Desk",
    "DeskNotServed",
    "InsufficientFunds",
    "NotReached",
    "Payer",
    "PaymentRefused",
    "Receipt",
    "ReceiptCard",
    "ReceiptNotFound",
    "ReceiptNotPayable",
    "ReceiptState",
    "SmsNotConnected",
    "SubscribeClient",
    "SubscribeError",
    "Transport",
    "Unavailable",
    "WrongField",
    "WrongRequest",
]
