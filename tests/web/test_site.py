"""What every answer of the site carries, what its files weigh, and that it says when it cannot answer."""

import gzip
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from helpers_checkout import Site
from helpers_pages import Payer, link_of
from tiyin.storage.errors import StorageUnavailable
from tiyin.web.headers import SecureHeaders
from tiyin.web.render import make_templates
from tiyin.web.static_files import StaticFiles

WEIGHT_BYTES_MAX = 60 * 1024


def test_pages_carry_the_headers_of_a_page(site: Site) -> None:
    payer = Payer(site.url)
    for path in (link_of(""), "/nothing", "/checkout/" + "0" * 24, "/static/0/none.js"):
        headers = payer.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_the_language_switch_keeps_whatever_an_address_asks(site: Site) -> None:
    answer = Payer(site.url).get("/nothing?self=1&a=%26+b&lang=ru&a=2&scheme=x")
    assert answer.status == 404
    found = re.search(r'href="([^"]*)" hreflang="uz"', answer.text)
    assert found is not None
    assert unescape(found[1]) == "/nothing?self=1&a=%26+b&a=2&scheme=x&lang=uz"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%5Cevil.example", "/%2F%2Fevil.example", "/%09/evil.example"]
)
def test_the_language_switch_leads_to_no_other_host(site: Site, path: str) -> None:
    found = re.search(r'href="([^"]*)" hreflang="uz"', Payer(site.url).get(path).text)
    assert found is not None
    assert re.match(r"/(?![/\\])", found[1])


def test_the_cookie_is_out_of_scripts_reach(site: Site) -> None:
    answer = Payer(site.url).get(link_of(""))
    cookie = answer.headers["set-cookie"]
    assert re.match(r"tiyin=[A-Za-z0-9_-]{43}; ", cookie)
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert cookie.split(";")[0].split("=")[1] not in answer.text


async def test_encrypted_sites_say_so() -> None:
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=1")]}
        )

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    await SecureHeaders(app, encrypted=True)({"type": "http"}, receive, send)
    headers = dict(sent[0]["headers"])
    assert b"strict-transport-security" in headers
    assert headers[b"cache-control"] == b"max-age=1"


def test_a_page_weighs_little_and_asks_only_for_our_files(site: Site) -> None:
    payer = Payer(site.url)
    page = payer.get(link_of(""))
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    folder = next(iter(files)).rsplit("/", 1)[0]
    for name in re.findall(r'from "\./([^"]+)"', "".join(payer.get(file).text for file in files)):
        files.add(f"{folder}/{name}")
    answers = [payer.get(file, **{"Accept-Encoding": "gzip"}) for file in sorted(files)]
    assert {answer.status for answer in answers} == {200}
    assert len(page.body) + sum(len(answer.body) for answer in answers) < WEIGHT_BYTES_MAX
    assert not re.search(r'(?:src|action)="(?!/)', page.text)
    assert " style=" not in page.text
    assert not re.search(r"<script(?! type=\"module\" src=)", page.text)
    assert not re.search(r" on[a-z]+=", page.text)


def test_files_are_kept_for_ever_under_the_name_of_their_content(site: Site) -> None:
    payer = Payer(site.url)
    found = re.search(r'href="(/static/([0-9a-f]+)/tokens\.css)"', payer.get(link_of("")).text)
    assert found is not None
    first = payer.get(found[1], **{"Accept-Encoding": "gzip"})
    assert "immutable" in first.headers["cache-control"]
    assert gzip.decompress(first.body) == payer.get(found[1]).body
    assert payer.get(found[1], **{"If-None-Match": first.headers["etag"]}).status == 304
    old = payer.get("/static/000000000000/tokens.css")
    assert (old.status, old.headers["cache-control"]) == (200, "no-cache")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.css").write_text("")
    with pytest.raises(ValueError, match=r"x\.css"):
        StaticFiles(tmp_path / "a", tmp_path / "b")


def test_every_icon_and_file_that_templates_name_exists() -> None:
    templates = make_templates()
    folder = Path(__file__).parents[2] / "src" / "tiyin" / "web" / "templates"
    for path in folder.rglob("*.html"):
        for name in re.findall(r"static\('([^']+)'\)", path.read_text()):
            assert templates.static.address(name)


def test_a_database_that_is_away_is_told_as_passing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("the disk is full at /secret/path")

    monkeypatch.setattr(site.gateway.store, "get", away)
    answer = Payer(site.url, "en").get("/checkout/" + "0" * 24)
    assert (answer.status, answer.heading) == (503, "System error, try again later")
    assert "secret" not in answer.text


def test_a_fault_of_ours_is_told_without_its_cause(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def faulty(*_: Any, **__: Any) -> None:
        raise RuntimeError("8600069195406311")

    monkeypatch.setattr(site.gateway.store, "get", faulty)
    answer = Payer(site.url, "uz").get("/checkout/" + "0" * 24)
    assert (answer.status, answer.heading) == (500, "Tizim xatosi, keyinroq urinib koʻring")
    assert "8600" not in answer.text


def test_it_says_that_it_is_well(site: Site) -> None:
    assert Payer(site.url).get("/healthz").text == '{"status":"ok"}'
