"""Saved cards: a PIN before each payment by a kept token, and three tries, as the documentation recommends.

```python
from tiyin.merchant.saved_cards import AsyncSavedCards, OwnCardKeeper, SavedCardError

async with OwnCardKeeper("sqlite:///cards.db") as keeper:
    cards = AsyncSavedCards(keeper, client)
    saved = await cards.save("customer-7", token, "860006******6311", pin="4071")
    try:
        await cards.pay("customer-7", saved.card, receipt_id, pin=typed)
    except SavedCardError as error:
        show(error.text.in_language("uz"))
```

`SavedCards` is the same without await. PINs need argon2-cffi (``pip install 'tiyin[client]'``). What can be
wrong stands in `tiyin.merchant.saved_cards.errors`, the port to a shop's own tables in ``records``.

Documentation: subscribe-api/overview
"""

from tiyin.merchant.saved_cards.cards import AsyncSavedCards, SavedCards
from tiyin.merchant.saved_cards.client import AsyncCardsClient, CardsClient
from tiyin.merchant.saved_cards.errors import SavedCardError
from tiyin.merchant.saved_cards.flow import CardView
from tiyin.merchant.saved_cards.own import BlockingCardKeeper, OwnCardKeeper
from tiyin.merchant.saved_cards.pins import check_new_pin
from tiyin.merchant.saved_cards.records import AsyncCardKeeper, CardKeeper, SavedCard
from tiyin.merchant.saved_cards.sealing import SealedSecrets, Secrets

__all__ = [
    "AsyncCardKeeper",
    "AsyncCardsClient",
    "AsyncSavedCards",
    "BlockingCardKeeper",
    "CardKeeper",
    "CardView",
    "CardsClient",
    "OwnCardKeeper",
    "SavedCard",
    "SavedCardError",
    "SavedCards",
    "SealedSecrets",
    "Secrets",
    "check_new_pin",
]
