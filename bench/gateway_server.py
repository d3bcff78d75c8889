"""The gateway as `tiyin serve` runs it, with one desk whose merchant is beside it."""

import argparse
import asyncio
import json
import secrets
from pathlib import Path

import uvicorn

from bench.merchant_server import KEY
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.values import Text
from tiyin.storage import open_store
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
    server = uvicorn.Server(
        uvicorn.Config(
            gateway_site(gateway, SiteSettings(public_url=address)),
            host="127.0.0.1",
            port=arguments.port,
            log_level="warning",
            access_log=False,
            lifespan="off",
        )
    )
    Path(arguments.manifest).write_text(json.dumps({"desk": desk.id, "key": key}))
    try:
        await server.serve()
    finally:
        await gateway.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--merchant", required=True)
    parser.add_argument("--manifest", required=True)
    arguments = parser.parse_args()
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        asyncio.run(serve(arguments))
    else:
        uvloop.run(serve(arguments))


if __name__ == "__main__":
    main()
