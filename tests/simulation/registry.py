"""The tax service: books of its own, in which a sale and a refund stand once."""

from typing import Any

from simulation.loop import Life
from simulation.network import Network
from simulation.world import World
from tiyin.gateway.fiscal.registrar import RegistrarUnavailable, Sale
from tiyin.protocol.fiscal import FiscalData
from tiyin.runtime.http import CallFailed

__all__ = ["Registry", "SimRegistrar"]

_TIMEOUT_S = 8.0


class Registry:
    """The tax service's books.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.books: dict[tuple[str, str], str] = {}

    def register(self, receipt_id: str, kind: str) -> str:
        """Register a sale or a refund, once; answers its sign."""
        return self.books.setdefault((receipt_id, kind), f"{len(self.books) + 1:012d}")


class SimRegistrar:
    """The port of one process.

    Args:
        network: The network.
        registry: Who is at its other end.
        life: Whose it is.
    """

    def __init__(self, network: Network, registry: Registry, life: Life) -> None:
        self._network = network
        self._registry = registry
        self._life = life

    async def register(self, sale: Sale) -> Any:
        """Register; see the port."""
        try:
            sign: str = await self._network.ask(
                self._life.name,
                f"register {sale.kind} {sale.receipt_id}",
                lambda: self._registry.register(sale.receipt_id, sale.kind),
                _TIMEOUT_S,
                self._life,
            )
        except CallFailed as failed:
            raise RegistrarUnavailable(str(failed)) from failed
        return _data(sign)


def _data(sign: str) -> FiscalData:
    return FiscalData(
        receipt_id=int(sign),
        qr_code_url=f"https://ofd.test/epi?t=EP000000000000&r={int(sign)}&c=20260101000000&s={sign}",
        terminal_id="EP000000000000",
        fiscal_sign=sign,
        date="20260101000000",
    )
