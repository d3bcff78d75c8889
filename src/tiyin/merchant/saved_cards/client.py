"""What saved cards need of a client of the Subscribe API, as `tiyin.merchant.subscribe` has it.

An exception whose ``code`` is -31400 (-32500) says that Payme knows no such token, and so that it is removed.
"""

from typing import Any, Protocol, TypeVar

__all__ = ["AsyncCardsClient", "CardsClient"]

R_co = TypeVar("R_co", covariant=True)


class _Cards(Protocol):
    def remove(self, token: str, /) -> Any:
        """Call cards.remove."""
        ...


class _Receipts(Protocol[R_co]):
    def pay(self, receipt_id: str, token: str, /) -> R_co:
        """Call receipts.pay."""
        ...


class CardsClient(Protocol[R_co]):
    """What `SavedCards` needs of a client: ``cards.remove`` and ``receipts.pay``."""

    @property
    def cards(self) -> _Cards:
        """The methods cards.*."""
        ...

    @property
    def receipts(self) -> _Receipts[R_co]:
        """The methods receipts.*."""
        ...


class _AsyncCards(Protocol):
    async def remove(self, token: str, /) -> Any:
        """Call cards.remove."""
        ...


class _AsyncReceipts(Protocol[R_co]):
    async def pay(self, receipt_id: str, token: str, /) -> R_co:
        """Call receipts.pay."""
        ...


class AsyncCardsClient(Protocol[R_co]):
    """What `AsyncSavedCards` needs of a client: the same, to be awaited."""

    @property
    def cards(self) -> _AsyncCards:
        """The methods cards.*."""
        ...

    @property
    def receipts(self) -> _AsyncReceipts[R_co]:
        """The methods receipts.*."""
        ...
