"""A slow network and a slow processor in Chromium, and what a page costs there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Page

from helpers_browser import watched

__all__ = ["FAST_3G", "Loaded", "Network", "loading"]


@dataclass(frozen=True)
class Network:
    """A network.

    Args:
        name: What it is called.
        bits_per_s: What arrives in a second.
        latency_ms: How long each request waits for its answer's beginning, at least.
    """

    name: str
    bits_per_s: int
    latency_ms: int


FAST_3G: Final = Network("Fast 3G", 1_600_000, 150)


@dataclass
class Loaded:
    """What a page has cost.

    Attributes:
        page: The page, to be opened.
        bytes_of: What came over the wire by address, heads and all, compressed as it was.
    """

    page: Page
    bytes_of: dict[str, int] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """All that came over the wire, in bytes."""
        return sum(self.bytes_of.values())

    @property
    def first_paint_ms(self) -> float:
        """When the first text or picture was painted, milliseconds after the page was asked for."""
        paint: float = self.page.evaluate(
            """() => new Promise((told) => {
              const now = performance.getEntriesByName("first-contentful-paint")[0];
              if (now) return told(now.startTime);
              new PerformanceObserver((list) => told(list.getEntries().at(-1).startTime))
                .observe({type: "paint", buffered: true});
            })"""
        )
        return paint


@contextmanager
def loading(
    browser: Browser, url: str, network: Network | None = None, *, slower: int = 1, **options: Any
) -> Iterator[Loaded]:
    """Give a page with an empty cache, whose network and processor are slow.

    Args:
        browser: The browser.
        url: The server's address.
        network: The network; None for the machine's own.
        slower: How many times slower the processor is.
        options: For the profile, as `helpers_browser.watched` takes them.
    """
    with watched(browser, url, **options) as seen:
        tools = seen.context.new_cdp_session(seen.page)
        tools.send("Network.enable")
        tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        if network is not None:
            bytes_per_s = network.bits_per_s / 8
            tools.send(
                "Network.emulateNetworkConditions",
                {
                    "offline": False,
                    "latency": network.latency_ms,
                    "downloadThroughput": bytes_per_s,
                    "uploadThroughput": bytes_per_s / 2,
                },
            )
        if slower > 1:
            tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        loaded, addresses = Loaded(seen.page), dict[str, str]()
        tools.on(
            "Network.responseReceived",
            lambda told: addresses.__setitem__(told["requestId"], told["response"]["url"]),
        )
        tools.on(
            "Network.loadingFinished",
            lambda told: loaded.bytes_of.__setitem__(
                addresses.get(told["requestId"], told["requestId"]), int(told["encodedDataLength"])
            ),
        )
        yield loaded
