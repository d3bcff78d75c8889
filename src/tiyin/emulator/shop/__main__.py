"""The demo shop as a process of its own: `python -m tiyin.emulator.shop --help`.

The emulator runs the shop beside the gateway; a test that kills one of the two runs them apart.
"""

import argparse
from pathlib import Path

from tiyin.emulator.directory import Directory
from tiyin.emulator.pages import Pages
from tiyin.emulator.shop.app import ShopAddresses
from tiyin.emulator.shop.opening import open_shop
from tiyin.merchant.access import Keys
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.logs import configure_logs
from tiyin.web.binding import PortRefused, bind
from tiyin.web.serving import Server, run_on_loop

_HOST = "127.0.0.1"


def main() -> None:
    """Serve the shop until a signal."""
    parser = argparse.ArgumentParser(prog="python -m tiyin.emulator.shop", description="The demo shop alone.")
    parser.add_argument("--port", type=int, required=True, help="the port on 127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="the directory for shop.db")
    parser.add_argument("--checkout", required=True, help="the checkout's address")
    parser.add_argument("--desk", required=True, help="the id of the shop's cash desk")
    parser.add_argument("--key", required=True, help="the desk's key")
    parser.add_argument("--test-key", help="the desk's test key, which is then good too")
    given = parser.parse_args()
    configure_logs()
    try:
        sock = bind(_HOST, given.port)
    except PortRefused as refused:
        parser.error(str(refused))
    given.data.mkdir(parents=True, exist_ok=True)
    addresses = ShopAddresses(f"http://{_HOST}:{given.port}/shop", given.checkout, given.desk)
    keys = Keys(production=given.key, test=given.test_key, mode="either")
    database_url = Directory(given.data).shop_url

    async def serve() -> None:
        async with open_shop(database_url, addresses, keys, SystemClock(), Pages()) as shop:
            await Server(shop, sock).listen()

    run_on_loop(serve)


if __name__ == "__main__":
    main()
