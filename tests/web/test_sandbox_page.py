"""The sandbox's page over HTTP: who may enter, what runs, what it shows, and what it never shows."""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from helpers_checkout import DESK, Site
from helpers_pages import Answer, Payer, link_of, pairs_of
from helpers_sandbox_page import KEY, TEST_KEY, SandboxSite, sandbox_site
from tiyin.sandbox.target import AccountKind

PARAMETERS = {
    "account[order_id]": "197",
    "account[phone]": "998901234567",
    "amount": "500000",
    "kind": "one-time",
    "state": "waiting",
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxSite]:
    with sandbox_site(tmp_path) as site:
        yield site


def entered(site: SandboxSite, **more: str) -> Payer:
    visitor = Payer(site.url, "en")
    answer = visitor.post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY, **more})
    assert answer.status == 303, answer.text
    return visitor


def run_to_end(visitor: Payer, entry: str, **changes: str) -> Answer:
    """Run an entry, and return the run's page."""
    path = begun(visitor, entry, **changes)
    for _ in range(2_000):
        if json.loads(visitor.get(f"{path}/progress").text)["state"] != "running":
            break
    return visitor.get(path)


def begun(visitor: Payer, entry: str, **changes: str) -> str:
    answer = visitor.post(f"/sandbox/tests/{entry}", {**PARAMETERS, **changes})
    assert answer.status == 303, answer.text
    return answer.headers["location"]


# The door


def test_the_door_asks_for_id_and_key(sandbox: SandboxSite) -> None:
    answer = Payer(sandbox.url, "en").get(f"/sandbox?merchant={DESK.id}")
    assert (answer.status, answer.heading) == (200, "Test a shop's server")
    assert f'value="{DESK.id}"' in answer.text
    assert "set-cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", ["ru", "uz", "en"])
def test_every_page_speaks_the_language_that_was_chosen(sandbox: SandboxSite, language: str) -> None:
    visitor = entered(sandbox)
    path = urlsplit(begun(visitor, "all")).path
    run_to_end(visitor, "all")
    for page in ("/sandbox/tests/all", path, f"{path}/findings/0"):
        answer = visitor.get(f"{page}?lang={language}")
        assert (answer.status, f'<html lang="{language}">' in answer.text) == (200, True)
        assert f"/sandbox/tests/create?lang={language}" in answer.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"merchant": "", "key": TEST_KEY}, "Enter the cash desk's id."),
        ({"merchant": "0" * 24, "key": TEST_KEY}, "There is no cash desk with this id."),
        ({"merchant": "x\x00", "key": TEST_KEY}, "There is no cash desk with this id."),
        ({"merchant": DESK.id, "key": ""}, "Enter the desk's TEST_KEY."),
        ({"merchant": DESK.id, "key": TEST_KEY[:-1]}, "This is not the TEST_KEY of this cash desk."),
        ({"merchant": DESK.id, "key": TEST_KEY + "x"}, "This is not the TEST_KEY of this cash desk."),
        ({"merchant": DESK.id, "key": "ключ"}, "This is not the TEST_KEY of this cash desk."),
        ({"merchant": DESK.id, "key": KEY}, "This is the desk's key for real payments."),
    ],
)
def test_a_wrong_id_or_key_is_told_clearly(sandbox: SandboxSite, typed: dict[str, str], said: str) -> None:
    answer = Payer(sandbox.url, "en").post("/sandbox/enter", typed)
    assert answer.status == 403
    assert said in answer.text
    assert "set-cookie" not in answer.headers
    assert not typed["key"] or typed["key"] not in answer.text


