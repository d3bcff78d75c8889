"""Each example, under the server that it is meant for and with several workers, passes the sandbox.

To pass is: no failure, no warning, nothing skipped, over real HTTP, with orders made as customers make them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers_examples import AMOUNT_TIYIN, EXAMPLES, Example, running, sandbox_says, settings

UVICORN = ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", "--workers", "2"]
GUNICORN = ["gunicorn", "--no-control-socket", "-b", "127.0.0.1:{port}", "--graceful-timeout", "5", "-w", "2"]
THREADS = [*GUNICORN, "--threads", "4"]

SERVERS = {
    "asgi": UVICORN,
    "fastapi": UVICORN,
    "litestar": UVICORN,
    "flask": THREADS,
    "wsgi": [*THREADS, "--preload"],
    "fastapi_sqlalchemy": UVICORN,
    "flask_sqlalchemy": THREADS,
}
# The second run of an example is for the money, and for calls at the same time.
SHORT = ("--only", "create,perform,cancel,concurrency")


def proven(name: str, folder: Path, *arguments: str, **environ: str) -> None:
    """Make an example's tables, start it, buy something, and run the sandbox against it."""
    if "sqlalchemy" in name:
        script = [sys.executable, str(EXAMPLES / f"{name}_shop.py")]
        subprocess.run(script, check=True, cwd=folder, env=settings(folder, **environ))
    with running([*SERVERS[name], f"{name}_shop:app"], folder, **environ) as shop:
        made = shop.order()
        assert made["amount"] == AMOUNT_TIYIN
        assert made["pay_url"].startswith("https://checkout.paycom.uz/")
        refuses_nonsense(shop)
        assert sandbox_says(shop, *arguments) == []
    assert "Traceback" not in shop.log, shop.log


HUGE = b'{"amount": 1000000000000000000}'


def refuses_nonsense(shop: Example) -> None:
    for body in (
        b"",
        b"[]",
        b'{"amount": 0}',
        b'{"amount": "x"}',
        b'{"amount": 0.5}',
        b'{"amount": -5}',
        b"{",
        HUGE,
    ):
        status, _, _ = shop.ask("POST", "/orders", body, {"Content-Type": "application/json"})
        assert 400 <= status < 500, (body, status)


@pytest.mark.parametrize("name", list(SERVERS))
def test_an_example_passes_the_sandbox(name: str, tmp_path: Path) -> None:
    proven(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        pytest.param("fastapi", "postgresql", marks=pytest.mark.long),
        ("fastapi_sqlalchemy", "postgresql+asyncpg"),
        ("flask_sqlalchemy", "postgresql+psycopg"),
    ],
)
def test_over_postgresql(name: str, scheme: str, tmp_path: Path, postgres_url: str) -> None:
    url = postgres_url.replace("postgresql", scheme, 1)
    proven(name, tmp_path, *SHORT, PAYME_STORE=url, SHOP_DATABASE=url)


def test_gunicorns_plain_worker_only_closes_its_connections(tmp_path: Path) -> None:
    """Goal: one thread a process is enough; that it has no keep-alive is gunicorn's own, and a warning."""
    with running([*GUNICORN, "flask_shop:app"], tmp_path) as shop:
        told = sandbox_says(shop, "--only", "transport")
    assert [line.partition(":")[0] for line in told] == ["transport.connection"]
    assert "connection-closed" in told[0]
