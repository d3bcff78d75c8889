"""What a newcomer sees first: the kit's own page, the five names that matter, and an example that works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tiyin.merchant
from helpers_merchant import Payme
from tiyin.merchant.api import MerchantApi
from tiyin.runtime.clock import SystemClock

FIVE = ["Billing", "Order", "MerchantApi", "Checkout", "SubscribeClient"]


def test_the_five_names_come_first() -> None:
    page = tiyin.merchant.__doc__ or ""
    assert re.findall(r"^- `(\w+)`:", page, re.MULTILINE)[:5] == FIVE
    for name in tiyin.merchant.__all__:
        assert (getattr(tiyin.merchant, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError):
        _ = tiyin.merchant.Nothing


async def test_the_first_example_takes_a_payment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Goal: the example is run as it stands there, and a payment goes through it."""
    monkeypatch.chdir(tmp_path)
    apis: list[MerchantApi] = []
    make = tiyin.merchant.payme_app

    def remembering(api: MerchantApi) -> object:
        apis.append(api)
        return make(api)

    monkeypatch.setattr(tiyin.merchant, "payme_app", remembering)
    (example,) = re.findall(r"```python\n(.*?)```", tiyin.merchant.__doc__ or "", re.DOTALL)
    exec(example, {"__name__": "shop"})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith("pay here: https://checkout.paycom.uz/")
    async with apis[0]:
        payme = Payme(apis[0], "the cash desk's key")
        assert await payme.check_perform() == {"allow": True}
        assert (await payme.create(1, time=SystemClock().now_ms()))["state"] == 1
        assert (await payme.perform(1))["state"] == 2
        assert capsys.readouterr().out == "paid: 1\n"
        assert await payme.check_perform("3") == -31050


def test_the_kit_brings_nothing_that_a_shop_did_not_ask_for() -> None:
    code = "import sys, tiyin.merchant; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    optional = {
        "argon2",
        "asyncpg",
        "apsw",
        "cryptography",
        "django",
        "fastapi",
        "flask",
        "litestar",
        "sqlite3",
    }
    assert not loaded & (optional | {"pyreqwest", "starlette", "uvicorn"})
