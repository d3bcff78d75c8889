"""The states of a receipt and every move between them that is allowed, for each route.

Past a billing (the desk's merchant has a server that speaks the Merchant API)::

              pay           created          debited           performed
    [0] ------------> [1] ----------> [2] -----------> [3] ---------------> [4] <--- kept --+
     ^  |              |               |                |  lost        ^     |              |
     |  | refused      |               |                +----> [30] ---+     | cancelled    |
     +--|--------------+               |                |        |           v              |
        |              | no answer,    | declined,      | refused, given     [21] -----------+
        |              | cancelled     | cancelled      | back   |           | given back
        +--------------+---------------+----------------+--------+-----------+-----------> [50]
     [0]
        | hold                 held                                                          ^
        +------------> [6] -----------> [5] --- confirmed ---> [1]                           |
                        |                |----- cancelled ---> [21] ---- given back ---------+
                        |                +----- voided by the processing itself -------------+
                        +--- refused --------------------------------------------------------+

Straight (no server is asked): the same picture without 1, 3 and 30, so 0-2-4 for a payment and 0-6-5-2-4
for a hold.

A cancel that is asked for in 1, 2, 3, 6 or 30 is recorded as a wish. Whoever drives the receipt first learns
what happened and then undoes it; where it turns out to be paid or held, that is 3-21, 30-21, 2-21 or 6-21.

Every state in which something is under way (1, 2, 3, 6, 21, 30) may be put on pause: 20 remembers where it
came from, and a person moves it on. 50 is written only when nothing is kept.

Documentation: subscribe-api/receipt-states, subscribe-api/holds.
"""

from typing import Final, Literal

from tiyin.protocol.subscribe_api import ReceiptState

__all__ = [
    "BILLING",
    "CANCELLED",
    "CANCELLING",
    "CLOSING",
    "CREATED",
    "DEBIT",
    "HELD",
    "HOLDING",
    "MOVES",
    "PAID",
    "PAUSED",
    "QUEUED",
    "UNRESOLVED",
    "WORKED",
    "Route",
    "may_move",
    "route_of",
]

# Records hold plain integers; these are the documentation's states under the names this package speaks of
# them.
CREATED: Final = int(ReceiptState.CREATED)
BILLING: Final = int(ReceiptState.AT_BILLING)
DEBIT: Final = int(ReceiptState.DEBIT)
CLOSING: Final = int(ReceiptState.CLOSING)
PAID: Final = int(ReceiptState.PAID)
HELD: Final = int(ReceiptState.HELD)
HOLDING: Final = int(ReceiptState.HOLD_COMMANDED)
PAUSED: Final = int(ReceiptState.PAUSED)
CANCELLING: Final = int(ReceiptState.CANCEL_QUEUE)
QUEUED: Final = int(ReceiptState.CLOSING_QUEUE)
CANCELLED: Final = int(ReceiptState.CANCELLED)

UNRESOLVED: Final = frozenset({BILLING, DEBIT, CLOSING, HOLDING, CANCELLING, QUEUED})
"""States in which something is under way and a driver is at work."""

WORKED: Final = UNRESOLVED | {HELD}
"""States that have a row in the work queue: of a hold it is looked after whether it still stands."""

Route = Literal["billing", "direct"]
"""How a receipt travels: past the merchant's billing, or straight to the debit."""

MOVES: Final[dict[Route, frozenset[tuple[int, int]]]] = {
    "billing": frozenset({
        (CREATED, BILLING), (CREATED, CANCELLED), (CREATED, HOLDING),
        (BILLING, CREATED), (BILLING, DEBIT), (BILLING, CANCELLED), (BILLING, PAUSED),
        (DEBIT, CLOSING), (DEBIT, CANCELLED), (DEBIT, PAUSED),
        (CLOSING, PAID), (CLOSING, QUEUED), (CLOSING, CANCELLING), (CLOSING, CANCELLED), (CLOSING, PAUSED),
        (QUEUED, PAID), (QUEUED, CANCELLING), (QUEUED, CANCELLED), (QUEUED, PAUSED),
        (PAID, CANCELLING),
        (CANCELLING, CANCELLED), (CANCELLING, PAID), (CANCELLING, PAUSED),
        (HOLDING, HELD), (HOLDING, CANCELLING), (HOLDING, CANCELLED), (HOLDING, PAUSED),
        (HELD, BILLING), (HELD, CANCELLING), (HELD, CANCELLED),
        (PAUSED, BILLING), (PAUSED, DEBIT), (PAUSED, CLOSING), (PAUSED, QUEUED), (PAUSED, CANCELLING),
        (PAUSED, HOLDING), (PAUSED, CANCELLED),
    }),
    "direct": frozenset({
        (CREATED, DEBIT), (CREATED, CANCELLED), (CREATED, HOLDING),
        (DEBIT, PAID), (DEBIT, CANCELLING), (DEBIT, CANCELLED), (DEBIT, PAUSED),
        (PAID, CANCELLING),
        (CANCELLING, CANCELLED), (CANCELLING, PAUSED),
        (HOLDING, HELD), (HOLDING, CANCELLING), (HOLDING, CANCELLED), (HOLDING, PAUSED),
        (HELD, DEBIT), (HELD, CANCELLING), (HELD, CANCELLED),
        (PAUSED, DEBIT), (PAUSED, CANCELLING), (PAUSED, HOLDING), (PAUSED, CANCELLED),
    }),
}  # fmt: skip
"""The one table of allowed moves. Staying in a state (a repeat, another step within it) is no move."""


def route_of(endpoint: str | None) -> Route:
    """Tell how a cash desk's receipts travel.

    Args:
        endpoint: The address of the merchant's billing; None where no server is asked.
    """
    return "direct" if endpoint is None else "billing"


def may_move(route: Route, before: int, after: int) -> bool:
    """Tell whether a receipt on this route may go from one state to the other, or stay where it is."""
    return before == after or (before, after) in MOVES[route]