def test_tries_are_bounded(sandbox: SandboxSite) -> None:
    visitor = Payer(sandbox.url, "en")
    for _ in range(10):
        answer = visitor.post("/sandbox/enter", {"merchant": DESK.id, "key": "wrong"})
        assert "This is not the TEST_KEY" in answer.text
    answer = visitor.post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY})
    assert answer.status == 403
    assert "Too many wrong keys" in answer.text
    sandbox.gateway.clock.advance(600_000)
    assert visitor.post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY}).status == 303


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"endpoint": None}, "has no Endpoint URL"), ({"active": False}, "This cash desk is blocked.")],
)
def test_a_desk_that_cannot_be_tested_is_told(
    sandbox: SandboxSite, changes: dict[str, object], said: str
) -> None:
    sandbox.gateway.desks.desk = msgspec.structs.replace(DESK, **changes)
    answer = Payer(sandbox.url, "en").post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY})
    assert answer.status == 403
    assert said in answer.text


def test_the_cookie_is_bound_and_holds_no_key(sandbox: SandboxSite) -> None:
    answer = Payer(sandbox.url).post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/sandbox"} <= set(cookie.split("; "))
    assert TEST_KEY not in cookie + answer.headers["location"]


def test_the_key_is_in_no_page_and_no_log(sandbox: SandboxSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.runner.breaks = True
    visitor = entered(sandbox)
    pages = [visitor.get("/sandbox/tests/create"), run_to_end(visitor, "create")]
    sandbox.runner.breaks = False
    pages += [run_to_end(visitor, "all"), visitor.get("/sandbox/runs/2/report.json")]
    assert "The sandbox itself failed" in pages[1].text
    for page in pages:
        assert page.status == 200
        assert TEST_KEY not in page.text
        assert KEY not in page.text


def test_who_leaves_is_forgotten(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    cookie = visitor.cookie
    assert visitor.get("/sandbox/tests/all").heading == "All checks"
    assert visitor.post("/sandbox/leave", {}).status == 303
    visitor.cookie = cookie
    assert visitor.get("/sandbox/tests/all").heading == "Test a shop's server"


def test_a_session_ends_when_it_is_idle_and_when_the_key_is_changed(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    sandbox.gateway.clock.advance(2 * 3_600_000 + 1)
    assert visitor.get("/sandbox/tests/all").heading == "Test a shop's server"
    visitor = entered(sandbox)
    sandbox.gateway.desks.test_key = "another"
    assert visitor.get("/sandbox/tests/all").heading == "Test a shop's server"
    assert visitor.post("/sandbox/tests/all", PARAMETERS).status == 403
    assert sandbox.runner.targets == []


def test_sessions_are_bounded(sandbox: SandboxSite) -> None:
    first = entered(sandbox)
    for _ in range(200):
        entered(sandbox)
    assert first.get("/sandbox/tests/all").heading == "Test a shop's server"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
def test_another_sites_form_does_nothing(sandbox: SandboxSite, headers: dict[str, str]) -> None:
    visitor = entered(sandbox)
    for path, fields in (
        ("/sandbox/tests/all", PARAMETERS),
        ("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY}),
        ("/sandbox/leave", {}),
        ("/sandbox/runs/1/stop", {}),
    ):
        answer = visitor.post(path, fields, **headers)
        assert (answer.status, answer.heading) == (403, "This form came from another site")
    assert sandbox.runner.targets == []
    assert visitor.get("/sandbox/tests/all").heading == "All checks"


# What a shop sends


def test_a_shops_link_opens_the_page_filled_in(sandbox: SandboxSite) -> None:
    link = urlsplit(link_of("")).path
    visitor = Payer(sandbox.url, "en")
    answer = visitor.get(f"/sandbox{link}")
    assert answer.status == 200
    assert '<html lang="ru">' in answer.text
    assert answer.hidden("account\\[order_id\\]") == "197"
    assert answer.hidden("amount") == "500000"
    assert f'value="{DESK.id}"' in answer.text
    fields = {"merchant": DESK.id, "key": TEST_KEY, "account[order_id]": "197", "amount": "500000"}
    led = visitor.post("/sandbox/enter", fields)
    assert led.headers["location"] == "/sandbox/tests/create"
    page = visitor.get("/sandbox/tests/create")
    assert 'value="197"' in page.text
    assert 'value="500000"' in page.text


def test_who_has_entered_sees_the_links_fields_at_once(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    answer = visitor.get(f"/sandbox{urlsplit(link_of('', amount_tiyin=12_300)).path}?lang=en")
    assert answer.heading.replace("<wbr>", "") == "CreateTransaction"
    assert 'value="197"' in answer.text
    assert 'value="12300"' in answer.text


def test_a_shops_form_becomes_a_link(sandbox: SandboxSite) -> None:
    visitor = Payer(sandbox.url)
    answer = visitor.post(
        "/sandbox/", pairs_of(account={"order_id": "7"}), **{"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status == 303
    led = visitor.get(answer.headers["location"])
    assert led.hidden("account\\[order_id\\]") == "7"
    shown = visitor.post("/sandbox/", pairs_of(account={"order_id": "a;b"}))
    assert (shown.status, shown.hidden("account\\[order_id\\]")) == (200, "a;b")


def test_other_account_fields_than_the_desks_are_told(sandbox: SandboxSite) -> None:
    link = urlsplit(link_of("", account={"order": "7"})).path
    assert "other account fields" in Payer(sandbox.url, "en").get(f"/sandbox{link}?lang=en").text


def test_a_link_to_no_desk_is_told(sandbox: SandboxSite) -> None:
    link = urlsplit(link_of("", merchant="0" * 24)).path
    answer = Payer(sandbox.url).get(f"/sandbox{link}?lang=en")
    assert answer.status == 404
    assert "a cash desk that does not exist" in answer.text


@pytest.mark.parametrize(
    ("text", "field"),
    [(f"m={DESK.id};ac.order_id=1;a=x", "a"), (f"m={DESK.id};a=1", "ac"), ("ac.order_id=1;a=1", "m")],
)
def test_a_link_with_an_error_names_its_field(sandbox: SandboxSite, text: str, field: str) -> None:
    link = base64.urlsafe_b64encode(text.encode()).decode()
    answer = Payer(sandbox.url, "en").get(f"/sandbox/{link}")
    assert (answer.status, answer.heading) == (400, "What the shop sent cannot be read")
    assert f">{field}</code>" in answer.text


def test_what_is_no_link_and_no_form_is_told(sandbox: SandboxSite) -> None:
    visitor = Payer(sandbox.url, "en")
    assert visitor.get("/sandbox/%D0%BF%D1%80").status == 400
    assert visitor.post("/sandbox/", b"\xff\xfe").status == 400
    assert visitor.post("/sandbox/enter", b"a=" + b"x" * 300_000).status == 400


# Running


@pytest.mark.parametrize(
    ("entry", "only", "documented", "count"),
    [
        ("scenario", None, True, 2),
        ("all", None, False, 6),
        ("authorization", {"authorization"}, False, 2),
        ("create", {"create"}, False, 1),
        ("statement.order", {"statement.order"}, False, 1),
    ],
)
def test_an_entry_runs_its_checks(
    sandbox: SandboxSite, entry: str, only: set[str] | None, documented: bool, count: int
) -> None:
    visitor = entered(sandbox)
    page = run_to_end(visitor, entry)
    assert sandbox.runner.asked == [(only, documented)]
    assert "All is well" in page.text
    assert f"{count} passed" in page.text
    target = sandbox.runner.targets[0]
    assert (target.endpoint, target.key, target.login) == (DESK.endpoint, TEST_KEY, "Paycom")
    assert target.account == {"order_id": "197", "phone": "998901234567"}
    assert (target.amount_tiyin, target.kind, target.allow_private) == (500_000, AccountKind.ONE_TIME, False)
    assert (target.new_account, target.change_password) == (None, False)


def test_what_was_typed_is_the_target(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    run_to_end(visitor, "all", kind="accumulating", amount="100.0", change_password="1")
    target = sandbox.runner.targets[0]
    assert (target.kind, target.amount_tiyin, target.change_password) == (
        AccountKind.ACCUMULATING,
        100,
        True,
    )
    page = visitor.get("/sandbox/tests/all")
    assert re.search(r'value="accumulating" checked', page.text)
    assert "4 checks" in page.text


def test_further_accounts_are_used_one_after_another(sandbox: SandboxSite) -> None:
    sandbox.runner.take = 2
    run_to_end(entered(sandbox), "create", fresh="197\n 198 \n\n198\n199\n")
    assert sandbox.runner.accounts == [
        {"order_id": "198", "phone": "998901234567"},
        {"order_id": "199", "phone": "998901234567"},
    ]


def test_used_up_accounts_are_told(sandbox: SandboxSite) -> None:
    sandbox.runner.take = 2
    page = run_to_end(entered(sandbox), "create", fresh="198")
    assert "The run could not be made" in page.text
    assert "are used up" in page.text


def test_the_demo_shop_makes_orders(tmp_path: Path) -> None:
    with sandbox_site(tmp_path, makes_orders=True) as site:
        site.runner.take = 1
        fields = {"account[order_id]": "", "account[phone]": "", "make_orders": "1"}
        run_to_end(entered(site), "create", **fields)
        assert site.runner.targets[0].account["order_id"] == "made-1"
        assert site.runner.accounts[0]["order_id"] == "made-2"
        assert site.made == [500_000, 500_000]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account[order_id]": ""}, "Enter the value of an account"),
        ({"account[order_id]": "x" * 257}, "At most 256 characters"),
        ({"account[order_id]": "a\x00"}, "At most 256 characters"),
        ({"amount": ""}, "A whole number of tiyin"),
        ({"amount": "0"}, "A whole number of tiyin"),
        ({"amount": "5 000"}, "A whole number of tiyin"),
        ({"amount": "9" * 30}, "A whole number of tiyin"),
        ({"fresh": "\n".join(map(str, range(201)))}, "At most 200 lines."),
        ({"state": "blocked"}, "An account that cannot be paid is only tested"),
        ({"make_orders": "1", "account[phone]": ""}, "Enter the value of an account"),
    ],
)
def test_wrong_parameters_stay_to_be_mended(sandbox: SandboxSite, changes: dict[str, str], said: str) -> None:
    answer = entered(sandbox).post("/sandbox/tests/all", {**PARAMETERS, **changes})
    assert answer.status == 400
    assert said in answer.text
    assert 'value="998901234567"' in answer.text or "account[phone]" in changes
    assert sandbox.runner.targets == []


def test_what_does_not_exist_is_not_found(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    run_to_end(visitor, "create")
    for path in (
        "/sandbox/tests/nothing",
        "/sandbox/runs/9",
        "/sandbox/runs/1/findings/5",
        "/sandbox/runs/1/report.exe",
    ):
        assert visitor.get(path).status == 404, path
    assert visitor.post("/sandbox/tests/nothing", PARAMETERS).status == 404
    assert visitor.get("/sandbox/runs/9/progress").status == 404


def test_a_failed_check_shows_all_about_it(sandbox: SandboxSite) -> None:
    sandbox.runner.failing = {"create.repeat"}
    page = run_to_end(entered(sandbox), "create")
    for said in (
        "There are errors",
        "The repeated answer differs",
        "create_time 1",
        "create_time 2",
        "why-text",
        "mend-text",
        "merchant-api/CreateTransaction",
        "POST https://shop.example.uz/payme",
        "HTTP 200",
        "curl -i",
        "Basic [hidden]",
    ):
        assert said in page.text, said
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert " style=" not in page.text


def test_another_visitors_runs_are_not_seen(sandbox: SandboxSite) -> None:
    run_to_end(entered(sandbox), "create")
    assert entered(sandbox).get("/sandbox/runs/1").status == 404
    assert Payer(sandbox.url, "en").get("/sandbox/runs/1").heading == "Test a shop's server"


def test_one_run_at_a_time_and_it_can_be_stopped(sandbox: SandboxSite) -> None:
    sandbox.hold()
    visitor = entered(sandbox)
    path = begun(visitor, "authorization")
    while (told := json.loads(visitor.get(f"{path}/progress").text))["done"] < 1:
        pass
    assert (told["state"], told["of"], len(told["rows"])) == ("running", 2, 1)
    assert json.loads(visitor.get(f"{path}/progress?from=1").text)["rows"] == []
    page = visitor.get(path)
    assert '<noscript><meta http-equiv="refresh"' in page.text
    second = visitor.post("/sandbox/tests/all", PARAMETERS)
    assert second.status == 409
    assert "A run of yours goes on" in second.text
    visitor.post(f"{path}/stop", {})
    while json.loads(visitor.get(f"{path}/progress").text)["state"] == "running":
        pass
    page = visitor.get(path)
    assert "Stopped" in page.text
    assert "1 passed" in page.text
    sandbox.release()
    assert "All is well" in run_to_end(visitor, "create").text


def test_few_runs_at_a_time_over_all(sandbox: SandboxSite) -> None:
    sandbox.hold()
    for _ in range(4):
        begun(entered(sandbox), "create")
    answer = entered(sandbox).post("/sandbox/tests/create", PARAMETERS)
    assert answer.status == 409
    assert "Others are running tests" in answer.text
    sandbox.release()


def test_runs_end_with_the_site_and_with_the_session(sandbox: SandboxSite) -> None:
    sandbox.hold()
    visitor = entered(sandbox)
    begun(visitor, "create")
    visitor.post("/sandbox/leave", {})
    _until(lambda: sandbox.runner.ended == 1)
    again = entered(sandbox)
    begun(again, "create")
    again.post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY})
    _until(lambda: sandbox.runner.ended == 2)
    begun(entered(sandbox), "create")
    sandbox.run(sandbox.sandbox.close())
    assert sandbox.runner.ended == 3
    assert entered(sandbox).post("/sandbox/tests/create", PARAMETERS).status == 409


def _until(true: Callable[[], bool]) -> None:
    while not true():
        pass


def test_the_history_is_bounded(sandbox: SandboxSite) -> None:
    visitor = entered(sandbox)
    for _ in range(21):
        page = run_to_end(visitor, "create")
    assert "/sandbox/runs/2?" in page.text
    assert "/sandbox/runs/1?" not in page.text
    assert visitor.get("/sandbox/runs/1").status == 404
    old = visitor.get("/sandbox/runs/2")
    assert "no longer kept" in old.text
    assert "1 passed" in old.text
    assert visitor.get("/sandbox/runs/2/report.html").status == 404
    assert visitor.get("/sandbox/runs/21/report.html").status == 200


@pytest.mark.parametrize(
    ("ending", "media_type", "begins"),
    [
        ("html", "text/html", "<!doctype html"),
        ("json", "application/json", "{"),
        ("xml", "application/xml", "<"),
    ],
)
def test_reports_are_files(sandbox: SandboxSite, ending: str, media_type: str, begins: str) -> None:
    visitor = entered(sandbox)
    run_to_end(visitor, "all")
    answer = visitor.get(f"/sandbox/runs/1/report.{ending}?lang=uz")
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"] == f'attachment; filename="tiyin-sandbox-1.{ending}"'
    assert answer.text.lstrip().lower().startswith(begins)


def test_there_is_no_sandbox_where_the_site_has_none(site: Site) -> None:
    assert Payer(site.url).get("/sandbox").status == 404
    assert Payer(site.url).post("/sandbox/enter", {"merchant": DESK.id, "key": TEST_KEY}).status in {404, 405}
