"""Why whoever asked got no answer: the recorders' own sentences, which the pages translate.

What other people's servers and the network say is told as it is, and never taken for a sentence of ours.
"""

from typing import Final

from tiyin.web.words import N_

__all__ = [
    "API_ANSWER_LOST",
    "API_REQUEST_LOST",
    "CALLER_GONE",
    "CUT_OFF",
    "GATEWAY_FAILED",
    "PROBLEMS",
    "SHOP_ANSWER_LATE",
    "SHOP_ANSWER_LOST",
    "SHOP_REQUEST_LOST",
]

CUT_OFF: Final = N_("The call was cut off before it ended.")
SHOP_REQUEST_LOST: Final = N_("The request was lost before it reached the shop (a fault rule).")
SHOP_ANSWER_LOST: Final = N_("The shop's answer was lost on its way (a fault rule).")
SHOP_ANSWER_LATE: Final = N_("The answer came after the time for it was over (a fault rule).")
CALLER_GONE: Final = N_("The caller was gone before the answer.")
GATEWAY_FAILED: Final = N_("The gateway failed.")
API_REQUEST_LOST: Final = N_("The request was lost before it reached the gateway (a fault rule).")
API_ANSWER_LOST: Final = N_("The gateway's answer was lost on its way (a fault rule).")

PROBLEMS: Final = frozenset(
    (
        CUT_OFF,
        SHOP_REQUEST_LOST,
        SHOP_ANSWER_LOST,
        SHOP_ANSWER_LATE,
        CALLER_GONE,
        GATEWAY_FAILED,
        API_REQUEST_LOST,
        API_ANSWER_LOST,
    )
)
"""All of them."""
