"""The accounts that a run may pay: who has which, and which can still be paid."""

from collections.abc import Mapping

from tiyin.protocol.values import FieldError, Text, account_key, read_account
from tiyin.sandbox.problems import CannotRun, Skip
from tiyin.sandbox.target import AccountKind, Target

__all__ = ["Accounts"]

AccountFields = dict[str, str | int]

NO_FRESH_ACCOUNT = Text(
    ru="Нужен ещё один счёт, который можно оплатить, а способа создать его нет",
    uz="Yana bitta toʻlash mumkin boʻlgan hisob kerak, uni yaratish usuli berilmagan",
    en="It needs one more account that can be paid, and there is no way to make one",
)


class Accounts:
    """The target's own account first, then fresh ones, made as they are needed.

    Args:
        target: What is tested.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._spare: list[AccountFields] = [dict(target.account)]

    @property
    def scarce(self) -> bool:
        """Whether there is nothing beyond the target's own account, which takes money only once."""
        return self._target.kind is AccountKind.ONE_TIME and self._target.new_account is None

    def has(self, count: int) -> bool:
        """Tell whether so many accounts can be had now."""
        return not self.scarce or count <= len(self._spare)

    async def prepare(self) -> None:
        """Make one account ahead, so that a way that does not work is known before the run.

        Raises:
            CannotRun: If it cannot be made.
        """
        if not self._endless and self._target.new_account is not None:
            self._spare.append(await self._make())

    async def take(self) -> AccountFields:
        """Return an account that nobody else of this run has.

        Raises:
            Skip: If there is none and none can be made.
        """
        if self._endless:
            return dict(self._target.account)
        if self._spare:
            return self._spare.pop(0)
        if self._target.new_account is None:
            raise Skip(NO_FRESH_ACCOUNT)
        try:
            return await self._make()
        except CannotRun as error:
            raise Skip(
                Text(
                    ru=f"Новый счёт создать не удалось: {error}",
                    uz=f"Yangi hisob yaratib boʻlmadi: {error}",
                    en=f"A fresh account could not be made: {error}",
                )
            ) from None

    def give_back(self, account: Mapping[str, str | int]) -> None:
        """Take back an account that can still be paid."""
        if self._endless or any(account_key(one) == account_key(account) for one in self._spare):
            return
        self._spare.insert(0, dict(account))

    @property
    def _endless(self) -> bool:
        return self._target.kind is AccountKind.ACCUMULATING

    async def _make(self) -> AccountFields:
        assert self._target.new_account is not None  # noqa: S101 - both callers have looked
        try:
            account = read_account(await self._target.new_account())
        except CannotRun:
            raise
        except FieldError as error:
            raise CannotRun(f"the new account is not good: {error}") from None
        except Exception as error:
            # Somebody else's code: whatever it raises, there is no account.
            raise CannotRun(f"making a new account failed: {type(error).__name__}") from error
        if not account:
            raise CannotRun("the new account has no fields")
        return account
