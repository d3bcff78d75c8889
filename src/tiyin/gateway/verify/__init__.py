"""`tiyin verify`: do receipts, work, ledger, closed days, payouts and the acquirer's books agree?

`receipts` reads all receipts and what belongs to them by ranges of their ids; `days` recounts each closed day
and looks at its settlement. Memory is bounded by a page and by the number of accounts, and a gateway may be
at work
meanwhile: what looks wrong is read again, and only what stays wrong while it stands still is reported.

    every entry balances, and stands between the accounts that its kind says
    taken from cards - given back = owed to desks + commission + in flight + on its way back
                                    + on its way to desks + paid out - what desks owe
    money held = posted + voided + pending
    a receipt in 4 was debited once and its money is owed to its desks; 50 keeps nothing; 0, 1 and 2 have no
    money work rows exist for exactly the receipts that somebody must look after the acquirer's books say of
    every receipt what the ledger says a closed day's totals are what its entries say, each opens with what
    the one before closed with, every desk was settled, and each payout is booked as its state says
"""

from tiyin.gateway.verify.report import Finding, VerifyReport
from tiyin.gateway.verify.totals import Totals
from tiyin.gateway.verify.verifying import verify

__all__ = ["Finding", "Totals", "VerifyReport", "verify"]
