"""A shop in a process of its own, for tests with several of them and for tests that kill one.

Run as a script: database's address, port, log file. Every hook that ends appends a line `effect id` to the
log in one write. A hook that finds the file `<log>.hang` appends `begun effect id` and never ends.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvicorn

from tiyin.merchant import MerchantApi, Order, payme_app
from tiyin.merchant.billing import Account, Billing, Transaction
from tiyin.merchant.stores.own import OwnStore

KEY = "Uzcard:some?Random&Key%15453435435451"
LEASE_MS = 1_500


class Shop(Billing):
    """Every order exists and costs 500,000 tiyin."""

    def __init__(self, log: Path) -> None:
        self._log = log

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=500_000)

    async def create(self, transaction: Transaction) -> None:
        await self._run("create", transaction)

    async def perform(self, transaction: Transaction) -> None:
        await self._run("perform", transaction)

    async def cancel(self, transaction: Transaction) -> None:
        await self._run("cancel", transaction)

    async def _run(self, effect: str, transaction: Transaction) -> None:
        if self._log.with_suffix(".hang").exists():
            self._write(f"begun {effect} {transaction.id}")
            await asyncio.sleep(3600)
        await asyncio.sleep(0.002)
        self._write(f"{effect}{'-again' if transaction.repeated else ''} {transaction.id}")

    def _write(self, line: str) -> None:
        with self._log.open("ab", buffering=0) as log:
            log.write(f"{line}\n".encode())
            os.fsync(log.fileno())


def main() -> None:
    """Serve until killed."""
    url, port, log = sys.argv[1:]
    store = OwnStore(url, lease_ms=LEASE_MS, patience_s=5)
    api = MerchantApi(Shop(Path(log)), store, KEY, patience_s=5)
    uvicorn.run(payme_app(api), host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main()
