"""The gateway as `tiyin serve` runs it, with one desk whose merchant is beside it."""

import argparse
import json
import secrets
import socket
from pathlib import Path

from bench.merchant_server import KEY
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.values import Text
from tiyin.storage import open_store
from tiyin.web.serving import Server, run_on_loop
from tiyin.web.site import SiteSettings, gateway_site


async def serve(arguments: argparse.Namespace) -> None:
    address = f"http://127.0.0.1:{arguments.port}"
    store = await open_store(arguments.database)
    await store.create_tables(metadata)
    await store.close()
    gateway = await open_gateway(
        database_url=arguments.database,
        vault_keys=new_vault_key(),
        messages=LogMessages(show=True),
        test_cards=TestCards(),
        allow_private_merchants=True,
    )
    business = await gateway.desks.create_business(name="Bench")
    desk, key, _ = await gateway.desks.create_desk(
        business_id=business.id,
        name="Bench",
        kind="billing",
        endpoint=arguments.merchant,
        account_fields=[AccountField("order_id", Text("Заказ", "Buyurtma", "Order"), main=True)],
        key=secrets.token_hex(18),
        test_key=KEY,
    )
    await gateway.start()
    sock = socket.create_server(("127.0.0.1", arguments.port), backlog=1024)

    def tell() -> None:
        Path(arguments.manifest).write_text(json.dumps({"desk": desk.id, "key": key}))

    server = Server(
        gateway_site(gateway, SiteSettings(public_url=address)),
        sock,
        on_ready=tell,
    )
    try:
        await server.listen()
    finally:
        await gateway.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--merchant", required=True)
    parser.add_argument("--manifest", required=True)
    arguments = parser.parse_args()
    run_on_loop(lambda: serve(arguments))


if __name__ == "__main__":
    main()
