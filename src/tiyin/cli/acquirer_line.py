"""The way of a tool to an acquirer that stands apart, where the environment names one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec

from tiyin.cli.ending import stop
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.port import DayFiles
from tiyin.runtime.clock import Clock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.settings import Secret, Setting, SettingsError, read_settings

__all__ = ["LineSettings", "open_day_files"]


class LineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a tool reaches the acquirer, as `tiyin serve` does.

    Args:
        acquirer_url: `TIYIN_ACQUIRER_URL`.
        acquirer_secret: `TIYIN_ACQUIRER_SECRET`.
    """

    acquirer_url: Annotated[
        str | None, Setting("whose day files are compared", example="http://10.0.0.7:8090")
    ] = None
    acquirer_secret: Annotated[Secret | None, Setting("what the gateway shows the acquirer", minimum=16)] = (
        None
    )

    def __post_init__(self) -> None:
        if (self.acquirer_url is None) is not (self.acquirer_secret is None):
            raise ValueError("TIYIN_ACQUIRER_URL and TIYIN_ACQUIRER_SECRET are set together, or neither")


@asynccontextmanager
async def open_day_files(clock: Clock) -> AsyncIterator[DayFiles | None]:
    """Lead to the day files of the acquirer that stands apart, or stop with a sentence.

    Args:
        clock: Times the line.

    Yields:
        The files; None where no acquirer is named.
    """
    try:
        settings = read_settings(LineSettings, os.environ)
    except SettingsError as error:
        stop(str(error))
    if settings.acquirer_url is None or settings.acquirer_secret is None:
        yield None
        return
    # The operator's own acquirer may stand on a private address.
    http = GuardedHttp(allow_private=True)
    try:
        yield HttpAcquirer(AcquirerLine(http, settings.acquirer_url, settings.acquirer_secret, clock))
    finally:
        await http.close()
