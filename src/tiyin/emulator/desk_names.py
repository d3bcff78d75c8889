"""Which cash desk an exchange belongs to, told from what the wire carries."""

from typing import Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.desks.service import Desks
from tiyin.protocol.authorization import read_basic, read_x_auth, same_secret
from tiyin.storage.errors import StorageError

__all__ = ["DeskName", "DeskNames"]

_KNOWN_MAX: Final = 1000


class DeskName(msgspec.Struct, frozen=True):
    """A cash desk, as traffic names it.

    Args:
        id: 24 hexadecimal characters.
        name: What it is called.
    """

    id: str
    name: str


class DeskNames:
    """Finds desks for the recorders. What cannot be told is None: a payment never fails over a name."""

    def __init__(self) -> None:
        self._desks: Desks | None = None
        self._known: dict[tuple[str, str], DeskName] = {}

    def open(self, desks: Desks) -> None:
        """Take the gateway's desks, once the gateway is there."""
        self._desks = desks

    async def of_caller(self, x_auth: str | None) -> DeskName | None:
        """Tell whose caller sent an X-Auth header; whether its key is right does not matter here."""
        auth = read_x_auth(x_auth)
        if auth is None or self._desks is None:
            return None
        try:
            desk = await self._desks.find(auth.desk_id)
        except StorageError:
            return None
        return None if desk is None else DeskName(desk.id, desk.name)

    async def of_call(self, url: str, authorization: str | None) -> DeskName | None:
        """Tell for which desk a merchant's billing is called.

        Args:
            url: The billing's address.
            authorization: The call's Authorization header: several desks may share one billing.
        """
        if self._desks is None:
            return None
        asked = (url, authorization or "")
        if asked not in self._known:
            try:
                found = await self._look(self._desks, url, authorization)
            except (StorageError, LookupError):
                return None
            if found is None:
                return None
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[asked] = found
        return self._known[asked]

    @staticmethod
    async def _look(desks: Desks, url: str, authorization: str | None) -> DeskName | None:
        sharing = [desk for desk in await desks.desks() if desk.endpoint == url]
        if len(sharing) == 1:
            return _name(sharing[0])
        basic = read_basic(authorization)
        for desk in sharing:
            if basic is not None and same_secret(basic.password, await desks.key_of(desk.id)):
                return _name(desk)
        return None


def _name(desk: Desk) -> DeskName:
    return DeskName(desk.id, desk.name)
