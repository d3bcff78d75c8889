"""Asking pages over HTTP without a browser, and the orders that the tests pay."""

import http.client
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from helpers_checkout import DESK
from tiyin.protocol.checkout_form import form_pairs
from tiyin.protocol.checkout_link import CheckoutRequest, write_link
from tiyin.protocol.values import Language

__all__ = ["GOOD_CARD", "Answer", "Payer", "link_of", "order", "pairs_of"]

GOOD_CARD = "8600069195406311"


def order(**changes: Any) -> CheckoutRequest:
    """Return what a shop asks for: order 197, 5 000 sums."""
    asked = CheckoutRequest(
        merchant=DESK.id,
        account={"order_id": "197"},
        amount_tiyin=500_000,
        callback="https://shop.example.uz/back/:transaction?order=:account.order_id",
    )
    return msgspec.structs.replace(asked, **changes)


def link_of(url: str, **changes: Any) -> str:
    """Return the link of an order."""
    return write_link(url, order(**changes))


def pairs_of(**changes: Any) -> list[tuple[str, str]]:
    """Return the fields of an order's form."""
    return form_pairs(order(**changes))


class Answer:
    """An HTTP answer."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()
        self.text = self.body.decode("utf-8", "replace")

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, f"there is no field {name}"
        return found[1]

    @property
    def heading(self) -> str:
        """The page's first heading."""
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)
        return "" if found is None else found[1].strip()


class Payer:
    """One browser's worth of cookies, without the browser.

    Args:
        url: The site.
        language: What it sends as Accept-Language.
    """

    def __init__(self, url: str, language: Language | None = None) -> None:
        self._host = urlsplit(url).netloc
        self.headers: dict[str, str] = {} if language is None else {"Accept-Language": language}
        self.cookie = ""

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | list[tuple[str, str]] | bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Ask once; redirects are not followed."""
        connection = http.client.HTTPConnection(self._host, timeout=20)
        body = fields if isinstance(fields, bytes) or fields is None else urlencode(fields).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        if self.cookie:
            sent["Cookie"] = self.cookie
        connection.request(method, path, body, {**sent, **self.headers, **headers})
        try:
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self.ask("GET", path, None, **headers)

    def post(
        self, path: str, fields: Mapping[str, str] | list[tuple[str, str]] | bytes, **headers: str
    ) -> Answer:
        """Send a form."""
        return self.ask("POST", path, fields, **headers)
