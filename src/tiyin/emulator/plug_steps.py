"""The steps of a payment and of its refund between which a gateway can be killed, by name and in words."""

import signal
from typing import Final, Literal

from tiyin.web.words import N_

__all__ = ["REFUND_STEPS", "STEPS", "call_step", "commit_step", "signal_name", "words_of"]

Side = Literal["before", "during", "after"]

REFUND_STEPS: Final[dict[str, str]] = {
    "before-commit-4-21": N_("while the beginning of the refund is being written"),
    "after-commit-4-21": N_("when the beginning of the refund is written: the receipt is at 21"),
    "before-cancel": N_("before CancelTransaction is sent"),
    "during-cancel": N_("while CancelTransaction is under way: the answer is lost"),
    "after-cancel": N_("when CancelTransaction was answered and nothing of it is written"),
    "before-reverse": N_("before the money is given back"),
    "after-reverse": N_("when the money is given back and nothing of it is written"),
    "before-commit-21-50": N_("while the end of the refund is being written"),
    "after-commit-21-50": N_("when the money is back and the shop was not told"),
}
"""Where the plug can be pulled once the receipt is paid and its refund asked for, in order."""

STEPS: Final[dict[str, str]] = {
    "before-commit-0-1": N_("while the beginning of the payment is being written"),
    "after-commit-0-1": N_("when the beginning of the payment is written: the receipt is at 1"),
    "before-create": N_("before CreateTransaction is sent"),
    "during-create": N_("while CreateTransaction is under way: the answer is lost"),
    "after-create": N_("when CreateTransaction was answered and nothing of it is written"),
    "before-commit-1-2": N_("while the shop's yes is being written"),
    "after-commit-1-2": N_("when the receipt is at 2 and the card is to be debited"),
    "before-debit": N_("before the card is debited"),
    "after-debit": N_("when the card is debited and nothing of it is written"),
    "before-commit-2-3": N_("while the debit is being written into the ledger"),
    "after-commit-2-3": N_("when the debit is written: the receipt is at 3"),
    "before-perform": N_("before PerformTransaction is sent"),
    "during-perform": N_("while PerformTransaction is under way: the answer is lost"),
    "after-perform": N_("when PerformTransaction was answered and nothing of it is written"),
    "before-commit-3-4": N_("while the end of the payment is being written"),
    "after-commit-3-4": N_("when the receipt is paid and the payer was not told"),
    **REFUND_STEPS,
}
"""Where the plug can be pulled, in the order of a payment and its refund."""

_CALLS: Final = {
    "CheckPerformTransaction": "check",
    "CreateTransaction": "create",
    "PerformTransaction": "perform",
    "CancelTransaction": "cancel",
    "CheckTransaction": "look",
}
_FURTHER: Final = {
    "before-check": N_("CheckPerformTransaction is sent"),
    "before-look": N_("CheckTransaction is sent"),
    "before-cancel": N_("CancelTransaction is sent"),
    "before-status": N_("the acquirer is asked about the debit"),
    "before-reverse": N_("the money is given back"),
    "after-commit-1-50": N_("the receipt is cancelled"),
    "after-commit-2-50": N_("the receipt is cancelled"),
    "after-commit-3-50": N_("the receipt is cancelled"),
    "after-commit-3-30": N_("the receipt waits for the shop"),
    "after-commit-4-21": N_("the receipt is at 21: the money is to go back"),
    "after-cancel": N_("the shop answers CancelTransaction"),
    "after-commit-21-50": N_("the receipt is at 50: the money is back"),
}
_WHEN_GOING_ON: Final = {
    "before-create": N_("CreateTransaction is sent"),
    "after-create": N_("the shop answers CreateTransaction"),
    "after-commit-0-1": N_("the receipt is at 1"),
    "after-commit-1-2": N_("the receipt is at 2"),
    "before-debit": N_("the card is to be debited"),
    "after-debit": N_("the acquirer answers the debit"),
    "after-commit-2-3": N_("the receipt is at 3"),
    "before-perform": N_("PerformTransaction is sent"),
    "after-perform": N_("the shop answers PerformTransaction"),
    "after-commit-3-4": N_("the receipt is at 4: paid"),
}


def commit_step(side: Side, before: int, after: int) -> str:
    """Name the step beside a commit that moves a receipt.

    Args:
        side: On which side of the commit.
        before: The receipt's state before it.
        after: The receipt's state after it.
    """
    return f"{side}-commit-{before}-{after}"


def call_step(side: Side, what: str) -> str:
    """Name the step beside a call to the shop or to the acquirer.

    Args:
        side: On which side of the call.
        what: The Merchant API's method, or the acquirer's operation.
    """
    return f"{side}-{_CALLS.get(what, what)}"


def words_of(step: str) -> str | None:
    """Say what happens at a step that is passed, or None for one that needs no words of its own.

    Args:
        step: The step's name.
    """
    return _WHEN_GOING_ON.get(step) or _FURTHER.get(step)


def signal_name(exit_code: int | None) -> str | None:
    """Name the signal that ended a process, where it was one.

    Args:
        exit_code: How it ended.
    """
    if exit_code is None or exit_code >= 0:
        return None
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return None
