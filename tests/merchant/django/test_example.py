"""The Django example under its real servers, with several workers, passes the sandbox with no finding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers_examples import AMOUNT_TIYIN, EXAMPLES, running, sandbox_says

FOLDER = EXAMPLES / "django_shop"

GUNICORN = ["gunicorn", "-b", "127.0.0.1:{port}", "--graceful-timeout", "5", "-w", "2"]
SERVERS = {
    "sync": [*GUNICORN, "shop.wsgi"],
    "gthread": [*GUNICORN, "--threads", "4", "--preload", "shop.wsgi"],
    "uvicorn": [
        "uvicorn",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--workers",
        "2",
        "--log-level",
        "warning",
        "shop.asgi:application",
    ],
}
# What the second run of a server looks at: the money, and calls at the same time.
SHORT = ("--only", "create,perform,cancel,concurrency")
ONE_KEY = "example?key&of:the-shop%0123456789"


def manage(url: str, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of the example's commands."""
    environ = {**os.environ, "SHOP_DATABASE": url, "PAYME_KEY": key, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=FOLDER,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("server", "database", "arguments"),
    [
        ("gthread", "postgres", ()),
        ("uvicorn", "sqlite", SHORT),
        pytest.param("uvicorn", "sqlite", (), marks=pytest.mark.long),
        pytest.param("sync", "sqlite", SHORT, marks=pytest.mark.long),
    ],
)
def test_the_example_passes_the_sandbox(
    server: str, database: str, arguments: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{database}_url")
    made = manage(url, "migrate", "-v", "0", "--skip-checks")
    assert made.returncode == 0, made.stderr
    with running(SERVERS[server], tmp_path, SHOP_DATABASE=url, PYTHONPATH=str(FOLDER)) as shop:
        order = shop.order()
        assert order["amount"] == AMOUNT_TIYIN
        assert order["pay_url"].startswith("https://checkout.paycom.uz/")
        told = sandbox_says(shop, *arguments)
        assert told == [], "\n".join(line[:200] for line in told[:10])
    assert "Traceback" not in shop.log


def test_the_example_has_nothing_to_be_said_against(sqlite_url: str) -> None:
    """Goal: Django's own checks and the kit's are silent, no migration is missing, and no key is printed."""
    assert manage(sqlite_url, "migrate", "-v", "0", key=ONE_KEY).returncode == 0
    for arguments in (
        ("check", "--database", "default", "--fail-level", "INFO"),
        ("makemigrations", "--check", "--dry-run"),
        ("payme_check",),
    ):
        ended = manage(sqlite_url, *arguments, key=ONE_KEY)
        assert ended.returncode == 0, ended.stderr
        assert ONE_KEY not in ended.stdout + ended.stderr
    tested = manage(sqlite_url, "test", key=ONE_KEY)
    assert tested.returncode == 0, tested.stderr
    assert "Ran 2 tests" in tested.stderr
    without = manage(sqlite_url, "check")
    assert without.returncode != 0
    assert "tiyin.E003" in without.stderr
