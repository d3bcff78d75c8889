"""Payme's side: cash desks, cards, receipts, the ledger, and the Subscribe API over them."""
