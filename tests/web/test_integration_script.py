"""How the script for merchants' pages is served, what it weighs, and what it never does."""

import gzip
import re
from typing import Final

import pytest

from helpers_checkout import Site
from helpers_integration import SCRIPT
from helpers_pages import Payer
from tiyin.protocol.checkout_form import BUTTON
from tiyin.protocol.checkout_link import (
    CALLBACK_TIMEOUT_MS,
    CALLBACK_TIMEOUT_MS_MAX,
    LINK_LENGTH_MAX,
)
from tiyin.protocol.values import AMOUNT_TIYIN_MAX
from tiyin.web.integration.checkout_script import script_text

WEIGHT_BYTES_MAX: Final = 12 * 1024


def test_any_page_of_any_site_may_have_it(untouched_site: Site) -> None:
    answer = Payer(untouched_site.url).get(SCRIPT)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=300, must-revalidate"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "set-cookie" not in answer.headers
    assert "content-encoding" not in answer.headers
    assert answer.text == script_text()


@pytest.mark.parametrize(
    ("accepted", "compressed"), [("gzip, br", True), ("br", False), ("gzip;q=0", False), ("gzip;q=0.5", True)]
)
def test_it_is_light(untouched_site: Site, accepted: str, compressed: bool) -> None:
    answer = Payer(untouched_site.url).get(SCRIPT, **{"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) is compressed
    assert int(answer.headers["content-length"]) == len(answer.body)
    if compressed:
        assert len(answer.body) < WEIGHT_BYTES_MAX
        assert gzip.decompress(answer.body).decode() == script_text()


def test_it_is_asked_for_again_only_when_it_changed(untouched_site: Site) -> None:
    payer = Payer(untouched_site.url)
    etag = payer.get(SCRIPT).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = payer.get(SCRIPT, **{"If-None-Match": known})
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["access-control-allow-origin"] == "*"
    assert payer.get(SCRIPT, **{"If-None-Match": '"other"'}).status == 200


def test_head(untouched_site: Site) -> None:
    payer = Payer(untouched_site.url)
    head, got = payer.ask("HEAD", SCRIPT), payer.get(SCRIPT)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_it_sends_nothing_and_runs_no_text() -> None:
    code = re.sub(r'"[^"\n]*"', '""', script_text())
    for word in (
        "eval",
        "fetch",
        "XMLHttpRequest",
        "sendBeacon",
        "cookie",
        "localStorage",
        "innerHTML",
        "import",
    ):
        assert not re.search(rf"\b{word}\b", code), word
    assert not re.search(r"\bFunction\(", code)


def test_it_is_written_for_old_phones() -> None:
    code = re.sub(r'"[^"\n]*"', '""', script_text())
    assert not re.search(r"=>|`|\b(?:let|const|class|async)\b|\?\.|\?\?", code)
    assert "//" not in re.sub(r"/(?:[^/\n\\]|\\.)+/", "", code), "a comment is served"


def test_it_agrees_with_the_protocol() -> None:
    code = script_text()
    for text in BUTTON.as_dict().values():
        assert f'"{text}"' in code
    assert f"AMOUNT_MAX = {AMOUNT_TIYIN_MAX:.0e};".replace("e+13", "e13") in code
    assert f"TIMEOUT_MAX = {CALLBACK_TIMEOUT_MS_MAX};" in code
    assert f"TIMEOUT_DEFAULT = {CALLBACK_TIMEOUT_MS};" in code
    assert f"LINK_LENGTH_MAX = {LINK_LENGTH_MAX};" in code
