"""The setting ``PAYME``, read: names that nobody knows and values that cannot work are told at once."""

import difflib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from tiyin.merchant.access import PAYME_ADDRESSES, AddressList, Keys
from tiyin.merchant.calling import AnyBilling
from tiyin.protocol.hidden import rich_repr

__all__ = ["DESKS", "NAMES", "DeskSettings", "load_billing", "read_settings"]

DESKS: Final = "DESKS"
NAMES: Final = (
    "BILLING",
    "KEY",
    "TEST_KEY",
    "MODE",
    "LOGIN",
    "ADDRESSES",
    "TRUSTED_PROXIES",
    "ALLOW_CHANGE_PASSWORD",
    "MESSAGES",
    "PATIENCE_S",
    "SWEEP_EVERY_S",
    "USING",
)
"""What a cash desk can be told. ``BILLING`` and the mode's key must be there."""

_DESK_LENGTH_MAX: Final = 64


class DeskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One cash desk's settings, as they were written.

    Attributes:
        name: The desk's name; ``default`` where there is one.
        billing: The shop: a dotted path, a class or an object.
        key: The key that the cabinet shows.
        test_key: The key for the sandbox.
        mode: Which of them opens the shop.
        login: The login that Payme uses.
        addresses: Who may call: ``"payme"``, addresses and networks, or None for whoever has the key.
        trusted_proxies: The shop's own proxies, whose X-Forwarded-For is believed.
        allow_change_password: Whether ChangePassword is served.
        messages: Words of the shop's own for codes of the protocol.
        patience_s: How long a call waits for a hook, in seconds.
        sweep_every_s: How often expired transactions are looked for, in seconds.
        using: The database, as ``DATABASES`` names it; None for the one that the routers name.
    """

    name: str
    billing: Any = None
    key: str | None = None
    test_key: str | None = None
    mode: Any = "production"
    login: str = "Paycom"
    addresses: Any = None
    trusted_proxies: Any = ()
    allow_change_password: bool = False
    messages: Any = None
    patience_s: float = 15.0
    sweep_every_s: float = 15.0
    using: str | None = None

    def __repr__(self) -> str:
        return f"DeskSettings({self.name!r}, mode={self.mode!r}, ...)"

    __rich_repr__ = rich_repr

    def keys(self) -> Keys:
        """Return the keys that open the desk.

        Raises:
            ValueError: If the mode's key is missing.
        """
        return Keys(production=self.key or None, test=self.test_key or None, mode=self.mode)

    def address_list(self) -> AddressList:
        """Return who may call.

        Raises:
            ValueError: If one of them is no address and no network.
        """
        if isinstance(self.trusted_proxies, str):
            raise ValueError("TRUSTED_PROXIES is a list of addresses")  # noqa: TRY004 - as for any other wrong value
        if self.addresses == "payme":
            return AddressList(PAYME_ADDRESSES, self.trusted_proxies)
        if isinstance(self.addresses, str):
            raise ValueError('ADDRESSES is "payme" or a list of addresses')  # noqa: TRY004 - the same
        return AddressList(self.addresses, self.trusted_proxies)


@sensitive_variables()
def read_settings() -> dict[str, DeskSettings]:
    """Read the setting ``PAYME``.

    Returns:
        The cash desks by their names.

    Raises:
        ImproperlyConfigured: If it is missing, is no dictionary, or holds a name that nobody knows.
    """
    given: object = getattr(settings, "PAYME", None)
    if given is None:
        raise ImproperlyConfigured(
            "the setting PAYME is missing: "
            'PAYME = {"BILLING": "shop.payme.Shop", "KEY": os.environ["PAYME_KEY"]}'
        )
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"the setting PAYME is a dictionary, not {type(given).__name__}")
    shared = {name: value for name, value in given.items() if name != DESKS}
    _check_names("PAYME", shared, (*NAMES, DESKS))
    if DESKS not in given:
        return {"default": _desk("default", shared)}
    desks = given[DESKS]
    if not isinstance(desks, Mapping) or not desks:
        raise ImproperlyConfigured('PAYME["DESKS"] is a dictionary: each desk\'s name, and its settings')
    read = {}
    for name, own in desks.items():
        if not isinstance(name, str) or not 0 < len(name) <= _DESK_LENGTH_MAX:
            raise ImproperlyConfigured(f"a desk's name is a text of 1 to {_DESK_LENGTH_MAX} characters")
        where = f'PAYME["DESKS"]["{name}"]'
        if not isinstance(own, Mapping):
            raise ImproperlyConfigured(f"{where} is a dictionary")
        _check_names(where, own, NAMES)
        read[name] = _desk(name, {**shared, **own})
    return read


def load_billing(desk: DeskSettings) -> AnyBilling:
    """Return a desk's shop.

    Args:
        desk: Its settings.

    Raises:
        ImportError: If there is nothing at that path.
        TypeError: If it is neither a path nor a shop.
    """
    given = desk.billing
    if isinstance(given, str):
        given = import_string(given)
    if isinstance(given, type):
        given = given()
    billing: AnyBilling = given
    return billing


@sensitive_variables()
def _check_names(where: str, given: Mapping[Any, object], known: tuple[str, ...]) -> None:
    for name in given:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name).upper(), known, n=1)
        hint = f": did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        raise ImproperlyConfigured(f"{where} knows no {name!r}{hint}")


@sensitive_variables()
def _desk(name: str, given: Mapping[str, Any]) -> DeskSettings:
    return DeskSettings(name=name, **{key.lower(): value for key, value in given.items()})
