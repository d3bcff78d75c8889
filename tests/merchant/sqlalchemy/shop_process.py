"""A shop over SQLAlchemy in a process of its own. Arguments: kind of engine, database's address, port, log.

A hook that finds the file `<log>.hang` does its work, appends a line to the log, and never ends.
"""

import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession

from merchant.sqlalchemy.shops import ASYNC, AsyncShop, Shop, make_engine, make_store
from tiyin.merchant import MerchantApi, payme_app

KEY = "Uzcard:some?Random&Key%15453435435451"


def main() -> None:
    """Serve until killed."""
    kind, url, port, log = sys.argv[1:]
    path = Path(log)

    def begun(name: str) -> None:
        with path.open("a") as file:
            file.write(f"begun {name}\n")
        threading.Event().wait()

    def hang(session: Any, name: str) -> Any:
        if not path.with_suffix(".hang").exists():
            return None
        if not isinstance(session, AsyncSession):
            session.flush()
            return begun(name)

        async def go() -> None:
            await session.flush()
            begun(name)

        return go()

    shop: Any = AsyncShop() if kind in ASYNC else Shop()
    shop.before = hang
    api = MerchantApi(shop, make_store(make_engine(kind, url)), KEY)
    uvicorn.run(payme_app(api), host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main()
