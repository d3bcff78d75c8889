"""What a `MerchantApi` was made with. What cannot work is refused at once, in a sentence that says why."""

from collections.abc import Mapping

import msgspec

from tiyin.merchant.access import AddressList, Keys
from tiyin.merchant.calling import AnyBilling, Calling, calling
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.port import TransactionStore
from tiyin.protocol.errors import CommonCode, MerchantCode, is_account_error
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import LANGUAGES, Text, is_clean_text
from tiyin.runtime.clock import Clock

__all__ = ["Settings", "read_messages"]

MESSAGE_LENGTH_MAX = 1024
_SCHEMES = ("sqlite:///", "postgresql://", "postgres://")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a `MerchantApi` was made with, so that it can be opened more than once.

    Raises:
        TypeError: If something is of a kind that cannot work.
        ValueError: If a value cannot work.
    """

    billing: AnyBilling
    store: str | TransactionStore
    keys: Keys
    login: str
    addresses: AddressList
    allow_change_password: bool
    messages: Mapping[int, Text]
    clock: Clock
    sweep_every_s: float
    patience_s: float

    def __post_init__(self) -> None:
        if isinstance(self.store, str):
            if not self.store.startswith(_SCHEMES):
                raise ValueError(
                    "the store is a database's address, sqlite:///payme.db or postgresql://user@host/name, "
                    "or a store"
                )
        elif isinstance(self.store, type):
            raise TypeError(f"give a store, not its class: {self.store.__name__}(...)")
        if not self.login or ":" in self.login:
            raise ValueError(
                "the login that Payme uses is a word without a colon: 'Paycom' unless told otherwise"
            )
        if not self.patience_s > 0:
            raise ValueError(
                f"patience_s is how many seconds a hook may take: more than 0, not {self.patience_s}"
            )
        if not self.sweep_every_s > 0:
            raise ValueError(f"sweep_every_s is a number of seconds above 0, not {self.sweep_every_s}")
        self.calling()

    def __repr__(self) -> str:
        return f"Settings(billing={type(self.billing).__name__}, ...)"

    __rich_repr__ = rich_repr

    @property
    def blocking(self) -> bool:
        """Whether the store blocks."""
        return False if isinstance(self.store, str) else self.store.blocking

    def calling(self) -> Calling:
        """Tell how the shop is called."""
        detached = OwnStore.detached if isinstance(self.store, str) else self.store.detached
        return calling(self.billing, blocking=self.blocking, detached=detached)


def read_messages(messages: Mapping[int, Text | Mapping[str, str]] | None) -> dict[int, Text]:
    """Read a shop's own words for the protocol's codes.

    Args:
        messages: By code: a `Text`, or its three languages as ``{"ru": ..., "uz": ..., "en": ...}``.

    Raises:
        ValueError: If a code is none that a shop answers, or a language is missing.
    """
    read: dict[int, Text] = {}
    for code, words in (messages or {}).items():
        if not (is_account_error(code) or code in _CODES):
            raise ValueError(
                f"{code} is no code that a shop answers with words for a payer: "
                f"{sorted(_CODES)} or -31050..-31099"
            )
        read[int(code)] = _text(code, words)
    return read


def _text(code: int, words: object) -> Text:
    told = words.as_dict() if isinstance(words, Text) else words
    if not isinstance(told, Mapping) or set(told) != set(LANGUAGES):
        raise ValueError(f"the message of {code} needs its three languages: ru, uz and en")
    for language, text in told.items():
        if not isinstance(text, str) or not text.strip() or not is_clean_text(text):
            raise ValueError(f"the message of {code} in {language} is no text")
        if len(text) > MESSAGE_LENGTH_MAX:
            raise ValueError(
                f"the message of {code} in {language} has more than {MESSAGE_LENGTH_MAX} characters"
            )
    return Text(ru=told["ru"], uz=told["uz"], en=told["en"])


_CODES = frozenset(
    (
        MerchantCode.WRONG_AMOUNT,
        MerchantCode.TRANSACTION_NOT_FOUND,
        MerchantCode.CANNOT_CANCEL,
        MerchantCode.CANNOT_PERFORM,
        CommonCode.INTERNAL,
        CommonCode.ACCESS_DENIED,
    )
)
