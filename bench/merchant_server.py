"""The merchant endpoint as a shop would run it: the kit over its own store, a shop with both effects."""

import argparse
from collections.abc import Mapping

import uvicorn

from bench.own_time import OwnTime
from tiyin.merchant import Billing, MerchantApi, Order, Transaction, payme_app

__all__ = ["AMOUNT_TIYIN", "KEY"]

KEY = "the-bench-shop-opens-with-this-key.."
AMOUNT_TIYIN = 500_000


class Shop(Billing):
    """Sells anything for 5,000 sums, and acts when it is paid: the shop of the kit's own first page."""

    async def check(self, account: Mapping[str, int | str], amount_tiyin: int) -> Order:  # noqa: ARG002
        return Order(amount_tiyin=AMOUNT_TIYIN)

    async def perform(self, transaction: Transaction) -> None:
        pass


class ReservingShop(Shop):
    """Does something when an order is reserved too, which takes one more commit."""

    async def create(self, transaction: Transaction) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--reserving", action="store_true")
    parser.add_argument("--own-times", action="store_true")
    arguments = parser.parse_args()
    app = payme_app(MerchantApi(ReservingShop() if arguments.reserving else Shop(), arguments.database, KEY))
    timed = OwnTime(app) if arguments.own_times else app
    uvicorn.run(timed, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
