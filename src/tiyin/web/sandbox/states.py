"""The states in which a merchant's account may be when it is tested."""

from enum import StrEnum
from typing import Final

from tiyin.protocol.values import Text

__all__ = ["STATES", "AccountState"]


class AccountState(StrEnum):
    """The account's state, as the visitor knows it. Documentation: sandbox («статус счета»)."""

    WAITING = "waiting"
    PROCESSING = "processing"
    """Another transaction waits for it."""
    BLOCKED = "blocked"
    """Paid, cancelled, or not to be paid for another reason."""
    MISSING = "missing"


STATES: Final[dict[AccountState, Text]] = {
    AccountState.WAITING: Text(ru="Ожидает оплаты", uz="Toʻlov kutilmoqda", en="Waiting for payment"),
    AccountState.PROCESSING: Text(ru="В обработке", uz="Ishlov berilmoqda", en="Being processed"),
    AccountState.BLOCKED: Text(ru="Заблокирован", uz="Bloklangan", en="Blocked"),
    AccountState.MISSING: Text(ru="Не существует", uz="Mavjud emas", en="Does not exist"),
}
