"""Cards: what a payer typed becomes a token, and only the acquirer sees the number again."""

from tiyin.gateway.cards.issuer import CardPhone, Issuer, TestIssuer
from tiyin.gateway.cards.limits import CodeLimits, Limit
from tiyin.gateway.cards.safe import CardDetails
from tiyin.gateway.cards.service import Cards
from tiyin.gateway.cards.tokens import PayingCard
from tiyin.gateway.vault import KeyRing, KeyRingError, SealBroken, Vault, new_vault_key

__all__ = [
    "CardDetails",
    "CardPhone",
    "Cards",
    "CodeLimits",
    "Issuer",
    "KeyRing",
    "KeyRingError",
    "Limit",
    "PayingCard",
    "SealBroken",
    "TestIssuer",
    "Vault",
    "new_vault_key",
]
