"""The cash desks' apis, made from the settings: one each in a process."""

import threading
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router

from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.django.models import Transaction
from tiyin.merchant.integrations.django.settings import DeskSettings, load_billing, read_settings
from tiyin.merchant.integrations.django.store import DjangoStore
from tiyin.merchant.integrations.wsgi import stop_at_exit

__all__ = ["NoDeskError", "api_of", "database_of", "forget", "make_api"]

_guard = threading.Lock()
_made: dict[str, MerchantApi] = {}


class NoDeskError(ImproperlyConfigured):
    """There is no cash desk of that name."""


def api_of(desk: str = "default") -> MerchantApi:
    """Return the api of a cash desk.

    ```python
    api_of().expire_due_sync()
    ```

    Args:
        desk: Its name.

    Raises:
        NoDeskError: If there is none of that name.
        ImproperlyConfigured: If the settings cannot work; the text says what to change.
    """
    found = _made.get(desk)
    if found is not None:
        return found
    with _guard:
        if desk not in _made:
            desks = read_settings()
            if desk not in desks:
                raise NoDeskError(f"PAYME knows no desk {desk!r}: there are {', '.join(desks)}")
            _made[desk] = make_api(desks[desk])
            stop_at_exit(_made[desk])
        return _made[desk]


def make_api(desk: DeskSettings) -> MerchantApi:
    """Make an api of a cash desk's settings.

    Args:
        desk: The settings.

    Raises:
        ImproperlyConfigured: If they cannot work; the text says what to change.
    """
    try:
        return MerchantApi(
            load_billing(desk),
            DjangoStore(database_of(desk), desk=desk.name, patience_s=desk.patience_s),
            desk.keys(),
            login=desk.login,
            addresses=desk.address_list(),
            allow_change_password=desk.allow_change_password,
            messages=desk.messages,
            sweep_every_s=desk.sweep_every_s,
            patience_s=desk.patience_s,
        )
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"PAYME, desk {desk.name!r}: {error}") from error


def database_of(desk: DeskSettings) -> str:
    """Return the database that a cash desk's transactions are in.

    Args:
        desk: Its settings.
    """
    return router.db_for_write(Transaction) if desk.using is None else desk.using


def forget(*, setting: str, **_: Any) -> None:
    """Make the apis anew when a test has changed the settings.

    Args:
        setting: The name of what was changed.
    """
    if setting not in {"PAYME", "DATABASES", "DATABASE_ROUTERS"}:
        return
    with _guard:
        made = list(_made.values())
        _made.clear()
    for api in made:
        api.stop_sync()
